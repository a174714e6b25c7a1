"""What a reader found in a source, before anything is known of its meaning."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.errors import InputError

MISSING = frozenset({"", "na", "nan", "?", "null", "none"})
"""Cells that mean "not known", in lower case."""


@dataclass(frozen=True)
class Values:
    """One column: float64 numbers or words, and which of them are missing (NaN or "" there)."""

    values: NDArray[Any]
    missing: NDArray[np.bool_]

    @property
    def words(self) -> bool:
        """Whether the column holds words."""
        return self.values.dtype.kind == "U"

    @property
    def present(self) -> NDArray[Any]:
        """The values that are not missing."""
        return self.values[~self.missing]


@dataclass(frozen=True)
class Found:
    """A block of numbers [rows, …], or columns, or texts; with labels and the source's own split, if any."""

    name: str
    block: NDArray[Any] | None = None
    columns: dict[str, Values] | None = None
    texts: tuple[str, ...] | None = None
    named: bool = False
    y: NDArray[Any] | None = None
    classes: tuple[str | int | float, ...] | None = None
    image: tuple[int, int, int] | None = None
    high: float | None = None
    parts: tuple[int, ...] | None = None
    test: float | None = None

    @property
    def rows(self) -> int:
        """The number of rows (not for texts, which are cut into windows later)."""
        if self.block is not None:
            return len(self.block)
        return len(next(iter(self.columns.values())).values) if self.columns else 0


def why(error: Exception) -> str:
    """The first line of what a decoder said, for a message of one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def numbers(array: NDArray[Any], what: str) -> NDArray[Any]:
    """The array, if it holds real numbers; otherwise an error that says what it holds."""
    kind = array.dtype.kind
    if kind == "c":
        raise InputError(f"{what} holds complex numbers: give their real and imaginary parts as two columns")
    if kind == "O":
        raise InputError(f"{what} is an array of Python objects: give an array of numbers, or a dict of columns")
    if kind in "US":
        raise InputError(f"{what} is an array of strings: give an array of numbers, or a dict of columns")
    if kind in "mM":
        raise InputError(f"{what} holds dates: turn them into numbers first, such as days since the first")
    if kind not in "buif":
        raise InputError(f"{what} has the type {array.dtype}: give an array of real numbers")
    return array


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number that is known."""
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip().lower() not in MISSING


def cells(raw: Iterable[Any]) -> Values:
    """A column from cells of text or Python values: numbers if every known cell reads as one, else words."""
    texts = ["" if cell is None else str(cell).strip() for cell in raw]
    missing = np.fromiter((text.lower() in MISSING for text in texts), bool, len(texts))
    known = np.array([text for text, gone in zip(texts, missing, strict=True) if not gone], dtype=str)
    try:
        read = known.astype(np.float64)
    except ValueError:
        return Values(np.where(missing, "", np.array(texts, dtype=str)), missing)
    values = np.full(len(texts), np.nan)
    values[~missing] = read
    return Values(values, missing)


def column(raw: Any, name: str) -> Values:
    """A column from a one-dimensional array or a sequence of plain values."""
    try:
        array = raw if isinstance(raw, np.ndarray) else np.asarray(raw)
    except (ValueError, TypeError) as error:
        raise InputError(f"column {name!r} is no list of numbers or words") from error
    if array.ndim != 1:
        raise InputError(f"column {name!r} has {array.ndim} dimensions: a column must be one-dimensional")
    if array.dtype.kind in "OU":
        listed = array.tolist()
        odd = next((v for v in listed if not (v is None or isinstance(v, str | int | float | np.generic))), None)
        if odd is not None and str(odd) not in ("<NA>", "NaT"):
            raise InputError(
                f"column {name!r} holds values of type {type(odd).__name__}: give numbers, words or truth values"
            )
        return cells("" if str(v) in ("<NA>", "NaT") else v for v in listed)
    values = numbers(array, f"column {name!r}").astype(np.float64)
    return Values(values, np.isnan(values))
