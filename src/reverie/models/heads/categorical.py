"""Levels."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.data.spec import Leaf
from reverie.models.heads.head import Head


class Categorical(Head):
    """P(x_i = k) ∝ exp a_{ik}, the logits from the network; levels that a column lacks get no mass."""

    @property
    def width(self) -> int:
        """A logit for each column and level."""
        return self.layout.size * self.layout.levels

    @property
    def own_width(self) -> int:
        """None."""
        return 0

    def start(self, leaf: Leaf) -> tuple[Float[Array, " width"], Float[Array, " own"]]:
        """Equal levels: a spec does not say how frequent they are."""
        return jnp.zeros(self.width), jnp.zeros(0)

    def _logits(self, given: Array) -> Array:
        logits = given.reshape(self.layout.size, self.layout.levels)
        exists = jnp.arange(self.layout.levels)[None, :] < jnp.asarray(self.layout.counts)[:, None]
        return jnp.where(exists, logits, -jnp.inf)

    def log_prob(self, given: Array, own: Array, values: Array) -> Float[Array, ""]:
        """Σ_i log P(x_i)."""
        rows = jax.nn.log_softmax(self._logits(given))
        return jnp.sum(jnp.take_along_axis(rows, values[:, None], axis=1))

    def sample(self, key: Key[Array, ""], given: Array, own: Array) -> Array:
        """Independent levels."""
        return noise.categorical(key, self._logits(given))

    def centre(self, given: Array, own: Array) -> Array:
        """The likeliest levels."""
        return jnp.argmax(self._logits(given), axis=1).astype(jnp.int32)
