"""Continuous columns with heavy tails."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, Key

from reverie.data.spec import Leaf
from reverie.models.heads.head import Head
from reverie.models.heads.scales import Scale, Scales

STARTING_FREEDOM = 10.0


class StudentT(Head):
    """x_i = μ_i + σ_i t_i,  t_i ~ Student(ν_i): one outlying value costs little (Takahashi et al. 2018).

    The location is the network's and the scale as `Scale` has it. The degrees of freedom ν_i = 1 + softplus(·), so that
    there is a mean, are learned, one for each column and the same for all codes.
    """

    scale: Scale = eqx.field(static=True)

    @property
    def _scales(self) -> Scales:
        return Scales(self.scale, self.layout.size)

    @property
    def width(self) -> int:
        """A location a column, and perhaps a scale."""
        return self.layout.size + self._scales.width

    @property
    def own_width(self) -> int:
        """The degrees of freedom of each column, and the shared scale."""
        return self.layout.size + self._scales.own_width

    def start(self, leaf: Leaf) -> tuple[Float[Array, " width"], Float[Array, " own"]]:
        """Ten degrees of freedom, and the means and standard deviations of the training rows."""
        shrink = math.sqrt((STARTING_FREEDOM - 2.0) / STARTING_FREEDOM)
        given, own = self._scales.start(shrink * jnp.asarray(leaf.std, jnp.float32))
        freedom = jnp.full(self.layout.size, math.log(math.expm1(STARTING_FREEDOM - 1.0)), jnp.float32)
        return jnp.concatenate([jnp.asarray(leaf.mean, jnp.float32), given]), jnp.concatenate([freedom, own])

    def _distribution(self, given: Array, own: Array) -> Any:
        size = self.layout.size
        log_scale = self._scales.log_scale(given[size:], own[size:])
        return dist.StudentT(1.0 + jax.nn.softplus(own[:size]), given[:size], jnp.exp(log_scale))

    def log_prob(self, given: Array, own: Array, values: Array) -> Float[Array, ""]:
        """Σ_i log Student(x_i)."""
        return jnp.sum(self._distribution(given, own).log_prob(values))

    def sample(self, key: Key[Array, ""], given: Array, own: Array) -> Array:
        """Independent draws."""
        return self._distribution(given, own).sample(key)

    def centre(self, given: Array, own: Array) -> Array:
        """μ."""
        return given[: self.layout.size]
