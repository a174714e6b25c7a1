"""Doubly reparameterised learning by the importance-weighted bound."""

from reverie.capabilities import HasLogJoint, HasPosterior, Reparameterised
from reverie.directions import DoublyReparameterised
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import both, bound
from reverie.samplers import BaseNoise


@named("dreg")
def DReG(k: int = 5, alpha: float = 0.0) -> Learner:
    """Ascend the K-sample bound with a gradient of φ that does not drown in noise as K grows.

        θ along Σ_k w̄_k ∇_θ log p(x, h_k);  φ along Σ_k (α w̄_k + (1 − 2α) w̄_k²) (∂h_k/∂φ)ᵀ ∇_h log w(h_k)

    With α = 0 unbiased for the gradient of I_K, as IWAE is, at a lower variance of φ.

    Args:
        k: K.
        alpha: α; 0 is the bound, 1 the wake-φ update of reweighted wake-sleep.

    Example:
        >>> from reverie.learners import DReG
        >>> DReG(k=50).options["k"]
        50

    Reference: Tucker, Lawson, Gu & Maddison 2019.
    """
    at_least_one(k=k)
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha must lie in [0, 1], not {alpha}")
    return Learner(
        reference="Tucker et al. 2019",
        sampler=BaseNoise("inference", k),
        direction=DoublyReparameterised(alpha),
        target=both(bound(k)) if alpha == 0 else {"model": bound(k)},
        requires={"model": (HasLogJoint,), "inference": (Reparameterised, HasPosterior)},
    )
