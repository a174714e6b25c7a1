"""What p(h) may be where it is learned: densities of one block of reals, and of one block of categories."""

from reverie.models.priors.autoregressive import AutoregressivePrior
from reverie.models.priors.codes import CodePrior
from reverie.models.priors.flow import FlowPrior
from reverie.models.priors.mixture import MixturePrior
from reverie.models.priors.prior import Prior

__all__ = ["AutoregressivePrior", "CodePrior", "FlowPrior", "MixturePrior", "Prior"]
