"""Importance-weighted autoencoding."""

from reverie.capabilities import HasLogJoint, ReparameterisedProposal
from reverie.directions import ImportanceWeightedBound
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import both, bound
from reverie.samplers import BaseNoise


@named("iwae")
def IWAE(k: int = 5) -> Learner:
    """Ascend the K-sample bound, which lies between the evidence lower bound and the log-likelihood.

        I_K(x; θ, φ) = E log 1/K Σ_k p(x, h_k) / q(h_k | x),  h_k ~ q(h | x)                  (Ou 2019, Eq. 19)

    Unbiased for the gradient of I_K; K = 1 is the sampled ELBO.

    Args:
        k: K.

    Example:
        >>> from reverie.learners import IWAE
        >>> IWAE(k=50).options
        {'k': 50}

    Reference: Burda, Grosse & Salakhutdinov 2016.
    """
    at_least_one(k=k)
    return Learner(
        reference="Burda et al. 2016",
        sampler=BaseNoise("inference", k),
        direction=ImportanceWeightedBound(),
        target=both(bound(k)),
        requires={"model": (HasLogJoint,), "inference": (ReparameterisedProposal,)},
    )
