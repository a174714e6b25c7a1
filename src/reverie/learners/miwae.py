"""Multiply importance-weighted autoencoding."""

from reverie.capabilities import HasLogJoint, ReparameterisedProposal
from reverie.directions import MultiplyWeightedBound
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import both, bound
from reverie.samplers import BaseNoise


@named("miwae")
def MIWAE(m: int = 8, k: int = 8) -> Learner:
    """Ascend the mean of M bounds of K samples each.

        E 1/M Σ_m log 1/K Σ_k p(x, h_mk) / q(h_mk | x)

    Unbiased for the gradient of I_K. Of M K samples in all, more in M give φ more signal, more in K a tighter bound.

    Args:
        m: M.
        k: K.

    Example:
        >>> from reverie.learners import MIWAE
        >>> MIWAE(m=8, k=8).sampler.count
        64

    Reference: Rainforth et al. 2018, §5.
    """
    at_least_one(m=m, k=k)
    return Learner(
        reference="Rainforth et al. 2018",
        sampler=BaseNoise("inference", m * k),
        direction=MultiplyWeightedBound(m),
        target=both(bound(k)),
        requires={"model": (HasLogJoint,), "inference": (ReparameterisedProposal,)},
    )
