"""Working out what the columns of a source are.

The rules, in order, for a column of a table: one value throughout is *constant* (left out, with a note); 0
and 1, or true and false, is *binary*; words are *categorical*; whole numbers with at most 20 different
values, and at most half as many as there are rows, are *categorical*; other numbers are *continuous*.
Pictures, and unnamed blocks of bytes (uint8), are *integer* pixels 0..high, where high is the largest
value, or 255 once bytes go beyond 127. When a measure for pixels is asked for by name, any table of whole
non-negative numbers is taken as pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.data.found import Found, Values, is_number
from reverie.data.schema import Column, Schema
from reverie.data.texts import Reading, infer_text
from reverie.errors import InputError

FEW = 20
FLOAT32 = float(np.finfo(np.float32).max)


def check_numbers(values: NDArray[np.generic], what: str) -> None:
    """Refuse what has no place in float32: infinities and values beyond its range. NaN is a missing value."""
    if values.dtype.kind in "bui":
        return
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise InputError(f"{what} has {infinite} infinite value{'s' * (infinite > 1)}: remove or replace them")
    with np.errstate(invalid="ignore"):
        if np.any(np.abs(values) > FLOAT32):
            raise InputError(f"{what} has values beyond the range of float32 (3.4e38): rescale it")


def infer(found: Found, *, pixels: bool, reading: Reading) -> Schema:
    """The schema of what was found. `pixels`: take whole numbers as pixels wherever they may be."""
    if found.texts is not None:
        return infer_text(found.texts, reading)
    if found.rows == 0:
        raise InputError(f"{found.name} has no rows")
    if found.block is not None:
        block = found.block
        if found.image is not None or (block.dtype == np.uint8 and int(block.max()) > 1):
            return _pixels(found, block)
    columns = table(found)
    if not columns:
        raise InputError(f"{found.name} has no columns")
    if pixels and all(_whole(c) for c in columns.values()):
        high = max(float(c.present.max()) for c in columns.values())
        if high > 1:
            kinds = tuple(Column(n, "integer", high=high, missing=int(c.missing.sum())) for n, c in columns.items())
            return Schema(columns=kinds, named=found.named)
    inferred = tuple(column_kind(name, values) for name, values in columns.items())
    constant = [c.name for c in inferred if c.kind == "constant"]
    if len(constant) == len(inferred):
        raise InputError(f"every column of {found.name} is constant: there is nothing to learn")
    notes: tuple[str, ...] = ()
    if constant:
        shown = ", ".join(constant[:5]) + (", …" if len(constant) > 5 else "")
        notes = (f"{len(constant)} constant column{'s' * (len(constant) > 1)} left out: {shown}",)
    notes += tuple(
        f"the values of {c.name!r} differ by less than float32 can tell apart: subtract an offset first"
        for c in inferred
        if c.kind == "continuous" and c.low is not None and c.high is not None
        if c.high - c.low < 1e-5 * max(abs(c.low), abs(c.high))
    )
    return Schema(columns=inferred, named=found.named, warnings=notes)


def table(found: Found) -> dict[str, Values]:
    """The columns by name; those of an unnamed block are x1, x2 and so on."""
    if found.columns is not None:
        return found.columns
    if found.block is None:
        return {}
    flat = found.block.reshape(len(found.block), -1)
    out = {}
    for j in range(flat.shape[1]):
        values = flat[:, j].astype(np.float64)
        out[f"x{j + 1}"] = Values(values, np.isnan(values))
    return out


def _whole(column: Values) -> bool:
    known = column.present
    return not column.words and known.size > 0 and bool(np.all((known >= 0) & (known == np.floor(known))))


def _pixels(found: Found, block: NDArray[np.generic]) -> Schema:
    check_numbers(block, found.name)
    known = block[~np.isnan(block)] if block.dtype.kind == "f" else block
    if not known.size:
        raise InputError(f"every value of {found.name} is missing")
    low, high = float(known.min()), float(known.max())
    if low == high:
        raise InputError(f"every value of {found.name} is {low:g}: there is nothing to learn")
    whole = block.dtype.kind in "bui" or bool(np.all(np.floor(known) == known))
    if low >= 0 and high <= 1 and whole and (found.high or 1) <= 1:
        column = Column("pixel", "binary", levels=(0, 1))
    elif low >= 0 and whole:
        top = found.high or (255.0 if block.dtype == np.uint8 and high > 127 else high)
        column = Column("pixel", "integer", high=float(top))
    else:
        column = Column("pixel", "continuous", low=low, high=high)
    if found.image is not None:
        return Schema(columns=(column,), image=found.image, named=False)
    width = int(np.prod(block.shape[1:]))
    named = tuple(Column(f"x{j + 1}", column.kind, column.levels, high=column.high) for j in range(width))
    return Schema(columns=named, named=False)


def column_kind(name: str, column: Values) -> Column:
    """What one column of a table is, by the rules above."""
    known, missing = column.present, int(column.missing.sum())
    rows = len(column.values)
    if known.size == 0:
        raise InputError(f"column {name!r} has no values: remove it")
    if column.words:
        distinct, counts = np.unique(known, return_counts=True)
        levels = tuple(str(v) for v in distinct)
        if len(levels) == 1:
            return Column(name, "constant", levels=levels, missing=missing)
        if tuple(level.lower() for level in levels) == ("false", "true"):
            return Column(name, "binary", levels=levels, missing=missing)
        _refuse_mixture(name, column, distinct, counts)
        if len(levels) > max(50, rows // 2):
            raise InputError(
                f"column {name!r} has {len(levels)} different words in {rows} rows, like a name or an "
                "identifier: remove it, or give a schema that lists its levels"
            )
        return Column(name, "categorical", levels=levels, missing=missing)
    check_numbers(known, f"column {name!r}")
    low, high = float(known.min()), float(known.max())
    whole = bool(np.all(known == np.floor(known)))
    if low == high:
        return Column(name, "constant", levels=(int(low) if whole else low,), missing=missing)
    if whole and low == 0 and high == 1:
        return Column(name, "binary", levels=(0, 1), missing=missing)
    if whole:
        distinct = np.unique(known)
        if len(distinct) <= FEW and 2 * len(distinct) <= rows:
            return Column(name, "categorical", levels=tuple(int(v) for v in distinct), missing=missing)
    return Column(name, "continuous", low=low, high=high, missing=missing)


def _refuse_mixture(name: str, column: Values, levels: NDArray[np.str_], counts: NDArray[np.int64]) -> None:
    """A column of many different numbers with a few words in it is a mistake in the file."""
    numeric = np.array([is_number(level) for level in levels])
    if numeric.sum() > FEW and 2 * counts[numeric].sum() > counts.sum():
        word = levels[~numeric][0]
        place = int(np.flatnonzero(column.values == word)[0]) + 1
        raise InputError(
            f"column {name!r} holds numbers but has {str(word)!r} in row {place}: correct it, or leave the cell "
            "empty if the value is missing"
        )
