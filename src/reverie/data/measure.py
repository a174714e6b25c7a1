"""How raw data became what the model sees, with its Jacobian, so that every likelihood is one of raw data.

For a raw row r and the model's row x = `to_model(key, r)`, with the same key on both sides,

    log p_raw(r) = log p_model(x) + log_density_correction(key, r).

`reference` names the space and base measure of p_raw. Two likelihoods may be compared if and only if their
references are equal.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jax import Array


class Measure(eqx.Module):
    """A map from a raw row to the model's row. Written for one row; callers use `jax.vmap`.

    A measure for which `random` is false takes any key, None included.
    """

    @property
    @abstractmethod
    def reference(self) -> str:
        """The space and base measure in which the reported likelihood lives."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of the leaf that the model sees: "binary", "categorical" or "continuous"."""

    @abstractmethod
    def to_model(self, key: Any, raw: Any) -> Any:
        """The model's row for a raw row."""

    @abstractmethod
    def from_model(self, x: Any) -> Any:
        """The raw row for a row of the model, such as a sample."""

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """Plain JSON from which `measure_from_config` builds the measure again."""

    def log_density_correction(self, key: Any, raw: Any) -> Array:
        """What to add to log p_model(to_model(key, raw)) to get log p_raw(raw); zero unless overridden."""
        del key, raw
        return jnp.zeros(())

    def mask_to_model(self, mask: Any) -> Any:
        """The mask of observed raw values as a mask of the model's row."""
        return mask

    @property
    def bound(self) -> bool:
        """Whether an exact log density of the model is only a lower bound on the raw log mass."""
        return False

    @property
    def random(self) -> bool:
        """Whether `to_model` uses its key."""
        return False
