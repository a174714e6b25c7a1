"""What models of sequences can do: say a row symbol after symbol, or be p(l, x) over lengths l and rows x that long.

Of the second kind a row ends with a mark, after which there is padding. Symbols are whole numbers below both.
"""

from abc import abstractmethod
from typing import Any

from jaxtyping import Array, Float, Int, Key

from reverie.capabilities.capability import Row, Scalar
from reverie.capabilities.models import HasGibbs, HasPotential, HasTemperedGibbs, Samplable


class Speaks(Samplable):
    """Says a row symbol after symbol, each from its conditional given those before it."""

    @abstractmethod
    def spoken(self, key: Key[Array, ""], temperature: float = 1.0) -> Row:
        """A row whose conditionals are raised to 1/temperature and normalised anew; at 0 each symbol is the likeliest.

        A draw of the model at 1 alone: else nobody knows the law of such rows, and no figure is told of it. What is
        drawn before the first symbol, such as a code, is drawn as ever.
        """

    def sample(self, key: Key[Array, ""]) -> Row:
        """At temperature 1."""
        return self.spoken(key)


class HasLengths(HasPotential, HasGibbs):
    """A potential of sequences, whose Gibbs sweep leaves p(x | l) invariant and the length as it is."""

    @property
    @abstractmethod
    def lengths(self) -> tuple[int, int]:
        """The shortest and the longest."""

    @property
    @abstractmethod
    def symbol_count(self) -> int:
        """How many symbols there are; they are the whole numbers below it."""

    @abstractmethod
    def row_of(self, symbols: Int[Array, " longest"], length: Int[Array, ""]) -> Row:
        """The row of that length that has the first of these symbols."""

    @abstractmethod
    def length_of(self, x: Row) -> Int[Array, ""]:
        """l."""

    @abstractmethod
    def inserted(self, x: Row, place: Int[Array, ""]) -> Row:
        """The row with one more place, in front of the symbol at `place`; which symbol is there does not matter yet."""

    @abstractmethod
    def removed(self, x: Row, place: Int[Array, ""]) -> Row:
        """The row without the symbol at `place`."""

    @abstractmethod
    def with_symbol(self, x: Row, place: Int[Array, ""], symbol: Int[Array, ""]) -> Row:
        """The row with that symbol at `place`."""

    @abstractmethod
    def symbol_logits(self, x: Row, place: Int[Array, ""]) -> Float[Array, " symbols"]:
        """By what log-odds each symbol is proposed for `place`: a function of all of x but what stands there."""


class HasLengthNormalisers(HasLengths, HasTemperedGibbs):
    """p(l, x) ∝ π_l exp(u(x) − ζ_l), π the lengths' known shares and ζ an estimate of log Z_l up to a constant."""

    @abstractmethod
    def length_shares(self) -> Float[Array, " lengths"]:
        """π."""

    @abstractmethod
    def length_normalisers(self) -> Float[Array, " lengths"]:
        """ζ."""

    @abstractmethod
    def with_length_normalisers(self, normalisers: Float[Array, " lengths"]) -> Any:
        """The model with another ζ."""

    @abstractmethod
    def log_base(self, x: Row) -> Scalar:
        """The log density at β = 0, normalised: log π_l + log r(x | l)."""

    @abstractmethod
    def tilt(self, x: Row) -> Scalar:
        """What the potential at β = 1 has on top of that: t(x) − ζ_l."""

    @abstractmethod
    def base_sample_of(self, key: Key[Array, ""], length: Int[Array, ""]) -> Row:
        """An exact draw of that length at β = 0, where the normaliser of each length is its share."""
