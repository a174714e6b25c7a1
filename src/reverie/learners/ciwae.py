"""Combination importance-weighted autoencoding."""

from reverie.capabilities import HasLogJoint, ReparameterisedProposal
from reverie.directions import CombinedBound
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import both, bound
from reverie.samplers import BaseNoise


@named("ciwae")
def CIWAE(k: int = 64, beta: float = 0.5) -> Learner:
    """Ascend a mixture of the evidence lower bound and the K-sample bound.

        E [β 1/K Σ_k log w_k + (1 − β) log 1/K Σ_k w_k],   w_k = p(x, h_k) / q(h_k | x)

    A lower bound; unbiased for its gradient. β = 0 is IWAE, β = 1 the sampled ELBO with K samples.

    Args:
        k: K.
        beta: β.

    Example:
        >>> from reverie.learners import CIWAE
        >>> CIWAE(beta=0.05).options["beta"]
        0.05

    Reference: Rainforth et al. 2018, §5.
    """
    at_least_one(k=k)
    if not 0 <= beta <= 1:
        raise InputError(f"beta must lie in [0, 1], not {beta}")
    return Learner(
        reference="Rainforth et al. 2018",
        sampler=BaseNoise("inference", k),
        direction=CombinedBound(beta),
        target=both(bound(k if beta == 0 else 1)) if beta in (0, 1) else {},
        requires={"model": (HasLogJoint,), "inference": (ReparameterisedProposal,)},
    )
