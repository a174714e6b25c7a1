"""Measures one after the other."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from reverie.data.densities import Logit, Standardise
from reverie.data.measure import Measure
from reverie.errors import InputError


class Composed(Measure):
    """Measures one after the other; those after the first are smooth maps (logit, standardise).

    The first alone may draw, so the key is not split.
    """

    measures: tuple[Measure, ...]

    def __check_init__(self) -> None:
        """Refuse a link that would lose what its predecessor gave."""
        if not self.measures:
            raise InputError("a composed measure needs at least one")
        for before, after in zip(self.measures, self.measures[1:], strict=False):
            if not isinstance(after, Logit | Standardise) or before.kind != "continuous":
                raise InputError(
                    f"{_name(after)} cannot follow {_name(before)}: only logit and standardise may follow "
                    "another measure, and only one that gives continuous values"
                )

    @property
    def reference(self) -> str:
        """That of the first: what follows is corrected for by its Jacobian."""
        return self.measures[0].reference

    @property
    def kind(self) -> str:
        """That of the last."""
        return self.measures[-1].kind

    @property
    def bound(self) -> bool:
        """Where one of them is."""
        return any(m.bound for m in self.measures)

    @property
    def random(self) -> bool:
        """Where one of them is."""
        return any(m.random for m in self.measures)

    def to_model(self, key: Any, raw: Any) -> Any:
        """First to last."""
        for measure in self.measures:
            raw = measure.to_model(key, raw)
        return raw

    def from_model(self, x: Any) -> Any:
        """Last to first."""
        for measure in reversed(self.measures):
            x = measure.from_model(x)
        return x

    def log_density_correction(self, key: Any, raw: Any) -> Array:
        """The corrections add up, each at the row that its measure was given."""
        total = jnp.zeros(())
        for measure in self.measures:
            total = total + measure.log_density_correction(key, raw)
            raw = measure.to_model(key, raw)
        return total

    def mask_to_model(self, mask: Any) -> Any:
        """First to last."""
        for measure in self.measures:
            mask = measure.mask_to_model(mask)
        return mask

    def to_config(self) -> dict[str, Any]:
        """The configs of its links."""
        return {"measure": "composed", "measures": [m.to_config() for m in self.measures]}


def _name(measure: Measure) -> str:
    return str(measure.to_config()["measure"])
