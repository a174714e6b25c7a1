"""The restricted Boltzmann machine with Bernoulli units."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie.bits import as_float, draw_bits, log_odds
from reverie.capabilities import HasEnumeration, HasGibbs, HasPotential, HasTemperedGibbs
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.suits import only
from reverie.parts import Part, filled, learned, option


class RBM(Part, HasPotential, HasGibbs, HasTemperedGibbs, HasEnumeration):
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

    hidden: int = option(64)
    weights: Array = learned()
    visible_bias: Array = learned()
    hidden_bias: Array = learned()
    base: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.hidden < 1:
            raise InputError(f"an RBM needs at least one hidden unit, not hidden={self.hidden}")

    @classmethod
    def from_arrays(cls, *, weights: Any, visible_bias: Any, hidden_bias: Any) -> "RBM":
        """The model with known weights [visible, hidden] and biases."""
        w, b, c = (np.asarray(array, np.float32) for array in (weights, visible_bias, hidden_bias))
        if w.ndim != 2 or b.shape != w.shape[:1] or c.shape != w.shape[1:]:
            raise InputError(
                "weights must be [visible, hidden], visible_bias [visible] and hidden_bias [hidden]; "
                f"their shapes are {w.shape}, {b.shape} and {c.shape}"
            )
        if not all(np.isfinite(array).all() for array in (w, b, c)):
            raise InputError("the RBM's arrays must be finite")
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

    def potential(self, x: Array) -> Array:
        """u(x), minus the free energy."""
        v = as_float(x)
        return v @ self.visible_bias + jnp.sum(jax.nn.softplus(v @ self.weights + self.hidden_bias))

    def start(self, key: Key[Array, ""]) -> Array:
        """Bits of the base."""
        return self.base_sample(key)

    def gibbs(self, key: Key[Array, ""], x: Array) -> Array:
        """h | x, then x | h."""
        return self.tempered_gibbs(key, x, jnp.ones(()))

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent bits with log-odds a."""
        return draw_bits(key, self.base)

    def base_log_normaliser(self) -> Array:
        """H log 2 + Σ_i softplus(a_i)."""
        return self.hidden * jnp.log(2.0) + jnp.sum(jax.nn.softplus(self.base))

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """u_β(x) = ((1 − β) a + β b)·x + Σ_j softplus(β (c_j + (x W)_j)): u at β = 1, a·x + H log 2 at β = 0."""
        v = as_float(x)
        bias = (1.0 - beta) * self.base + beta * self.visible_bias
        return v @ bias + jnp.sum(jax.nn.softplus(beta * (v @ self.weights + self.hidden_bias)))

    def tempered_gibbs(self, key: Key[Array, ""], x: Array, beta: Array) -> Array:
        """A sweep at inverse temperature β."""
        key_h, key_x = jax.random.split(key)
        h = draw_bits(key_h, beta * (as_float(x) @ self.weights + self.hidden_bias))
        bias = (1.0 - beta) * self.base + beta * self.visible_bias
        return draw_bits(key_x, bias + beta * (as_float(h) @ self.weights.T))

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """The smaller layer; the larger one is summed out in closed form."""
        return (2,) * min(self.weights.shape)

    def enumerated_term(self, state: Array) -> Array:
        """log Σ over the larger layer, at one state of the smaller one."""
        if self.weights.shape[0] <= self.weights.shape[1]:
            return self.potential(state)
        h = as_float(state)
        return h @ self.hidden_bias + jnp.sum(jax.nn.softplus(h @ self.weights.T + self.visible_bias))
