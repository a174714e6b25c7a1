"""Variational Rényi learning."""

import math

from reverie.capabilities import HasLogJoint, ReparameterisedProposal
from reverie.directions import RenyiBound
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import both, bound
from reverie.samplers import BaseNoise


@named("renyi")
def VariationalRenyi(alpha: float = 0.5, k: int = 5) -> Learner:
    """Ascend Rényi's bound, which has the evidence lower bound and the importance-weighted one on one line.

        L_α(x; θ, φ) = E 1/(1 − α) log 1/K Σ_k w_k^(1 − α),  w_k = p(x, h_k) / q(h_k | x),  h_k ~ q(h | x)

    α = 1 is the evidence lower bound and α = 0 the K-sample bound. Unbiased for the gradient of L_α as it stands,
    with its K; a lower bound of the log-likelihood for 0 ≤ α ≤ 1.

    Args:
        alpha: α.
        k: K.

    Example:
        >>> from reverie.learners import VariationalRenyi
        >>> VariationalRenyi(alpha=0.5).options
        {'alpha': 0.5, 'k': 5}

    Reference: Li & Turner 2016.
    """
    at_least_one(k=k)
    if not math.isfinite(alpha):
        raise InputError(f"alpha must be finite, not {alpha}")
    return Learner(
        reference="Li & Turner 2016",
        sampler=BaseNoise("inference", k),
        direction=RenyiBound(alpha),
        target=both(bound(k if alpha == 0 else 1)) if alpha in (0, 1) else {},
        requires={"model": (HasLogJoint,), "inference": (ReparameterisedProposal,)},
    )
