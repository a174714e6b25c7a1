"""The measure of a mixed table: one measure for each kind of raw column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import Array

from reverie.data.measure import Measure
from reverie.errors import InputError


class PerLeaf(Measure):
    """One measure per raw leaf. Raw rows are dicts from raw kind to array.

    Leaves that reach the model with the same kind are laid end to end, in the order of `measures` (bits of
    a one-hot view after the bits that were bits). If a single kind is left, the model's row is a plain
    array.

    Args:
        measures: raw kind → measure.
        widths: raw kind → the number of columns that the measure gives to the model.
    """

    measures: dict[str, Measure]
    widths: tuple[tuple[str, int], ...] = eqx.field(static=True, converter=lambda w: tuple(dict(w).items()))

    def __check_init__(self) -> None:
        """Every measure needs its width."""
        if set(self.measures) != set(dict(self.widths)):
            raise InputError("a measure per leaf needs a width for each of its measures")

    @property
    def _order(self) -> tuple[str, ...]:
        # jax sorts the keys of a dict; the order must not depend on whether the measure went through a jit
        return tuple(sorted(self.measures))

    @property
    def kinds(self) -> dict[str, str]:
        """Raw kind → the kind that the model sees."""
        return {raw: self.measures[raw].kind for raw in self._order}

    @property
    def reference(self) -> str:
        """The references of the leaves, by raw kind."""
        return "; ".join(f"{kind}: {self.measures[kind].reference}" for kind in self._order)

    @property
    def kind(self) -> str:
        """The one kind that the model sees, or "mixed"."""
        kinds = set(self.kinds.values())
        return kinds.pop() if len(kinds) == 1 else "mixed"

    @property
    def bound(self) -> bool:
        """Where one leaf is."""
        return any(m.bound for m in self.measures.values())

    @property
    def random(self) -> bool:
        """Where one leaf is."""
        return any(m.random for m in self.measures.values())

    def _key(self, key: Any, position: int, measure: Measure) -> Any:
        return jax.random.fold_in(key, position) if measure.random else None

    def _join(self, parts: dict[str, Array]) -> Any:
        joined: dict[str, list[Array]] = {}
        for raw, kind in self.kinds.items():
            joined.setdefault(kind, []).append(parts[raw])
        out = {kind: jnp.concatenate(arrays, axis=-1) for kind, arrays in joined.items()}
        return out if len(out) > 1 else next(iter(out.values()))

    def _part(self, x: Any) -> dict[str, Array]:
        rows = x if isinstance(x, dict) else {self.kind: x}
        used = dict.fromkeys(rows, 0)
        parts, widths = {}, dict(self.widths)
        for raw, kind in self.kinds.items():
            start = used[kind]
            used[kind] = start + widths[raw]
            parts[raw] = rows[kind][..., start : used[kind]]
        return parts

    def to_model(self, key: Any, raw: Mapping[str, Any]) -> Any:
        """Each leaf by its measure."""
        return self._join(
            {
                kind: self.measures[kind].to_model(self._key(key, i, self.measures[kind]), raw[kind])
                for i, kind in enumerate(self._order)
            }
        )

    def from_model(self, x: Any) -> dict[str, Array]:
        """Each leaf back by its measure."""
        parts = self._part(x)
        return {kind: self.measures[kind].from_model(parts[kind]) for kind in self._order}

    def log_density_correction(self, key: Any, raw: Mapping[str, Any]) -> Array:
        """The corrections of the leaves add up."""
        total = jnp.zeros(())
        for i, kind in enumerate(self._order):
            measure = self.measures[kind]
            total = total + measure.log_density_correction(self._key(key, i, measure), raw[kind])
        return total

    def mask_to_model(self, mask: Mapping[str, Any]) -> Any:
        """Each leaf's mask by its measure."""
        return self._join({k: jnp.asarray(self.measures[k].mask_to_model(mask[k])) for k in self._order})

    def to_config(self) -> dict[str, Any]:
        """The configs of the leaves."""
        return {
            "measure": "per-leaf",
            "measures": {kind: self.measures[kind].to_config() for kind in self._order},
            "widths": dict(self.widths),
        }
