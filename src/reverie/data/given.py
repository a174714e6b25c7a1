"""The schema of a source: inferred, or given and completed by what the data shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from reverie.data.found import Found, Values
from reverie.data.infer import infer, table
from reverie.data.schema import Column, Label, Schema
from reverie.data.tables import codes_of
from reverie.data.texts import Reading
from reverie.errors import InputError


def described(found: Found, given: Schema | None, label: str | None, *, pixels: bool, reading: Reading) -> Schema:
    """The schema; what a given one leaves open (levels, ranges, classes) is taken from the data."""
    if label is None and given is not None and given.label is not None:
        label = given.label.name
    classes: Label | None = None
    if label is not None:
        found, values = without_label(found, label)
        classes = Label(label, codes_of(values, f"the label {label!r}")[1])
    elif found.y is not None:
        classes = Label(None, found.classes or ())
    if given is None:
        made = infer(found, pixels=pixels, reading=reading)
    else:
        made = _completed(given, found)
        classes = given.label or classes
    return msgspec.structs.replace(made, label=classes)


def without_label(found: Found, label: str) -> tuple[Found, Values]:
    """The columns but for the label, and the label."""
    columns = table(found) if found.image is None else {}
    if label not in columns:
        have = ", ".join(map(repr, list(columns)[:8])) or "none"
        raise InputError(f"{found.name} has no column {label!r} to be the label; its columns are {have}")
    if len(columns) == 1:
        raise InputError(f"{label!r} is the only column of {found.name}: as the label it leaves nothing to model")
    rest = {name: column for name, column in columns.items() if name != label}
    return replace(found, block=None, columns=rest), columns[label]


def recoded(found: Found, label: Label) -> NDArray[np.int32]:
    """Levels of labels that came beside the rows, in the order of the known classes."""
    place = {str(name): code for code, name in enumerate(label.classes)}
    classes = found.classes or ()
    unknown = next((name for name in classes if str(name) not in place), None)
    if unknown is not None:
        raise InputError(f"the label {str(unknown)!r} is none of the {len(place)} known classes")
    return np.array([place[str(name)] for name in classes], np.int32)[found.y]


def _completed(given: Schema, found: Found) -> Schema:
    if given.text is not None:
        return given
    if not given.columns:
        if given.image is None:
            raise InputError("the schema has no columns, no image and no text")
        width = int(np.prod(given.image))
        columns = table(found) if found.block is None else {}
        if found.block is None and len(columns) == width and not any(c.words for c in columns.values()):
            found = replace(found, block=np.stack([c.values for c in columns.values()], axis=1))
        if found.block is None or int(np.prod(found.block.shape[1:])) != width:
            shape = "x".join(map(str, given.image))
            raise InputError(f"{found.name} does not hold rows of {width} pixels, as images of {shape} need")
        return infer(replace(found, image=given.image), pixels=True, reading=Reading())
    if given.image is not None:
        column = given.columns[0]
        whole = None if found.block is None else found.block
        return msgspec.structs.replace(given, columns=(_ranged(column, whole),))
    columns = table(found)
    if found.named != given.named or not found.named:
        columns = dict(zip((c.name for c in given.columns), columns.values(), strict=False))
    return msgspec.structs.replace(given, columns=tuple(_filled(c, columns.get(c.name)) for c in given.columns))


def _filled(column: Column, values: Values | None) -> Column:
    """A given column with its levels, or its range, taken from the data where it has none."""
    if values is None or not values.present.size:
        return column
    if column.kind in ("integer", "continuous"):
        return column if values.words else _ranged(column, values.present)
    if column.levels:
        return column
    distinct = np.unique(values.present)
    levels = tuple(str(v) if values.words else int(v) if v == int(v) else float(v) for v in distinct)
    if column.kind == "binary" and len(levels) != 2:
        raise InputError(f"the schema calls column {column.name!r} binary, but it has {len(levels)} different values")
    return msgspec.structs.replace(column, levels=levels)


def _ranged(column: Column, values: NDArray[Any] | None) -> Column:
    if column.kind != "continuous" or values is None or column.low is not None:
        return column
    known = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not known.size:
        return column
    return msgspec.structs.replace(column, low=float(known.min()), high=float(known.max()))
