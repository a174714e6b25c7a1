"""Ratio matching."""

from reverie.capabilities import HasRelaxedPotential
from reverie.directions import RatioMatching
from reverie.learners.learner import Learner, named
from reverie.samplers import DataOnly


@named("ratio-matching")
def MatchedRatios() -> Learner:
    """Score matching of what is discrete: ratios of the model between rows that differ at one site, as the data's are.

        θ down E_data Σ_{x'} σ(u(x') − u(x))²

    Consistent, without log Z and without chains. A step costs as many potentials as a row has sites, and for
    categories as many as it has levels in all.

    Example:
        >>> from reverie.learners import MatchedRatios
        >>> MatchedRatios().name
        'ratio-matching'

    Reference: Hyvärinen 2007, *Some extensions of score matching*, §3.
    """
    return Learner(
        reference="Hyvärinen 2007",
        sampler=DataOnly(),
        direction=RatioMatching(),
        requires={"model": (HasRelaxedPotential,)},
    )
