"""Language models: symbol after symbol, each from its conditional given those before it."""

from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key, PyTree

from reverie import noise
from reverie.capabilities import HasLogProb, Speaks
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.categories import NEVER, at_temperature
from reverie.networks.sequences import Reader, reader
from reverie.parts import Part, filled, known, learned, option


class LanguageModel(Part, HasLogProb, Speaks):
    """A normalised model of lines, from their first symbol to their end mark.

        p(x) = Π_t p(x_t | x_{<t}), the end mark being the last x_t

    read off a table by the symbol before (`bigram`) or said by an LSTM. A line has at least one symbol, and one that
    has not ended by its last place ends there. Windows of text have no end mark: every place counts.

    Args:
        network: `bigram` or `lstm`.
        width: units of the LSTM.
        embedding: the dimension of a symbol's vector, for the LSTM.

    Example:
        >>> from reverie.models import LanguageModel
        >>> LanguageModel(network="bigram").network
        'bigram'

    Reference: Mikolov, Karafiát, Burget, Černocký & Khudanpur 2010, *Recurrent neural network based language model*;
    with LSTMs: Zaremba, Sutskever & Vinyals 2014.
    """

    network: Literal["bigram", "lstm"] = option("lstm")
    width: int = option(128)
    embedding: int = option(64)
    places: int = known()
    symbol_count: int = known()
    marks: tuple[int, int] | None = known()
    table: Array | None = learned()
    reader: Reader | None = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.network not in ("bigram", "lstm"):
            raise InputError(f"network must be bigram or lstm, not {self.network!r}")
        if min(self.width, self.embedding) < 1:
            raise InputError("a language model needs width and embedding >= 1")

    def unsuited(self, spec: Spec) -> str | None:
        """One block of categories with the same levels."""
        single = spec.single
        if single is not None and single.kind == "categorical" and len(set(single.counts)) == 1:
            return None
        return f"a language model takes text, or columns that share their levels, and these are {spec.kind}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights."""
        (leaf,) = spec.leaves.values()
        marked = spec.marks is not None
        symbols = leaf.levels - 2 * marked
        common = {"places": leaf.size - marked, "symbol_count": symbols, "marks": spec.marks}
        if self.network == "bigram":
            return filled(self, table=0.01 * noise.normal(key, (symbols + 1, symbols + 1)), **common)
        return filled(self, reader=reader(key, symbols, self.width, self.embedding, 0.1), **common)

    def _allowed(self, place: Int[Array, "*places"]) -> Bool[Array, "*places symbols"]:
        """What may come at a place: the end not at the first and alone at the one after the last."""
        end = jnp.arange(self.symbol_count + 1) == self.symbol_count
        place = jnp.asarray(place)[..., None]
        if self.marks is None:
            return jnp.broadcast_to(~end, (*place.shape[:-1], self.symbol_count + 1))
        return jnp.where(end, place > 0, place < self.places)

    def _log_probs(self, logits: Float[Array, "*places symbols"], place: Array) -> Float[Array, "*places symbols"]:
        return jax.nn.log_softmax(jnp.where(self._allowed(place), logits, NEVER))

    def log_prob(self, x: Array) -> Array:
        """log p(x); of a row without a symbol, next to no mass."""
        places = jnp.arange(self.places)
        if self.marks is None:
            length = jnp.asarray(self.places)
        else:
            ends = x == self.marks[0]
            length = jnp.where(jnp.any(ends), jnp.argmax(ends), self.places)
        symbols = jnp.minimum(x[: self.places].astype(jnp.int32), self.symbol_count - 1)
        tokens = jnp.where(places < length, symbols, self.symbol_count)
        start = jnp.array([self.symbol_count], jnp.int32)
        before, came = jnp.concatenate([start, tokens]), jnp.concatenate([tokens, start])
        logits = self.reader.logits(tokens) if self.reader is not None else self._bigrams()[before]
        said = jnp.take_along_axis(self._log_probs(logits, jnp.arange(self.places + 1)), came[:, None], axis=1)[:, 0]
        last = length if self.marks is not None else length - 1
        return jnp.sum(jnp.where(jnp.arange(self.places + 1) <= last, said, 0.0))

    def _bigrams(self) -> Array:
        assert self.table is not None
        return self.table

    def _begin(self) -> PyTree:
        return () if self.reader is None else self.reader.begin()

    def _step(self, memory: PyTree, before: Array) -> tuple[PyTree, Array]:
        return (memory, self._bigrams()[before]) if self.reader is None else self.reader.step(memory, before)

    def spoken(self, key: Key[Array, ""], temperature: float = 1.0) -> Array:
        """Symbol after symbol; at 0 all keys give one row."""

        def speak(carry: tuple[PyTree, Array], at: tuple[Array, Array]) -> tuple[Any, Array]:
            (memory, before), (place, one) = carry, at
            memory, logits = self._step(memory, before)
            symbol = at_temperature(one, self._log_probs(logits, place), temperature).astype(jnp.int32)
            ended = (before == self.symbol_count) & (place > 0)
            symbol = jnp.where(ended, self.symbol_count, symbol)
            return (memory, symbol), symbol

        first = (self._begin(), jnp.asarray(self.symbol_count, jnp.int32))
        inputs = (jnp.arange(self.places), jax.random.split(key, self.places))
        tokens = jax.lax.scan(speak, first, inputs)[1]
        if self.marks is None:
            return tokens
        end, padding = self.marks
        ended = tokens == self.symbol_count
        length = jnp.where(jnp.any(ended), jnp.argmax(ended), self.places)
        places = jnp.arange(self.places + 1)
        after = jnp.where(places == length, end, padding)
        return jnp.where(places < length, jnp.append(tokens, padding), after).astype(jnp.int32)
