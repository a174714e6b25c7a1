"""What comes next among many symbols, in two steps: which class, then which symbol of it.

    p(w | s) = p(class of w | s) p(w | class of w, s)

Symbol w is the (w mod k)-th of class ⌊w / k⌋, k = ⌈√symbols / 4⌉: a word then costs a few times √symbols numbers and
not all of them. With as many classes as symbols in a class the fewest numbers are worked out; but those of all classes
are one product of matrices, while those of a class have to be fetched for each word, and smaller classes take less
time. Whoever numbers the symbols chooses the classes: what has neighbours alike should have numbers near each other.

Reference: Goodman 2001, *Classes for fast maximum entropy training*; Mikolov et al. 2011, *Extensions of recurrent
neural network language model*, §3.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import log_softmax
from jaxtyping import Array, Float, Int, Key

from reverie import noise
from reverie.networks.mlp import Affine, affine

NEVER = -1e9
"""The logit of a place in the last class at which there is no symbol."""
NARROW = 64
"""The most numbers by which the symbols of a class are told apart."""


class WordClasses(eqx.Module):
    """log p(w | s), s being what a network knows."""

    classes: Affine
    narrow: Array
    words: Float[Array, "classes size narrow"]
    biases: Float[Array, "classes size"]
    symbols: int = eqx.field(static=True)

    def _within(self, hidden: Array, chosen: Array) -> Array:
        """log p of each place of a class, or of some classes."""
        return log_softmax(self._inside(self.biases[chosen] + self.words[chosen] @ (hidden @ self.narrow), chosen))

    def _inside(self, logits: Array, chosen: Array) -> Array:
        """The last class may not be full."""
        size = self.biases.shape[1]
        return jnp.where(chosen[..., None] * size + jnp.arange(size) < self.symbols, logits, NEVER)

    def log_prob(self, hidden: Float[Array, " width"], symbol: Int[Array, ""]) -> Float[Array, ""]:
        """log p(w | s)."""
        chosen, place = jnp.divmod(symbol, self.biases.shape[1])
        return log_softmax(self.classes(hidden))[chosen] + self._within(hidden, chosen)[place]

    def log_probs(self, hidden: Float[Array, " width"]) -> Float[Array, " symbols"]:
        """That of every symbol."""
        every = self._within(hidden, jnp.arange(self.biases.shape[0]))
        return (log_softmax(self.classes(hidden))[:, None] + every).reshape(-1)[: self.symbols]

    def sample(self, key: Key[Array, ""], hidden: Float[Array, " width"]) -> Int[Array, ""]:
        """w ~ p(w | s)."""
        key_class, key_place = jax.random.split(key)
        chosen = noise.categorical(key_class, self.classes(hidden))
        place = noise.categorical(key_place, self._within(hidden, chosen))
        return (chosen * self.biases.shape[1] + place).astype(jnp.int32)


def class_size(symbols: int) -> int:
    """k, two at least."""
    return max(2, math.ceil(math.sqrt(symbols) / 4))


def word_classes(key: Key[Array, ""], width: int, symbols: int) -> WordClasses:
    """All symbols of a class equally likely at the start, and all classes nearly."""
    size = class_size(symbols)
    count, narrow = -(-symbols // size), min(NARROW, width)
    key_class, key_narrow, key_words = jax.random.split(key, 3)
    first = affine(key_class, width, count)
    return WordClasses(
        Affine(0.1 * first.weight, first.bias),
        affine(key_narrow, width, narrow).weight,
        0.05 * noise.normal(key_words, (count, size, narrow)),
        jnp.zeros((count, size)),
        symbols,
    )
