"""The contract of a head."""

from abc import abstractmethod

import equinox as eqx
from jaxtyping import Array, Float, Key

from reverie.data.spec import Leaf
from reverie.networks.features import Layout


class Head(eqx.Module):
    """Abstract: p(leaf | given, own), the columns independent of each other.

    `given` are `width` numbers that a network reads off the code; `own` are parameters that no code changes.
    """

    layout: Layout = eqx.field(static=True)

    @property
    @abstractmethod
    def width(self) -> int:
        """How many numbers the network gives."""

    @property
    @abstractmethod
    def own_width(self) -> int:
        """How many numbers are the head's own."""

    @abstractmethod
    def start(self, leaf: Leaf) -> tuple[Float[Array, " width"], Float[Array, " own"]]:
        """The numbers, of both sorts, at which the columns are as they are in the training rows, as far as can be."""

    @abstractmethod
    def log_prob(self, given: Array, own: Array, values: Array) -> Float[Array, ""]:
        """log p(values | given, own)."""

    @abstractmethod
    def sample(self, key: Key[Array, ""], given: Array, own: Array) -> Array:
        """Draw the leaf."""

    @abstractmethod
    def centre(self, given: Array, own: Array) -> Array:
        """The mean of reals, the likeliest bit or category; of ordered levels the one next to the mean."""
