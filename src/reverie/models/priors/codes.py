"""A category for each position, given the positions before it."""

from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.models.priors.prior import Prior
from reverie.networks.masked import MaskedMLP, masked_mlp


class CodePrior(Prior):
    """p(h) = Π_n P(h_n | h_{<n}), the logits of all positions in one pass of a masked network.

    Codes may be relaxed: points of the simplex, [positions, levels], in the place of whole numbers.
    """

    network: MaskedMLP

    @classmethod
    def start(cls, key: Key[Array, ""], positions: int, levels: int, width: int) -> Self:
        """Small weights: near uniform."""
        return cls(masked_mlp(key, positions, levels, (width,), levels))

    def _points(self, h: Array) -> Array:
        levels = self.network.layers[-1].bias.shape[0] // self.network.variables
        return h if jnp.issubdtype(h.dtype, jnp.floating) else jax.nn.one_hot(h, levels)

    def log_prob(self, h: Array) -> Float[Array, ""]:
        """Σ_n log P(h_n | h_{<n})."""
        points = self._points(h)
        return jnp.sum(points * jax.nn.log_softmax(self.network(points)))

    def sample(self, key: Key[Array, ""]) -> Array:
        """Position after position."""
        count = self.network.variables
        keys = jax.random.split(key, count)

        def step(h: Array, at: tuple[Array, Array]) -> tuple[Array, None]:
            i, one = at
            logits = self.network(self._points(h))[i]
            return h.at[i].set(noise.categorical(one, logits)), None

        return jax.lax.scan(step, jnp.zeros(count, jnp.int32), (jnp.arange(count), keys))[0]
