"""What models can do that tell some columns of a row given the others."""

import itertools
import math
from abc import abstractmethod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from reverie.capabilities.capability import Capability, Row, Scalar
from reverie.capabilities.models import HasEnumeration, HasLogProb
from reverie.errors import InputError

MOST_TOLD = 2**12
"""The largest number of terms of a sum that is written out anew for each row."""


class SplitsColumns(Capability):
    """A row is (given, told): the model is of the told columns, and the given ones have no density in it."""

    @property
    @abstractmethod
    def told_words(self) -> str:
        """Which columns are told given which, in words, for whoever reads a figure."""

    @abstractmethod
    def told(self, x: Row) -> Array:
        """The told columns of a row."""

    @abstractmethod
    def with_told(self, x: Row, y: Array) -> Row:
        """The row with other values in its told columns."""


class TellsColumns(SplitsColumns, HasLogProb):
    """A row is (given, told), and `log_prob(x)` is log p(told | given): the given columns have no density here.

    What is told are columns of categories, so that no change of a column's unit changes the figure.
    """

    @abstractmethod
    def sample_told(self, key: Key[Array, ""], x: Row) -> Int[Array, " told"]:
        """Draw the told columns ~ p(told | given), whatever they are in x."""

    @abstractmethod
    def likeliest_told(self, x: Row) -> Int[Array, " told"]:
        """The told columns of the largest joint probability, whatever they are in x."""

    @abstractmethod
    def told_log_probs(self, x: Row) -> Float[Array, "told levels"]:
        """log p(one told column | given), for each column and level."""

    @abstractmethod
    def told_log_normaliser(self, x: Row) -> Scalar:
        """log Z(given), a sum over all values of the told columns."""


class ConditionsOnColumns(SplitsColumns):
    """p(told | given) ∝ exp u(told; given): for each row's given columns an unnormalised model of its own.

    Each has a log Z of its own, which no other row shares unless its given columns are the same.
    """

    @abstractmethod
    def conditioned(self, x: Row) -> Any:
        """The model of the told columns, whatever they are in x: `HasPotential`, `HasTempering`, `StartsChains`."""


class TellsLevels(ConditionsOnColumns):
    """The told columns are bits or categories: what `conditioned` hands out also `HasEnumeration`."""

    @property
    @abstractmethod
    def told_levels(self) -> tuple[int, ...]:
        """How many values each told column has."""


def log_sum(field: HasEnumeration) -> Scalar:
    """log Z as a sum that is written out, where it has few terms; refused where it has many."""
    levels = field.enumeration_levels
    count = math.prod(levels)
    if count > MOST_TOLD:
        raise InputError(
            f"log Z of what is told sums over 2^{math.log2(count):.3g} states for each row and is written out up to "
            f"2^{math.log2(MOST_TOLD):.0f}: choose told-cd, told-pcd, told-pseudo-likelihood or told-nce"
        )
    return jax.nn.logsumexp(jax.vmap(field.enumerated_term)(states_of(levels)))


def states_of(levels: tuple[int, ...]) -> Array:
    """Every state of variables with so many values: booleans where all have two, else whole numbers."""
    every = np.array(list(itertools.product(*map(range, levels))), np.int32).reshape(-1, len(levels))
    return jnp.asarray(every.astype(bool) if set(levels) <= {2} else every)
