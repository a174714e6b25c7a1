"""What models can do that take the noise off a row level by level, by chains."""

from abc import abstractmethod
from typing import Any

from jaxtyping import Array, Float, Int, Key

from reverie.capabilities.capability import Row
from reverie.capabilities.wholes import HasPotentialBound


class Recovers(HasPotentialBound):
    """Levels of noise 0 (none) to L, and at each but the last an unnormalised model of a row given the noisier one.

    That model is one of a *state*, an array of reals near N(0, I), which with the noisier row gives the row.
    """

    @property
    @abstractmethod
    def noise_levels(self) -> int:
        """L."""

    @abstractmethod
    def noised_pair(
        self, key: Key[Array, ""], x: Row, level: Int[Array, ""]
    ) -> tuple[Float[Array, " columns"], Float[Array, " columns"]]:
        """Of a row with the noise of `level` its state, and the row with the noise of the next level."""

    @abstractmethod
    def given_noisy(self, level: Int[Array, ""], noisy: Float[Array, " columns"]) -> Any:
        """The model of the state at that level, `HasRealPotential`, given the row at the next."""

    @abstractmethod
    def recovered(
        self, level: Int[Array, ""], noisy: Float[Array, " columns"], state: Float[Array, " columns"]
    ) -> Float[Array, " columns"]:
        """The row of a state; at level 0 it is one that `row` takes."""

    @abstractmethod
    def noisiest(self, key: Key[Array, ""]) -> Float[Array, " columns"]:
        """Draw a row at level L."""
