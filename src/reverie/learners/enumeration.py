"""Learning with all codes written out."""

from typing import Literal

from reverie.capabilities import HasFiniteCodes, HasPosterior
from reverie.directions import EnumeratedElbo, EnumeratedLikelihood
from reverie.learners.learner import Learner, named
from reverie.samplers import DataOnly


@named("enumeration")
def Enumeration(objective: Literal["elbo", "likelihood"] = "likelihood") -> Learner:
    """Exact learning of a model of few codes: the sums over h are written out.

        likelihood: θ up ∇ log Σ_h p(x, h), φ up ∇ Σ_h p(h | x) log q(h | x)               (Ou 2019, Eq. 6 and 26)
        elbo:       θ, φ up ∇ Σ_h q(h | x) [log p(x, h) − log q(h | x)]                            (Ou 2019, Eq. 8)

    Nothing is drawn but rows. What other learners approximate is measured against this one.

    Args:
        objective: `likelihood` or `elbo`.

    Example:
        >>> from reverie.learners import Enumeration
        >>> Enumeration(objective="elbo").direction.uses
        ()
    """
    return Learner(
        reference="Ou 2019, Eq. 6, 8 and 26",
        sampler=DataOnly(),
        direction=EnumeratedElbo() if objective == "elbo" else EnumeratedLikelihood(),
        requires={"model": (HasFiniteCodes,), "inference": (HasPosterior,)},
    )
