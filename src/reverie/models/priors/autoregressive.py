"""A Gaussian for each coordinate, given the coordinates before it."""

import math
from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.models.priors.prior import Prior
from reverie.networks.masked import MaskedMLP, masked_mlp

STEEPEST = 5.0
"""The largest |log σ|."""


class AutoregressivePrior(Prior):
    """p(h) = Π_i N(h_i; μ_i(h_{<i}), σ_i(h_{<i})²), all μ and σ in one pass of a masked network.

    Reference: Gregor et al. 2014; Papamakarios, Pavlakou & Murray 2017, §2.2; as a prior: Chen et al. 2017.
    """

    network: MaskedMLP

    @classmethod
    def start(cls, key: Key[Array, ""], size: int, width: int) -> Self:
        """Small weights: near N(0, I)."""
        return cls(masked_mlp(key, size, 1, (width,), 2))

    def _moments(self, h: Array) -> tuple[Array, Array]:
        output = self.network(h[:, None])
        return output[:, 0], STEEPEST * jnp.tanh(output[:, 1] / STEEPEST)

    def log_prob(self, h: Array) -> Float[Array, ""]:
        """Σ_i log N(h_i; μ_i, σ_i²)."""
        mean, log_scale = self._moments(h)
        z = (h - mean) * jnp.exp(-log_scale)
        return -jnp.sum(0.5 * z**2 + log_scale) - 0.5 * h.shape[0] * math.log(2.0 * math.pi)

    def sample(self, key: Key[Array, ""]) -> Array:
        """Coordinate after coordinate."""
        fresh = noise.normal(key, (self.network.variables,))

        def step(h: Array, i: Array) -> tuple[Array, None]:
            mean, log_scale = self._moments(h)
            return h.at[i].set(mean[i] + jnp.exp(log_scale[i]) * fresh[i]), None

        return jax.lax.scan(step, jnp.zeros_like(fresh), jnp.arange(fresh.shape[0]))[0]
