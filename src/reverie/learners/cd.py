"""Contrastive divergence."""

from reverie.capabilities import HasGibbs, HasPotential
from reverie.directions import Contrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import GibbsFromData


@named("cd")
def ContrastiveDivergence(k: int = 1) -> Learner:
    """The likelihood gradient with the model's expectation taken after k Gibbs sweeps from the data.

        θ up E_data ∇u(x) − E_{k sweeps from data} ∇u(x)

    Biased: the chain has not forgotten the data. The bias falls as k grows.

    Args:
        k: sweeps.

    Example:
        >>> from reverie.learners import ContrastiveDivergence
        >>> ContrastiveDivergence(k=25).sampler.exactness
        'biased'

    Reference: Hinton 2002, *Training products of experts by minimizing contrastive divergence*.
    """
    at_least_one(k=k)
    return Learner(
        reference="Hinton 2002",
        sampler=GibbsFromData(k),
        direction=Contrastive(),
        requires={"model": (HasPotential, HasGibbs)},
    )
