"""The restricted Boltzmann machine with Bernoulli units."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie.bits import log_odds
from reverie.capabilities import HasRelaxedPotential
from reverie.data.spec import Spec
from reverie.models.restricted import RestrictedMachine, checked
from reverie.models.suits import only
from reverie.models.visible import Bits
from reverie.parts import filled, learned


class RBM(RestrictedMachine, HasRelaxedPotential):
    """Bits x and hidden bits h with couplings between the two layers only.

        p(x, h) ∝ exp(b·x + c·h + x W h),    u(x) = b·x + Σ_j softplus(c_j + (x W)_j)

    so that p(h | x) and p(x | h) are independent bits, a sweep is h | x then x | h, and u sums the hidden units out.

    Annealed importance sampling follows the path of Salakhutdinov & Murray 2008 (§3.2), the hidden units summed out:

        u_β(x) = ((1 − β) a + β b)·x + Σ_j softplus(β (c_j + (x W)_j)),    β from 0 to 1,

    whose base is independent bits with log-odds a and the normaliser 2^H Π_i (1 + e^{a_i}). `base` holds a: the
    log-odds of the training rows, or, when the model was made from arrays, b + ½ W 1, the one from which u_β does not
    tilt at first: u_β(x) = a·x + β (b + ½ W 1 − a)·x + constants + O(β²). (From a = b, chains run into the mode that
    the visible biases alone would choose.) No learner moves it: u does not depend on it.

    Args:
        hidden: how many hidden units.

    Example:
        >>> from reverie.models import RBM
        >>> RBM(hidden=64).hidden
        64

    Reference: Smolensky 1986; Hinton 2002; Salakhutdinov & Murray 2008, *On the quantitative analysis of deep belief
    networks*.
    """

    visible_bias: Array = learned()
    base: Array = learned()

    @classmethod
    def from_arrays(cls, *, weights: Any, visible_bias: Any, hidden_bias: Any) -> "RBM":
        """The model with known weights [visible, hidden] and biases."""
        w, b, c = (np.asarray(array, np.float32) for array in (weights, visible_bias, hidden_bias))
        checked(w, b, c, ("visible",))
        arrays = {"weights": w, "visible_bias": b, "hidden_bias": c, "base": b + w.sum(axis=1) / 2}
        return cls(hidden=w.shape[1], **{name: jnp.asarray(array) for name, array in arrays.items()})

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "an RBM")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Weights N(0, 0.01²), visible biases at the bits' log-odds (Hinton 2010, *A practical guide*, §8)."""
        bias = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        weights = 0.01 * jax.random.normal(key, (spec.size, self.hidden))
        return filled(self, weights=weights, visible_bias=bias, hidden_bias=jnp.zeros(self.hidden), base=bias)

    @property
    def visible(self) -> Bits:
        """Bits."""
        return Bits(self.weights.shape[0])

    def natural(self) -> Array:
        """b."""
        return self.visible_bias

    def base_natural(self) -> Array:
        """a."""
        return self.base

    def couplings(self) -> Array:
        """W."""
        return self.weights
