"""Numbers told of sequences of symbols: sums over n-grams, recurrent networks in both directions, attention.

A sequence is given by as many places as the longest has, with the boundary's number (one above all symbols) after its
end, and by its length.
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from reverie import noise
from reverie.networks.mlp import Affine, affine
from reverie.networks.potentials import AttentionBlock
from reverie.networks.recurrent import LSTM, lstm

SequenceNetwork = Literal["ngram", "lstm", "attention"]


class NGrams(eqx.Module):
    """Σ_k Σ_i w_k[x_{i−k+1}, …, x_i], k from the lowest order to the highest, boundaries before and after x.

    A table has a number for each k-gram where it has room for them all; else k-grams that fall on the same number by a
    hash share it (Weinberger et al. 2009, *Feature hashing for large scale multitask learning*).
    """

    tables: tuple[Array, ...]
    orders: tuple[int, ...] = eqx.field(static=True)
    symbols: int = eqx.field(static=True)

    def _numbers(self, padded: Int[Array, "*some reach"], order: int, size: int) -> Int[Array, "*some windows"]:
        """Where in its table each window of that order is."""
        count = padded.shape[-1] - order + 1
        windows = [padded[..., j : j + count].astype(jnp.uint32) for j in range(order)]
        dense = size == (self.symbols + 1) ** order
        total = jnp.zeros_like(windows[0]) if dense else jnp.full_like(windows[0], 2166136261)
        for one in windows:
            total = total * (self.symbols + 1) + one if dense else (total ^ one) * jnp.uint32(16777619)
        if not dense:
            total = (total ^ (total >> 15)) * jnp.uint32(0x85EBCA6B)
            total = (total ^ (total >> 13)) * jnp.uint32(0xC2B2AE35)
            total = (total ^ (total >> 16)) % jnp.uint32(size)
        return total.astype(jnp.int32)

    @property
    def _reach(self) -> int:
        return max(self.orders) - 1

    def _padded(self, tokens: Int[Array, " places"]) -> Int[Array, " padded"]:
        return jnp.pad(tokens, self._reach, constant_values=self.symbols)

    def __call__(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """The sum over all windows with a symbol in them."""
        padded, total = self._padded(tokens), jnp.zeros(())
        for order, table in zip(self.orders, self.tables, strict=True):
            inside = padded[self._reach - order + 1 : self._reach + tokens.shape[0] + order - 1]
            found = table[self._numbers(inside, order, table.shape[0])]
            total += jnp.sum(jnp.where(jnp.arange(found.shape[0]) < length + order - 1, found, 0.0))
        return total

    def around(self, tokens: Int[Array, " places"], place: Int[Array, ""]) -> Float[Array, " symbols"]:
        """The sum over the windows around a place, for each symbol that might stand there."""
        near = jax.lax.dynamic_slice(self._padded(tokens), (place,), (2 * self._reach + 1,))
        tried = jnp.broadcast_to(near, (self.symbols, near.shape[0])).at[:, self._reach].set(jnp.arange(self.symbols))
        total = jnp.zeros(self.symbols)
        for order, table in zip(self.orders, self.tables, strict=True):
            inside = tried[:, self._reach - order + 1 : self._reach + order]
            total += jnp.sum(table[self._numbers(inside, order, table.shape[0])], axis=1)
        return total


def ngrams(key: Key[Array, ""], symbols: int, orders: tuple[int, ...], room: int) -> NGrams:
    """Tables near zero of at most so many numbers each."""
    sizes = [min((symbols + 1) ** order, room) for order in orders]
    keys = jax.random.split(key, len(orders))
    tables = tuple(0.01 * noise.normal(one, (size,)) for one, size in zip(keys, sizes, strict=True))
    return NGrams(tables, orders, symbols)


class Reader(eqx.Module):
    """An LSTM that says a number for every next symbol, the boundary at the end among them."""

    table: Array
    recurrence: LSTM
    out: Affine

    def logits(self, tokens: Int[Array, " places"]) -> Float[Array, "after symbols"]:
        """What it says of the first symbol, and then after each."""
        return self.out(self._states(tokens))

    def _states(self, tokens: Int[Array, " places"]) -> Float[Array, "after width"]:
        boundary = jnp.array([self.table.shape[0] - 1], tokens.dtype)
        return self.recurrence(self.table[jnp.concatenate([boundary, tokens])], jnp.zeros(self.recurrence.width))

    def begin(self) -> tuple[Array, Array]:
        """Its state before the start."""
        return self.recurrence.begin(jnp.zeros(self.recurrence.width))

    def step(
        self, state: tuple[Array, Array], before: Int[Array, ""]
    ) -> tuple[tuple[Array, Array], Float[Array, " symbols"]]:
        """`logits` one place at a time: its state after a symbol, the boundary at the start, and what it says then."""
        state, hidden = self.recurrence.step(state, self.recurrence.inwards(self.table[before]))
        return state, self.out(hidden)

    def __call__(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """What it said of the symbols that came, and of the end, added up; what it says of others is not worked out."""
        boundary = jnp.array([self.table.shape[0] - 1], tokens.dtype)
        came = jnp.concatenate([tokens, boundary])
        said = jnp.sum(self._states(tokens) * self.out.weight.T[came], axis=1) + self.out.bias[came]
        return jnp.sum(jnp.where(jnp.arange(came.shape[0]) <= length, said, 0.0))


def reader(key: Key[Array, ""], symbols: int, width: int, embedding: int, scale: float) -> Reader:
    """A reader whose last layer is shrunk by a factor."""
    key_table, key_cell, key_out = jax.random.split(key, 3)
    out = affine(key_out, width, symbols + 1)
    return Reader(
        0.3 * noise.normal(key_table, (symbols + 1, embedding)),
        lstm(key_cell, embedding, width),
        Affine(scale * out.weight, out.bias),
    )


class BothWays(eqx.Module):
    """One reader from the left, one from the right, and the sum of what they say.

    Reference: Wang & Ou 2018, *Improved training of neural trans-dimensional random field language models with dynamic
    noise-contrastive estimation*, Eq. 5.
    """

    forwards: Reader
    backwards: Reader

    def __call__(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """The sum of both."""
        places = jnp.arange(tokens.shape[0])
        turned = jnp.where(places < length, tokens[jnp.clip(length - 1 - places, 0)], tokens)
        return self.forwards(tokens, length) + self.backwards(turned, length)


class Attending(eqx.Module):
    """Symbols with a place each, blocks of attention over all places, and the sum of a number told at each symbol."""

    table: Array
    places: Array
    blocks: tuple[AttentionBlock, ...]
    last: Affine

    def __call__(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """The sum over the symbols; what comes after the end is seen as such."""
        stream = self.table[tokens] + self.places
        for block in self.blocks:
            stream = block(stream)
        return jnp.sum(jnp.where(jnp.arange(tokens.shape[0]) < length, self.last(stream)[:, 0], 0.0))


def attending(key: Key[Array, ""], symbols: int, places: int, width: int, depth: int) -> Attending:
    """So many blocks of that width; the last layer is small."""
    heads = next(count for count in (4, 2, 1) if width % count == 0)
    key_table, key_places, key_last, key_blocks = jax.random.split(key, 4)

    def block(key: Array) -> AttentionBlock:
        one, two, three, four = jax.random.split(key, 4)
        outwards = affine(two, width, width), affine(four, 2 * width, width)
        inwards = affine(one, width, 3 * width), affine(three, width, 2 * width)
        return AttentionBlock(inwards[0], outwards[0], inwards[1], outwards[1], heads, "silu")

    last = affine(key_last, width, 1)
    return Attending(
        noise.normal(key_table, (symbols + 1, width)),
        0.5 * noise.normal(key_places, (places, width)),
        tuple(block(one) for one in jax.random.split(key_blocks, depth)),
        Affine(0.1 * last.weight, last.bias),
    )
