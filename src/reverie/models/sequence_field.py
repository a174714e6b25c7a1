"""Trans-dimensional random fields: a potential for sequences of every length, with the lengths' shares known."""

from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from reverie import noise
from reverie.capabilities import HasEnumeration, HasLengthNormalisers, HasTrainingForm
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.sequence_references import LSTMReference, ReferenceName, SequenceReference, sequence_reference
from reverie.networks.sequences import BothWays, SequenceNetwork, attending, ngrams, reader
from reverie.parts import Part, filled, known, learned, option

MOST_TRIED = 256
"""Symbols up to which each is tried at a place where that is cheap."""
UNSEEN = 0.5
"""Lines by which each length is supposed to have been seen more often than it was, in 10,000."""


class SequenceField(Part, HasLengthNormalisers, HasEnumeration, HasTrainingForm):
    """A random field of sequences x of any length l, with a normaliser for each length.

        p(l, x) ∝ π_l exp(u(x) − ζ_l),    u(x) = log r(x | l) + t_θ(x)

    π is the share of each length among the training lines, r a normalised reference and ζ_l learns to be log Z_l =
    log Σ_x exp u(x) of the sequences of that length, up to a constant; then p(l) = π_l. t is a sum over n-grams; or of
    what an LSTM from the left and one from the right say of each symbol given those before it, as a language model
    would but without normalising; or of what attention over all places says. Windows of text, which have no ends, have
    one length.

    A sweep revises half as many places as the longest line has, each chosen at random: from its conditional, or with
    networks, and where there are many symbols, by a proposal of the reference that is accepted or not; an LSTM proposes
    by what comes before the place. The path of
    annealed importance sampling is π_l r(x | l) exp(β (t(x) − ζ_l)).

    Args:
        network: t: `ngram`, `lstm` or `attention`.
        reference: r: `uniform`, independent symbols (`unigram`), a chain of them (`bigram`), or an `lstm` that is told
            how many are still to come; learned with the rest.
        order: of the longest n-grams.
        room: numbers in the table of each order; where n-grams are more, some share theirs.
        width: units of the LSTMs, the reference's too, or the width of attention.
        embedding: the dimension of a symbol's vector, for LSTMs.
        depth: blocks of attention.
        reference_layers: LSTMs of a reference that is one, each of which reads what the one below says.
        dropout: the probability that a unit of such a reference is nought, where it is learned by its own likelihood
            (`trf-nce`), and only there.

    Example:
        >>> from reverie.models import SequenceField
        >>> SequenceField(network="lstm", width=32).order
        4

    Reference: Wang, Ou & Tan 2018, *Learning trans-dimensional random fields with applications to language modeling*,
    Eq. 1–4; with networks: Wang & Ou 2017, *Language modeling with neural trans-dimensional random fields*, Eq. 4.
    """

    usual: ClassVar[dict[str, str]] = {"learner": "trf-sa", "noise": "model"}
    network: SequenceNetwork = option("ngram")
    reference: ReferenceName = option("bigram")
    order: int = option(4)
    room: int = option(2**20)
    width: int = option(128)
    embedding: int = option(64)
    depth: int = option(2)
    reference_layers: int = option(1)
    dropout: float = option(0.0)
    places: int = known()
    symbol_count: int = known()
    marks: tuple[int, int] | None = known()
    shares: tuple[float, ...] = known()
    base: SequenceReference = learned()
    function: Any = learned()
    normalisers: Array = learned()
    dropping: Any = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.network not in ("ngram", "lstm", "attention"):
            raise InputError(f"network must be ngram, lstm or attention, not {self.network!r}")
        if self.reference not in ("uniform", "unigram", "bigram", "lstm"):
            raise InputError(f"reference must be uniform, unigram, bigram or lstm, not {self.reference!r}")
        if not 1 <= self.order <= 16:
            raise InputError(f"order must lie in 1..16, not {self.order}")
        if min(self.room, self.width, self.embedding, self.depth) < 1:
            raise InputError("a field of sequences needs room, width, embedding and depth >= 1")
        if self.reference_layers < 1:
            raise InputError(f"reference_layers must be at least 1, not {self.reference_layers}")
        if not 0.0 <= self.dropout < 1.0:
            raise InputError(f"dropout is a probability from 0 up to but not 1, not {self.dropout}")
        if self.reference != "lstm" and (self.dropout > 0.0 or self.reference_layers > 1):
            raise InputError(
                f"dropout and reference_layers are of a reference that is an lstm, and this one is {self.reference}: "
                "leave them out, or take reference=lstm"
            )

    def unsuited(self, spec: Spec) -> str | None:
        """One block of categories with the same levels."""
        single = spec.single
        if single is not None and single.kind == "categorical" and len(set(single.counts)) == 1:
            return None
        return f"a field of sequences takes text, or columns that share their levels, and these are {spec.kind}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Near its reference, in which all symbols are equally likely, with ζ = 0."""
        (leaf,) = spec.leaves.values()
        marked = spec.marks is not None
        places, symbols = leaf.size - marked, leaf.levels - 2 * marked
        seen = np.array(spec.lengths or (1.0 / places,) * places) if marked else np.ones(1)
        shares = (seen + UNSEEN / 10_000) / np.sum(seen + UNSEEN / 10_000)
        key_base, key_function = jax.random.split(key)
        return filled(
            self,
            places=places,
            symbol_count=symbols,
            marks=spec.marks,
            shares=tuple(shares.tolist()),
            base=sequence_reference(
                key_base, self.reference, symbols, places, self.width, self.embedding, self.reference_layers
            ),
            function=self._network(key_function, symbols, places),
            normalisers=jnp.zeros(len(shares)),
        )

    def _network(self, key: Key[Array, ""], symbols: int, places: int) -> Any:
        if self.network == "ngram":
            return ngrams(key, symbols, tuple(range(1, self.order + 1)), self.room)
        if self.network == "attention":
            return attending(key, symbols, places, self.width, self.depth)
        one, two = (reader(part, symbols, self.width, self.embedding, 0.1) for part in jax.random.split(key))
        return BothWays(one, two)

    @property
    def lengths(self) -> tuple[int, int]:
        """From one, where lines end; else as long as a window."""
        return (1 if self.marks is not None else self.places, self.places)

    def length_of(self, x: Int[Array, " columns"]) -> Int[Array, ""]:
        """What comes before the first end mark."""
        if self.marks is None:
            return jnp.asarray(self.places, jnp.int32)
        ends = x == self.marks[0]
        return jnp.where(jnp.any(ends), jnp.argmax(ends), self.places).astype(jnp.int32)

    def _read(self, x: Int[Array, " columns"]) -> tuple[Int[Array, " places"], Int[Array, ""]]:
        """The symbols, with the boundary's number after their end, and how many they are."""
        length = self.length_of(x)
        here = jnp.minimum(x[: self.places].astype(jnp.int32), self.symbol_count - 1)
        return jnp.where(jnp.arange(self.places) < length, here, self.symbol_count), length

    def row_of(self, symbols: Int[Array, " places"], length: Int[Array, ""]) -> Int[Array, " columns"]:
        """Symbols, the end mark, padding."""
        if self.marks is None:
            return symbols
        end, padding = self.marks
        places = jnp.arange(self.places + 1)
        after = jnp.where(places == length, end, padding)
        return jnp.where(places < length, jnp.append(symbols, padding), after).astype(jnp.int32)

    def _class(self, length: Int[Array, ""]) -> Int[Array, ""]:
        return jnp.maximum(length, self.lengths[0]) - self.lengths[0]

    def length_shares(self) -> Float[Array, " lengths"]:
        """π, in which no length has no share."""
        return jnp.asarray(self.shares, jnp.float32)

    def length_normalisers(self) -> Float[Array, " lengths"]:
        """ζ."""
        return self.normalisers

    def with_length_normalisers(self, normalisers: Float[Array, " lengths"]) -> Self:
        """With another ζ."""
        return filled(self, normalisers=normalisers)

    def _told(self, tokens: Int[Array, " places"], length: Int[Array, ""], beta: Array) -> Float[Array, ""]:
        """log r(x | l) + β t(x)."""
        return self.base.log_prob(tokens, length) + beta * self.function(tokens, length)

    def potential(self, x: Array) -> Array:
        """log π_l + u(x) − ζ_l."""
        return self.tempered_potential(x, jnp.ones(()))

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """log π_l + log r(x | l) + β (t(x) − ζ_l); rows without a symbol have none of the mass."""
        tokens, length = self._read(x)
        place = self._class(length)
        value = self._told(tokens, length, beta) + jnp.log(self.length_shares())[place] - beta * self.normalisers[place]
        return jnp.where(length > 0, value, -jnp.inf)

    def in_training(self, key: Key[Array, ""]) -> Self:
        """With dropout in `log_base`: neither the potential nor the tilt nor any draw has it."""
        return filled(self, dropping=key) if self.dropout > 0.0 else self

    def log_base(self, x: Array) -> Array:
        """log π_l + log r(x | l)."""
        tokens, length = self._read(x)
        if self.dropping is not None and isinstance(self.base, LSTMReference):
            value = self.base.thinned_log_prob(self.dropping, self.dropout, tokens, length)
        else:
            value = self.base.log_prob(tokens, length)
        value = value + jnp.log(self.length_shares())[self._class(length)]
        return jnp.where(length > 0, value, -jnp.inf)

    def tilt(self, x: Array) -> Array:
        """t(x) − ζ_l."""
        tokens, length = self._read(x)
        return self.function(tokens, length) - self.normalisers[self._class(length)]

    def start(self, key: Key[Array, ""]) -> Array:
        """A draw of the reference."""
        return self.base_sample(key)

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """l ~ π, then symbol after symbol of r."""
        key_length, key_symbols = jax.random.split(key)
        length = self.lengths[0] + noise.categorical(key_length, jnp.log(self.length_shares())).astype(jnp.int32)
        return self.base_sample_of(key_symbols, length)

    def base_sample_of(self, key: Key[Array, ""], length: Int[Array, ""]) -> Array:
        """Symbol after symbol of r."""
        return self.row_of(self.base.draw(key, length), length)

    def base_log_normaliser(self) -> Array:
        """π and r are normalised."""
        return jnp.zeros(())

    @property
    def _tries_all(self) -> bool:
        return self.network == "ngram" and self.base.exact and self.symbol_count <= MOST_TRIED

    def _logits_at(
        self, tokens: Int[Array, " places"], length: Int[Array, ""], place: Int[Array, ""], beta: Array
    ) -> Float[Array, " symbols"]:
        """What the reference says of a place; and β t, where that is cheap: the conditional."""
        logits = self.base.logits_at(tokens, length, place)
        return logits + beta * self.function.around(tokens, place) if self._tries_all else logits

    def symbol_logits(self, x: Array, place: Int[Array, ""]) -> Float[Array, " symbols"]:
        """The conditional of a place with n-grams, where symbols are few; else what the reference says of it."""
        tokens, length = self._read(x)
        return self._logits_at(tokens, length, place, jnp.ones(()))

    def inserted(self, x: Array, place: Int[Array, ""]) -> Array:
        """With a place more; the symbol before it stands there too, until another is put there."""
        tokens, length = self._read(x)
        places = jnp.arange(self.places)
        return self.row_of(tokens[jnp.where(places > place, places - 1, places)], length + 1)

    def removed(self, x: Array, place: Int[Array, ""]) -> Array:
        """With a place less."""
        tokens, length = self._read(x)
        places = jnp.arange(self.places)
        after = jnp.minimum(jnp.where(places >= place, places + 1, places), self.places - 1)
        return self.row_of(tokens[after], length - 1)

    def with_symbol(self, x: Array, place: Int[Array, ""], symbol: Int[Array, ""]) -> Array:
        """With a symbol in its place."""
        return x.at[place].set(symbol.astype(x.dtype))

    def gibbs(self, key: Key[Array, ""], x: Array) -> Array:
        """Half as many places as the longest line has, each chosen at random."""
        return self.tempered_gibbs(key, x, jnp.ones(()))

    def tempered_gibbs(self, key: Key[Array, ""], x: Array, beta: Array) -> Array:
        """A sweep at any point of the path; it is its own reversal."""
        tokens, length = self._read(x)

        def visit(state: tuple[Array, Array], one: Array) -> tuple[tuple[Array, Array], None]:
            (tokens, value), (key_place, key_symbol, key_accept) = state, jax.random.split(one, 3)
            place = jnp.minimum((noise.uniform(key_place) * length).astype(jnp.int32), jnp.maximum(length - 1, 0))
            logits = self._logits_at(tokens, length, place, beta)
            symbol = noise.categorical(key_symbol, logits).astype(tokens.dtype)
            there = tokens.at[place].set(symbol)
            if self._tries_all:
                return (there, value), None
            found = self._told(there, length, beta)
            log_ratio = found - value + logits[tokens[place]] - logits[symbol]
            accept = jnp.log(noise.uniform(key_accept)) < log_ratio
            return (jnp.where(accept, there, tokens), jnp.where(accept, found, value)), None

        value = jnp.zeros(()) if self._tries_all else self._told(tokens, length, beta)
        keys = jax.random.split(key, (self.places + 1) // 2)
        return self.row_of(jax.lax.scan(visit, (tokens, value), keys)[0][0], length)

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """A symbol or the end at each place; in windows, a symbol."""
        return (self.symbol_count + (self.marks is not None),) * self.places

    def enumerated_term(self, state: Array) -> Array:
        """The potential of a row; a state that goes on after its end is none."""
        state = state.astype(jnp.int32)
        if self.marks is None:
            return self.potential(state)
        ended = state == self.symbol_count
        length = jnp.where(jnp.any(ended), jnp.argmax(ended), self.places)
        whole = jnp.all(ended == (jnp.arange(self.places) >= length))
        return jnp.where(whole, self.potential(self.row_of(state, length)), -jnp.inf)
