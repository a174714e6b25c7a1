"""Jackknife variational inference."""

from reverie.capabilities import HasLogJoint, ReparameterisedProposal
from reverie.directions import JackknifeBound
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import BaseNoise


@named("jvi")
def JVI(k: int = 5, order: int = 1) -> Learner:
    """Ascend the K-sample bound with its bias taken off by the jackknife.

        order 1:  K L_K − (K − 1) mean_i L_{K−1} without sample i,   L_K = log 1/K Σ_k w_k

    Its bias for log p(x) is of order K^−(m + 1) where the bound's is of order 1/K. It is no lower bound. Unbiased
    for the gradient of its own mean.

    Args:
        k: K, more than `order`.
        order: m, 1 or 2; the cost grows as K^(m + 1).

    Example:
        >>> from reverie.learners import JVI
        >>> JVI(k=8, order=2).options
        {'k': 8, 'order': 2}

    Reference: Nowozin 2018.
    """
    at_least_one(k=k)
    if order not in (1, 2):
        raise InputError(f"order must be 1 or 2, not {order}")
    if k <= order:
        raise InputError(f"a jackknife of order {order} needs k of at least {order + 1}, not {k}")
    return Learner(
        reference="Nowozin 2018",
        sampler=BaseNoise("inference", k),
        direction=JackknifeBound(order),
        requires={"model": (HasLogJoint,), "inference": (ReparameterisedProposal,)},
    )
