"""Rows of data and the data set that they make up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.measure import Measure
from reverie.data.schema import Schema
from reverie.data.spec import Spec


def pick(tree: Any, which: Any) -> Any:
    """The chosen rows of an array, of a dict of arrays, or of None."""
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        return {kind: array[which] for kind, array in tree.items()}
    return tree[which]


@dataclass(frozen=True, eq=False, repr=False)
class Rows:
    """Raw rows: compact NumPy arrays, labels, what was observed, and the rows' numbers in the source.

    Args:
        raw: an array [rows, columns], or a dict from raw kind to such an array where the table is mixed.
        y: the class of each row, −1 where it has no label; None where no row has one.
        mask: shaped like `raw`, True where a value was observed; None where all were.
        index: the number of each row in the source, from 0.
    """

    raw: Any
    y: NDArray[np.int32] | None
    mask: Any
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, which: Any) -> Rows:
        """Some of the rows, by a slice or an array of positions or truth values; one row by its position."""
        if isinstance(which, int | np.integer):
            place = int(which) + (len(self) if which < 0 else 0)
            if not 0 <= place < len(self):
                raise IndexError(f"row {which} of {len(self)}")
            which = slice(place, place + 1)
        y = None if self.y is None else self.y[which]
        return Rows(pick(self.raw, which), y, pick(self.mask, which), self.index[which])

    def __repr__(self) -> str:
        return f"Rows({len(self)})"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A source, read, described, split, and given a measure.

    Args:
        name: the source's name.
        schema: what the raw columns are.
        spec: what a model may know.
        measure: how a raw row becomes the model's.
        train: the rows to learn from.
        valid: the rows to choose and stop by.
        test: the rows to report on.
        fingerprint: SHA-256 of schema, values and labels in the source's order, in hexadecimal.
        class_names: the names of the classes of `y`.
        recipe: the arguments with which `load` reads the same data again; None where they came from memory.
    """

    name: str
    schema: Schema
    spec: Spec
    measure: Measure
    train: Rows
    valid: Rows
    test: Rows
    fingerprint: str
    class_names: tuple[str, ...] | None = None
    recipe: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        rows = f"{len(self.train)} + {len(self.valid)} + {len(self.test)} rows"
        return f"Dataset({self.name!r}, {self.spec.size} {self.spec.kind}, {rows}, {self.measure.reference})"
