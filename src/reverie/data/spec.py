"""What a model may know about its data: the shape and kind of a row, and a few training statistics."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

KINDS = ("binary", "categorical", "continuous")


class Leaf(msgspec.Struct, frozen=True):
    """One homogeneous block of columns, as the model sees it: a flat vector of `size` numbers per row.

    Args:
        kind: "continuous", "binary" or "categorical".
        size: the number of columns.
        levels: for a categorical leaf the number of levels, the largest over the columns; 0 otherwise.
        counts: for a categorical leaf the number of levels of each column; empty otherwise.
        mean: the mean of each column over the training rows, in model space (binary: the frequency of ones);
            empty for a categorical leaf whose levels are not ordered.
        std: the standard deviation of each column over the training rows; empty where the mean is.
        ordered: for a categorical leaf whether its levels are whole numbers, whose order means something.
    """

    kind: str
    size: int
    levels: int = 0
    counts: tuple[int, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    ordered: bool = False


class Spec(msgspec.Struct, frozen=True):
    """The leaves of a row by kind, one in the usual case and up to three for a mixed table.

    Args:
        leaves: the blocks of columns, keyed by their kind.
        image: (height, width, channels) where the rows are pictures, stored as flat vectors.
        text: whether the rows are text.
        marks: of lines of text, the levels of the end mark and of the padding after it.
        lengths: of lines of text, the share of the training rows with one token, with two, …
        classes: of labels, how many there are; `None` where the rows have none.
    """

    leaves: dict[str, Leaf]
    image: tuple[int, ...] | None = None
    text: bool = False
    marks: tuple[int, int] | None = None
    lengths: tuple[float, ...] = ()
    classes: int | None = None

    @property
    def single(self) -> Leaf | None:
        """The only leaf, or None where the table is mixed."""
        return next(iter(self.leaves.values())) if len(self.leaves) == 1 else None

    @property
    def kind(self) -> str:
        """The kind of the only leaf, or "mixed"."""
        return self.single.kind if self.single is not None else "mixed"

    @property
    def size(self) -> int:
        """The number of columns over all leaves."""
        return sum(leaf.size for leaf in self.leaves.values())


class Batch(NamedTuple):
    """A minibatch: which rows, their values in model space, their labels (−1: none) and what of them was observed."""

    index: Any
    x: Any
    y: Any = None
    mask: Any = None
