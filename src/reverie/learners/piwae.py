"""Partially importance-weighted autoencoding."""

from reverie.capabilities import HasLogJoint, ReparameterisedProposal
from reverie.directions import PartiallyWeightedBound
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import bound
from reverie.samplers import BaseNoise


@named("piwae")
def PIWAE(m: int = 8, k: int = 8) -> Learner:
    """Ascend the bound of all M K samples in the model, and M bounds of K samples each in the inference model.

        θ up E log 1/(MK) Σ_m Σ_k w_mk;  φ up E 1/M Σ_m log 1/K Σ_k w_mk,   w_mk = p(x, h_mk) / q(h_mk | x)

    Each is unbiased for the gradient of its own bound; together they are the gradient of none.

    Args:
        m: M.
        k: K.

    Example:
        >>> from reverie.learners import PIWAE
        >>> PIWAE(m=8, k=8).sampler.count
        64

    Reference: Rainforth et al. 2018, §5.
    """
    at_least_one(m=m, k=k)
    return Learner(
        reference="Rainforth et al. 2018",
        sampler=BaseNoise("inference", m * k),
        direction=PartiallyWeightedBound(m),
        target={"model": bound(m * k), "inference": bound(k)},
        requires={"model": (HasLogJoint,), "inference": (ReparameterisedProposal,)},
    )
