"""What all restricted Boltzmann machines are, whatever their visible units."""

import math
from abc import abstractmethod

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PyTree

from reverie.bits import as_float, draw_bits, softplus
from reverie.capabilities import HasConditionalGibbs, HasEnumeration, HasPotential, HasTemperedGibbs
from reverie.errors import InputError
from reverie.models.visible import Visible
from reverie.parts import Part, learned, option


class RestrictedMachine(Part, HasPotential, HasConditionalGibbs, HasTemperedGibbs, HasEnumeration):
    """Abstract: p(x, h) ∝ exp(η·T(x) + c·h + t(x) W h), h bits, so that each layer is independent given the other.

        u(x) = η·T(x) + Σ_j softplus(c_j + (t(x) W)_j)

    and, along the path of annealed importance sampling (Salakhutdinov & Murray 2008, §3.2),

        u_β(x) = ((1 − β) η₀ + β η)·T(x) + Σ_j softplus(β (c_j + (t(x) W)_j)).
    """

    hidden: int = option(64)
    weights: Array = learned()
    hidden_bias: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.hidden < 1:
            raise InputError(f"an RBM needs at least one hidden unit, not hidden={self.hidden}")

    @property
    @abstractmethod
    def visible(self) -> Visible:
        """The kind of visible units."""

    @abstractmethod
    def natural(self) -> PyTree:
        """η."""

    @abstractmethod
    def base_natural(self) -> PyTree:
        """η₀."""

    @abstractmethod
    def couplings(self) -> Float[Array, "width hidden"]:
        """W, between t(x) and h."""

    def _between(self, beta: Array) -> PyTree:
        return jax.tree.map(lambda a, b: (1.0 - beta) * a + beta * b, self.base_natural(), self.natural())

    def potential(self, x: Array) -> Array:
        """u(x), minus the free energy."""
        field = self.visible.seen(x) @ self.couplings() + self.hidden_bias
        return self.visible.term(self.natural(), x) + jnp.sum(softplus(field))

    def start(self, key: Key[Array, ""]) -> Array:
        """A draw of the base."""
        return self.base_sample(key)

    def gibbs(self, key: Key[Array, ""], x: Array) -> Array:
        """h | x, then x | h."""
        return self._sweep(key, x, self.natural(), jnp.ones(()))

    def conditional_gibbs(self, key: Key[Array, ""], x: Array, held: Array, pull: Array) -> Array:
        """h | x, then what is open of x given h: units of x do not depend on each other."""
        natural = self.visible.pushed(self.natural(), pull.reshape(-1))
        return jnp.where(held, x, self._sweep(key, x, natural, jnp.ones(())))

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent units with parameters η₀."""
        return self.visible.draw(key, self.base_natural())

    def base_log_normaliser(self) -> Array:
        """H log 2 + log Σ_x exp η₀·T(x)."""
        return self.hidden * jnp.log(2.0) + self.visible.log_partition(self.base_natural())

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """u_β(x): u at β = 1, η₀·T(x) + H log 2 at β = 0."""
        field = self.visible.seen(x) @ self.couplings() + self.hidden_bias
        return self.visible.term(self._between(beta), x) + jnp.sum(softplus(beta * field))

    def tempered_gibbs(self, key: Key[Array, ""], x: Array, beta: Array) -> Array:
        """A sweep at inverse temperature β."""
        return self._sweep(key, x, self._between(beta), beta)

    def _sweep(self, key: Key[Array, ""], x: Array, natural: PyTree, beta: Array) -> Array:
        key_h, key_x = jax.random.split(key)
        h = draw_bits(key_h, beta * (self.visible.seen(x) @ self.couplings() + self.hidden_bias))
        return self.visible.draw(key_x, self.visible.pushed(natural, beta * (as_float(h) @ self.couplings().T)))

    def _visible_levels(self) -> tuple[int, ...] | None:
        levels = self.visible.levels
        if levels is None or sum(map(math.log2, levels)) > self.hidden:
            return None
        return levels

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """The layer that has fewer states; the other is summed out in closed form."""
        return self._visible_levels() or (2,) * self.hidden

    def enumerated_term(self, state: Array) -> Array:
        """log Σ over the one layer, at one state of the other."""
        if self._visible_levels() is not None:
            return self.potential(state)
        h = as_float(state)
        return h @ self.hidden_bias + self.visible.log_partition(
            self.visible.pushed(self.natural(), h @ self.couplings().T)
        )


def checked(weights: np.ndarray, visible_bias: np.ndarray, hidden_bias: np.ndarray, axes: tuple[str, ...]) -> None:
    """Refuse arrays that make no machine; `axes` names those of the visible biases, to which weights add [hidden]."""
    w, b, c = weights, visible_bias, hidden_bias
    if w.ndim != len(axes) + 1 or b.shape != w.shape[:-1] or c.shape != w.shape[-1:]:
        shape = ", ".join(axes)
        raise InputError(
            f"weights must be [{shape}, hidden], visible_bias [{shape}] and hidden_bias [hidden]; "
            f"their shapes are {w.shape}, {b.shape} and {c.shape}"
        )
    if not all(np.isfinite(array).all() for array in (w, b, c)):
        raise InputError("the RBM's arrays must be finite")
