"""What models can do that tell some columns of a row given the others."""

from abc import abstractmethod

from jaxtyping import Array, Float, Int, Key

from reverie.capabilities.capability import Row, Scalar
from reverie.capabilities.models import HasLogProb


class TellsColumns(HasLogProb):
    """A row is (given, told), and `log_prob(x)` is log p(told | given): the given columns have no density here.

    What is told are columns of categories, so that no change of a column's unit changes the figure.
    """

    @property
    @abstractmethod
    def told_words(self) -> str:
        """Which columns are told given which, in words, for whoever reads a figure."""

    @abstractmethod
    def told(self, x: Row) -> Int[Array, " told"]:
        """The told columns of a row."""

    @abstractmethod
    def with_told(self, x: Row, y: Int[Array, " told"]) -> Row:
        """The row with other values in its told columns."""

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
