"""Bits."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie.bits import bits_log_prob, draw_bits, log_odds
from reverie.data.spec import Leaf
from reverie.models.heads.head import Head


class Bernoulli(Head):
    """P(x_i = 1) = σ(a_i), the logit a_i from the network."""

    @property
    def width(self) -> int:
        """A logit a column."""
        return self.layout.size

    @property
    def own_width(self) -> int:
        """None."""
        return 0

    def start(self, leaf: Leaf) -> tuple[Float[Array, " width"], Float[Array, " own"]]:
        """The log-odds of the training rows."""
        return log_odds(jnp.asarray(leaf.mean)), jnp.zeros(0)

    def log_prob(self, given: Array, own: Array, values: Array) -> Float[Array, ""]:
        """Σ_i log Bernoulli(x_i; σ(a_i))."""
        return bits_log_prob(given, values)

    def sample(self, key: Key[Array, ""], given: Array, own: Array) -> Array:
        """Independent bits."""
        return draw_bits(key, given)

    def centre(self, given: Array, own: Array) -> Array:
        """The likelier bits."""
        return given > 0
