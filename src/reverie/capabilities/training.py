"""What parts can do that are another function in training than in use."""

from abc import abstractmethod
from typing import Any

from jaxtyping import Array, Key

from reverie.capabilities.capability import Capability


class HasTrainingForm(Capability):
    """A part with noise of its own in training, such as dropout: figures are told, and rows drawn, without it."""

    @abstractmethod
    def in_training(self, key: Key[Array, ""]) -> Any:
        """The part as one step of training sees it: of the same parameters, with the noise of that key."""
