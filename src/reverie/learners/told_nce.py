"""Noise-contrastive estimation of columns given other columns."""

from reverie.capabilities import ConditionsOnColumns
from reverie.directions import ToldNoiseContrast
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import DataOnly


@named("told-nce")
def ToldNCE(noise: int = 10) -> Learner:
    """Columns given others, by telling each row's own from draws of a known noise put in their place.

        θ up 1/n Σ_i ∇ log [e^{G(y_i)} / Σ_{k=0..K} e^{G(y_ik)}],    G(y) = u_θ(y; v_i) − log p_n(y)

    Neither chains nor Z(v): what depends on v alone is in every term. The noise is what annealing of the told columns
    begins at: they as if they were independent of each other and of v. The larger K, the nearer the estimate is to
    that of maximum likelihood.

    Args:
        noise: K, draws of noise for each row.

    Example:
        >>> from reverie.learners import ToldNCE
        >>> ToldNCE(noise=5).direction.noise
        5

    Reference: Ma & Collins 2018, *Noise contrastive estimation and negative sampling for conditional models:
    consistency and statistical efficiency*, Eq. 5 (ranking).
    """
    at_least_one(noise=noise)
    return Learner(
        reference="Ma & Collins 2018",
        sampler=DataOnly(),
        direction=ToldNoiseContrast(noise),
        requires={"model": (ConditionsOnColumns,)},
    )
