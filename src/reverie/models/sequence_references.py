"""What a field of sequences is a tilt of: normalised models r(x | l) of the sequences of each length."""

import math
from abc import abstractmethod
from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.nn import log_softmax
from jaxtyping import Array, Float, Int, Key

from reverie import noise
from reverie.networks.dropout import dropped, row_number
from reverie.networks.recurrent import LSTM, lstm
from reverie.networks.word_classes import WordClasses, word_classes

ReferenceName = Literal["uniform", "unigram", "bigram", "lstm"]


class SequenceReference(eqx.Module):
    """Abstract: Σ_x r(x | l) = 1 over the sequences of each length l. Tokens after the end do not matter."""

    exact: eqx.AbstractClassVar[bool]
    """Whether `logits_at` is the reference's conditional given all other places, up to a constant."""

    @abstractmethod
    def log_prob(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """log r(x | l)."""

    @abstractmethod
    def draw(self, key: Key[Array, ""], length: Int[Array, ""]) -> Int[Array, " places"]:
        """x ~ r(x | l), with some symbols after its end."""

    @abstractmethod
    def logits_at(
        self, tokens: Int[Array, " places"], length: Int[Array, ""], place: Int[Array, ""]
    ) -> Float[Array, " symbols"]:
        """By what log-odds to propose each symbol for a place, whatever stands there now."""


class UniformReference(SequenceReference):
    """r(x | l) = symbols^−l."""

    exact = True
    symbols: int = eqx.field(static=True)
    places: int = eqx.field(static=True)

    def log_prob(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """−l log symbols."""
        return -length * math.log(self.symbols)

    def draw(self, key: Key[Array, ""], length: Int[Array, ""]) -> Int[Array, " places"]:
        """All of them equally likely."""
        return noise.categorical(key, jnp.zeros((self.places, self.symbols))).astype(jnp.int32)

    def logits_at(
        self, tokens: Int[Array, " places"], length: Int[Array, ""], place: Int[Array, ""]
    ) -> Float[Array, " symbols"]:
        """None is likelier than another."""
        return jnp.zeros(self.symbols)


class TableReference(SequenceReference):
    """r(x | l) = Π_t r(x_t | x_{t−1}), off a table [symbols + 1, symbols] whose last row is the start's.

    A table of one row is of independent symbols.
    """

    exact = True
    table: Array
    places: int = eqx.field(static=True)

    @property
    def _log(self) -> Float[Array, "before symbols"]:
        return jnp.atleast_2d(log_softmax(self.table))

    def log_prob(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """The sum over the places."""
        log = self._log
        symbols = log.shape[1]
        before = jnp.concatenate([jnp.array([symbols], tokens.dtype), tokens[:-1]])
        row = before if log.shape[0] > 1 else jnp.zeros_like(before)
        each = log[row, jnp.minimum(tokens, symbols - 1)]
        return jnp.sum(jnp.where(jnp.arange(self.places) < length, each, 0.0))

    def draw(self, key: Key[Array, ""], length: Int[Array, ""]) -> Int[Array, " places"]:
        """Symbol after symbol."""
        log = self._log

        def speak(before: Array, one: Array) -> tuple[Array, Array]:
            symbol = noise.categorical(one, log[before]).astype(jnp.int32)
            return symbol if log.shape[0] > 1 else before, symbol

        first = jnp.asarray(log.shape[0] - 1, jnp.int32)
        return jax.lax.scan(speak, first, jax.random.split(key, self.places))[1]

    def logits_at(
        self, tokens: Int[Array, " places"], length: Int[Array, ""], place: Int[Array, ""]
    ) -> Float[Array, " symbols"]:
        """What the symbol before and the one after say."""
        log = self._log
        if log.shape[0] == 1:
            return log[0]
        symbols = log.shape[1]
        before = jnp.where(place > 0, tokens[place - 1], symbols)
        after = tokens[jnp.minimum(place + 1, self.places - 1)]
        onwards = log[:symbols, jnp.minimum(after, symbols - 1)]
        return log[before] + jnp.where(place + 1 < length, onwards, 0.0)


Thinning = Callable[[int, Array], Array]
"""The units of a layer, by its number, with some of them nought."""


def _whole(number: int, units: Array) -> Array:
    return units


class LSTMReference(SequenceReference):
    """r(x | l) = Π_t r(x_t | x_1, …, x_{t−1}, l − t): an LSTM that is told how many symbols are still to come.

    With the lengths' shares it is a language model, Σ_l π_l Σ_x r(x | l) = 1, that knows its ends beforehand. Many
    symbols are told in two steps (`word_classes`). Proposals look at what came before alone.

    Reference: Zaremba, Sutskever & Vinyals 2014, *Recurrent neural network regularization*, Eq. 7–9.
    """

    exact = False
    table: Float[Array, "symbols1 embedding"]
    remaining: Float[Array, "places1 embedding"]
    layers: tuple[LSTM, ...]
    out: WordClasses

    def _hidden(
        self, tokens: Int[Array, " places"], length: Int[Array, ""], thinned: Thinning = _whole
    ) -> Float[Array, "places width"]:
        """What it knows when it says each symbol; what goes into each layer and out of the last one may be thinned."""
        start = jnp.array([self.table.shape[0] - 1], tokens.dtype)
        before = self.table[jnp.concatenate([start, tokens[:-1]])]
        left = self.remaining[jnp.clip(length - jnp.arange(tokens.shape[0]), 0)]
        read = before + left
        for number, layer in enumerate(self.layers):
            read = layer(thinned(number, read), jnp.zeros(layer.width))
        return thinned(len(self.layers), read)

    def log_prob(self, tokens: Int[Array, " places"], length: Int[Array, ""]) -> Float[Array, ""]:
        """The sum over the places."""
        return self._said(self._hidden(tokens, length), tokens, length)

    def thinned_log_prob(
        self, key: Key[Array, ""], rate: float, tokens: Int[Array, " places"], length: Int[Array, ""]
    ) -> Float[Array, ""]:
        """The same with dropout, never of what a layer says to itself at the next place; others for each row."""
        own = jax.random.fold_in(key, row_number(tokens))

        def thinned(number: int, units: Array) -> Array:
            return dropped(jax.random.fold_in(own, number), rate, units)

        return self._said(self._hidden(tokens, length, thinned), tokens, length)

    def _said(
        self, hidden: Float[Array, "places width"], tokens: Int[Array, " places"], length: Int[Array, ""]
    ) -> Float[Array, ""]:
        symbols = jnp.minimum(tokens, self.out.symbols - 1)
        each = jax.vmap(self.out.log_prob)(hidden, symbols)
        return jnp.sum(jnp.where(jnp.arange(tokens.shape[0]) < length, each, 0.0))

    def draw(self, key: Key[Array, ""], length: Int[Array, ""]) -> Int[Array, " places"]:
        """Symbol after symbol."""
        places = self.remaining.shape[0] - 1

        def speak(
            carry: tuple[tuple[tuple[Array, Array], ...], Array], at: tuple[Array, Array]
        ) -> tuple[tuple[tuple[tuple[Array, Array], ...], Array], Array]:
            (states, before), (place, one) = carry, at
            read, after = self.table[before] + self.remaining[jnp.clip(length - place, 0)], []
            for layer, state in zip(self.layers, states, strict=True):
                state, read = layer.step(state, layer.inwards(read))
                after.append(state)
            symbol = self.out.sample(one, read)
            return (tuple(after), symbol), symbol

        states = tuple(layer.begin(jnp.zeros(layer.width)) for layer in self.layers)
        start = (states, jnp.asarray(self.out.symbols, jnp.int32))
        return jax.lax.scan(speak, start, (jnp.arange(places), jax.random.split(key, places)))[1]

    def logits_at(
        self, tokens: Int[Array, " places"], length: Int[Array, ""], place: Int[Array, ""]
    ) -> Float[Array, " symbols"]:
        """What it says of the place, given what came before."""
        return self.out.log_probs(self._hidden(tokens, length)[place])


def sequence_reference(
    key: Key[Array, ""], name: ReferenceName, symbols: int, places: int, width: int, embedding: int, depth: int = 1
) -> SequenceReference:
    """One by its name, in which all symbols are nearly equally likely at the start."""
    if name == "uniform":
        return UniformReference(symbols, places)
    if name != "lstm":
        shape = (symbols,) if name == "unigram" else (symbols + 1, symbols)
        return TableReference(0.01 * noise.normal(key, shape), places)
    key_table, key_left, key_cell, key_out = jax.random.split(key, 4)
    return LSTMReference(
        0.3 * noise.normal(key_table, (symbols + 1, embedding)),
        0.3 * noise.normal(key_left, (places + 1, embedding)),
        tuple(
            lstm(jax.random.fold_in(key_cell, above + 1) if above else key_cell, width if above else embedding, width)
            for above in range(depth)
        ),
        word_classes(key_out, width, symbols),
    )
