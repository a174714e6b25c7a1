"""Kinds of visible units: what a layer of them adds to a potential, how hidden units see it, how it is drawn.

Each is an exponential family p(x) ∝ exp η·T(x) of independent units, given by its natural parameters η. Hidden units
see a part t(x) of T(x) and add to its parameters; mixtures (1 − β) η + β η' are what annealing runs along.
"""

import math
from abc import abstractmethod
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from reverie import noise
from reverie.bits import as_float, draw_bits, softplus
from reverie.models.categories import forbidden, one_hot


class Visible(eqx.Module):
    """Abstract: a layer of visible units. It holds no numbers; its methods are given η."""

    @property
    @abstractmethod
    def levels(self) -> tuple[int, ...] | None:
        """How many values each unit has; `None` where they cannot be counted."""

    @abstractmethod
    def seen(self, x: Array) -> Float[Array, " width"]:
        """t(x)."""

    @abstractmethod
    def term(self, natural: PyTree, x: Array) -> Float[Array, ""]:
        """η·T(x)."""

    @abstractmethod
    def pushed(self, natural: PyTree, field: Float[Array, " width"]) -> PyTree:
        """η with a field added along t."""

    @abstractmethod
    def log_partition(self, natural: PyTree) -> Float[Array, ""]:
        """log Σ_x exp η·T(x)."""

    @abstractmethod
    def draw(self, key: Key[Array, ""], natural: PyTree) -> Array:
        """x with these parameters."""


class Bits(Visible):
    """t(x) = T(x) = x, and η are the log-odds, [units]."""

    units: int = eqx.field(static=True)

    @property
    def levels(self) -> tuple[int, ...]:
        """Two each."""
        return (2,) * self.units

    def seen(self, x: Array) -> Float[Array, " width"]:
        """x."""
        return as_float(x)

    def term(self, natural: Array, x: Array) -> Float[Array, ""]:
        """η·x."""
        return as_float(x) @ natural

    def pushed(self, natural: Array, field: Float[Array, " width"]) -> Array:
        """η + field."""
        return natural + field

    def log_partition(self, natural: Array) -> Float[Array, ""]:
        """Σ_i softplus(η_i)."""
        return jnp.sum(softplus(natural))

    def draw(self, key: Key[Array, ""], natural: Array) -> Array:
        """Independent bits."""
        return draw_bits(key, natural)


class Categories(Visible):
    """t(x) = T(x) = one-hot x, flat, and η are the logits, [units, levels]; lacking levels are never drawn."""

    counts: tuple[int, ...] = eqx.field(static=True)

    @property
    def levels(self) -> tuple[int, ...]:
        """Those of each column."""
        return self.counts

    def seen(self, x: Array) -> Float[Array, " width"]:
        """Zeros and ones."""
        return one_hot(x, max(self.counts)).reshape(-1)

    def term(self, natural: Array, x: Array) -> Float[Array, ""]:
        """Σ_i η_i(x_i)."""
        return jnp.sum(one_hot(x, max(self.counts)) * forbidden(natural, self.counts))

    def pushed(self, natural: Array, field: Float[Array, " width"]) -> Array:
        """η + field."""
        return natural + field.reshape(natural.shape)

    def log_partition(self, natural: Array) -> Float[Array, ""]:
        """Σ_i log Σ_k exp η_i(k)."""
        return jnp.sum(jax.nn.logsumexp(forbidden(natural, self.counts), axis=1))

    def draw(self, key: Key[Array, ""], natural: Array) -> Array:
        """Independent categories."""
        return noise.categorical(key, forbidden(natural, self.counts))


class Gaussian(NamedTuple):
    """The natural parameters of independent Gaussians.

    Attributes:
        linear: mean over variance, of x.
        precision: one over the variance, of −x²/2.
    """

    linear: Array
    precision: Array


class Reals(Visible):
    """t(x) = x, T(x) = (x, −x²/2)."""

    @property
    def levels(self) -> None:
        """Reals cannot be counted."""
        return

    def seen(self, x: Array) -> Float[Array, " width"]:
        """x."""
        return x

    def term(self, natural: Gaussian, x: Array) -> Float[Array, ""]:
        """η·x − λ·x²/2."""
        return jnp.sum(x * (natural.linear - 0.5 * natural.precision * x))

    def pushed(self, natural: Gaussian, field: Float[Array, " width"]) -> Gaussian:
        """The linear part, and the precision as it is."""
        return natural._replace(linear=natural.linear + field)

    def log_partition(self, natural: Gaussian) -> Float[Array, ""]:
        """Σ_i η_i²/2λ_i + ½ log 2π/λ_i."""
        spread = jnp.log(2.0 * math.pi / natural.precision)
        return 0.5 * jnp.sum(jnp.square(natural.linear) / natural.precision + spread)

    def draw(self, key: Key[Array, ""], natural: Gaussian) -> Array:
        """Independent Gaussians."""
        z = noise.normal(key, natural.linear.shape)
        return natural.linear / natural.precision + z * jax.lax.rsqrt(natural.precision)
