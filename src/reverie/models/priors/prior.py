"""The contract of a learned prior."""

from abc import abstractmethod

import equinox as eqx
from jaxtyping import Array, Float, Key


class Prior(eqx.Module):
    """Abstract: p(h) of one block, normalised, with exact draws."""

    @abstractmethod
    def log_prob(self, h: Array) -> Float[Array, ""]:
        """log p(h)."""

    @abstractmethod
    def sample(self, key: Key[Array, ""]) -> Array:
        """Draw h ~ p(h)."""
