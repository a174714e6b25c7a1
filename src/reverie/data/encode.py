"""From what was found, and a schema, to raw rows; each way in which the two can disagree is an error here."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.found import Found, Values, is_number
from reverie.data.infer import check_numbers, table
from reverie.data.labels import UNLABELLED
from reverie.data.rows import Rows, pick
from reverie.data.schema import Column, Schema
from reverie.data.texts import encode_text
from reverie.errors import InputError

MISSING_WAYS = ("refuse", "drop", "mask")


def encode(found: Found, schema: Schema, missing: str = "refuse") -> tuple[Rows, tuple[int, ...] | None]:
    """The raw rows of a source under a schema, and how many rows each of the source's own parts has.

    `missing`: "refuse" rows with missing values, "drop" them, or "mask" them (a placeholder, and False in
    the mask; `UNLABELLED` for a missing label).
    """
    if missing not in MISSING_WAYS:
        raise InputError(f"missing may be {', '.join(map(repr, MISSING_WAYS))}, not {missing!r}")
    if schema.text is not None:
        return encode_text(found, schema.text)
    if found.texts is not None:
        raise InputError(f"{found.name} is text, and the schema describes a table or images")
    if schema.image is not None:
        raw, seen = _encode_image(found, schema)
    else:
        raw, seen = _encode_table(found, schema)
    y, y_seen = _encode_label(found, schema)
    rows = found.rows
    index = np.arange(rows, dtype=np.int64)
    whole = np.ones(rows, bool) if y_seen is None else y_seen.copy()
    for block in seen.values():
        whole &= block.all(axis=1)
    single = len(raw) == 1
    tree: Any = next(iter(raw.values())) if single else raw
    mask: Any = next(iter(seen.values())) if single else seen
    made = Rows(tree, y, mask, index)
    if bool(whole.all()):
        made = Rows(tree, y, None, index)
    elif missing == "refuse":
        raise InputError(_missing_message(found, schema))
    elif missing == "drop":
        if not whole.any():
            raise InputError(f"every row of {found.name} has a missing value: dropping them leaves nothing")
        made = Rows(pick(tree, whole), None if y is None else y[whole], None, index[whole])
    elif y is not None and y_seen is not None and not bool(y_seen.all()):
        full = all(bool(block.all()) for block in seen.values())
        made = Rows(tree, np.where(y_seen, y, UNLABELLED).astype(np.int32), None if full else mask, index)
    return made, _parts(found, made.index)


def _parts(found: Found, index: NDArray[np.int64]) -> tuple[int, ...] | None:
    if found.parts is None:
        return None
    edges = np.cumsum((0, *found.parts))
    return tuple(int(((index >= a) & (index < b)).sum()) for a, b in pairwise(edges))


def _missing_message(found: Found, schema: Schema) -> str:
    known = {c.name for c in schema.columns} | ({schema.label.name} if schema.label else set())
    gaps = {n: int(c.missing.sum()) for n, c in (found.columns or {}).items() if n in known and c.missing.any()}
    shown = ", ".join(f"{name!r} ({count})" for name, count in list(gaps.items())[:6])
    if len(gaps) > 6:
        shown += f" and {len(gaps) - 6} more columns"
    if found.block is not None:
        shown = str(int(np.isnan(found.block).sum()))
    return f"{found.name} has missing values: {shown}; use missing='drop' to leave out the rows that have them"


def _encode_image(found: Found, schema: Schema) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.bool_]]]:
    assert schema.image is not None
    width = int(np.prod(schema.image))
    block = found.block
    if block is None and found.columns is not None and len(found.columns) == width:
        if any(c.words for c in found.columns.values()):
            raise InputError(f"{found.name} holds words where the pixels of an image are expected")
        block = np.stack([c.values for c in found.columns.values()], axis=1)
    if block is None or (found.image is not None and tuple(found.image) != tuple(schema.image)):
        came = "x".join(map(str, found.image)) if found.image else f"{len(found.columns or {})} columns"
        raise InputError(f"{found.name} has {came}; images of {'x'.join(map(str, schema.image))} are expected")
    flat = block.reshape(len(block), -1)
    if flat.shape[1] != width:
        raise InputError(
            f"{found.name} has {flat.shape[1]} values a row; images of {'x'.join(map(str, schema.image))} need {width}"
        )
    column = schema.columns[0]
    seen = np.ones(flat.shape, bool) if flat.dtype.kind in "bui" else ~np.isnan(flat)
    return {column.kind: _encode_numbers(column, flat, seen, found.name)}, {column.kind: seen}


def _encode_numbers(column: Column, values: NDArray[Any], seen: NDArray[np.bool_], what: str) -> NDArray[Any]:
    """A block of numbers of one kind in its compact type; missing values become 0."""
    check_numbers(values, what)
    if column.kind == "continuous":
        return np.where(seen, values, 0).astype(np.float32)
    top = 1 if column.kind == "binary" else int(column.high or 1)
    if values.dtype.kind in "bui" and values.min() >= 0 and values.max() <= top:
        return values.astype(np.uint8 if top <= 255 else np.int32)
    known = values[seen]
    wrong = (known < 0) | (known > top) | (known != np.floor(known))
    if wrong.any():
        raise InputError(f"{what} has the value {known[wrong][0]:g}: whole numbers from 0 to {top} are expected")
    return np.where(seen, values, 0).astype(np.uint8 if top <= 255 else np.int32)


def _encode_table(found: Found, schema: Schema) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[np.bool_]]]:
    columns = _matched(found, schema)
    raw, seen = {}, {}
    for kind, places in schema.groups.items():
        chosen = [schema.columns[i] for i in places]
        pairs = [_encode_column(c, columns[c.name]) for c in chosen]
        raw[kind] = np.stack([values for values, _ in pairs], axis=1)
        seen[kind] = np.stack([known for _, known in pairs], axis=1)
    return raw, seen


def _matched(found: Found, schema: Schema) -> dict[str, Values]:
    """The found columns under the schema's names: by name if both have names, by position otherwise."""
    columns = table(found)
    label = schema.label.name if schema.label else None
    wanted = [c.name for c in schema.columns]
    if found.named and schema.named:
        lacking = [name for name in wanted if name not in columns and _kept(schema, name)]
        extra = [name for name in columns if name not in wanted and name != label]
        if lacking:
            raise InputError(f"{found.name} lacks the column{_plural(lacking)} of the schema")
        if extra:
            raise InputError(f"{found.name} has the column{_plural(extra)}, which the schema does not know")
        return columns
    if len(columns) == len(wanted) + 1:
        columns = {name: c for name, c in columns.items() if name != label}
    if len(columns) != len(wanted):
        wanted = [name for name in wanted if _kept(schema, name)]
    if len(columns) != len(wanted):
        raise InputError(f"{found.name} has {len(columns)} columns; the schema has {len(schema.columns)}")
    return dict(zip(wanted, columns.values(), strict=True))


def _kept(schema: Schema, name: str) -> bool:
    return any(c.name == name and c.kind != "constant" for c in schema.columns)


def _plural(names: list[str]) -> str:
    return ("s " if len(names) > 1 else " ") + ", ".join(map(repr, names[:6])) + (", …" if len(names) > 6 else "")


def _encode_column(column: Column, found: Values) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    seen = ~found.missing
    if column.levels:
        return _encode_levels(column, found), seen
    if found.words:
        place = next(i for i, word in enumerate(found.values) if seen[i] and not is_number(word))
        raise InputError(
            f"column {column.name!r} must hold numbers but has {str(found.values[place])!r} in row {place + 1}"
        )
    return _encode_numbers(column, found.values, seen, f"column {column.name!r}"), seen


def _encode_levels(column: Column, found: Values) -> NDArray[Any]:
    """The place of each value among the levels; numbers and their spellings are the same level."""
    code = {_spelling(level): i for i, level in enumerate(column.levels)}
    distinct, inverse = np.unique(found.present, return_inverse=True)
    table = np.zeros(len(distinct), np.int32)
    for i, value in enumerate(distinct.tolist()):
        place = code.get(_spelling(value))
        if place is None:
            raise InputError(
                f"column {column.name!r} has the value {_spelling(value)!r}, which is none of its "
                f"{len(column.levels)} levels ({', '.join(str(v) for v in column.levels[:6])}"
                f"{', …' if len(column.levels) > 6 else ''})"
            )
        table[i] = place
    codes = np.zeros(len(found.values), np.uint8 if column.kind == "binary" else np.int32)
    codes[~found.missing] = table[inverse]
    return codes


def _spelling(value: Any) -> str:
    """One spelling for a level however it was read: 3, 3.0 and "3" are the same, as are True and "true"."""
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return str(int(number)) if number == np.floor(number) and abs(number) < 1e15 else repr(number)


def _encode_label(found: Found, schema: Schema) -> tuple[NDArray[np.int32] | None, NDArray[np.bool_] | None]:
    if schema.label is None:
        return None, None
    if found.y is not None:
        return found.y.astype(np.int32), None
    name, columns = schema.label.name, table(found) if schema.image is None else {}
    if name is None or name not in columns or (not found.named and len(columns) == len(schema.columns)):
        return None, None
    values = columns[name]
    column = Column(name, "categorical", levels=schema.label.classes)
    return _encode_levels(column, values).astype(np.int32), ~values.missing
