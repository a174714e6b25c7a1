"""Variational inference for Monte Carlo objectives."""

from reverie.capabilities import HasLogJoint, HasPosterior
from reverie.directions import MonteCarloObjective
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.learners.target import both, bound
from reverie.samplers import Importance


@named("vimco")
def VIMCO(k: int = 5) -> Learner:
    """Ascend the K-sample bound by the score function, each code with the others for a baseline.

        E log 1/K Σ_k p(x, h_k) / q(h_k | x),  h_k ~ q(h | x)                                  (Ou 2019, Eq. 19)

    Unbiased for the gradient of that bound, for the model and the inference model alike. What IWAE is for
    reparameterised codes this is for codes of any kind.

    Args:
        k: K, two at least.

    Example:
        >>> from reverie.learners import VIMCO
        >>> VIMCO(k=10).options
        {'k': 10}

    Reference: Mnih & Rezende 2016, *Variational inference for Monte Carlo objectives*, Alg. 1.
    """
    if k < 2:
        raise InputError(f"VIMCO needs k of at least 2, since each code has the others for a baseline, not {k}")
    return Learner(
        reference="Mnih & Rezende 2016",
        sampler=Importance(k),
        direction=MonteCarloObjective(),
        target=both(bound(k)),
        requires={"model": (HasLogJoint,), "inference": (HasPosterior,)},
    )
