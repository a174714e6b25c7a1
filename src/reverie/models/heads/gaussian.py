"""Continuous columns with Gaussian noise."""

import math

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.data.spec import Leaf
from reverie.models.heads.head import Head
from reverie.models.heads.scales import Scale, Scales


class Gaussian(Head):
    """x_i ~ N(μ_i, σ_i²), the mean from the network; σ as `Scale` has it (Rybkin et al. 2021 for the shared one)."""

    scale: Scale = eqx.field(static=True)

    @property
    def _scales(self) -> Scales:
        return Scales(self.scale, self.layout.size)

    @property
    def width(self) -> int:
        """A mean a column, and perhaps a scale."""
        return self.layout.size + self._scales.width

    @property
    def own_width(self) -> int:
        """The shared scale."""
        return self._scales.own_width

    def start(self, leaf: Leaf) -> tuple[Float[Array, " width"], Float[Array, " own"]]:
        """The means and standard deviations of the training rows."""
        given, own = self._scales.start(jnp.asarray(leaf.std, jnp.float32))
        return jnp.concatenate([jnp.asarray(leaf.mean, jnp.float32), given]), own

    def log_prob(self, given: Array, own: Array, values: Array) -> Float[Array, ""]:
        """Σ_i log N(x_i; μ_i, σ_i²)."""
        log_scale = self._scales.log_scale(given[self.layout.size :], own)
        z = (values - given[: self.layout.size]) * jnp.exp(-log_scale)
        return -jnp.sum(0.5 * z**2 + log_scale) - 0.5 * self.layout.size * math.log(2.0 * math.pi)

    def sample(self, key: Key[Array, ""], given: Array, own: Array) -> Array:
        """Independent normals."""
        log_scale = self._scales.log_scale(given[self.layout.size :], own)
        return given[: self.layout.size] + jnp.exp(log_scale) * noise.normal(key, (self.layout.size,))

    def centre(self, given: Array, own: Array) -> Array:
        """μ."""
        return given[: self.layout.size]
