"""What the raw columns are: enough to read new rows of the same kind, and to write samples by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from reverie.errors import InputError

Level = str | int | float
RAW_KINDS = ("binary", "categorical", "continuous", "integer")


class Column(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One raw column.

    Args:
        name: its name in the source.
        kind: "binary" (two values), "categorical" (words or a few whole numbers), "continuous", "integer"
            (pixels: whole numbers 0..high) or "constant" (one value; the model does not see it).
        levels: the values of a binary, categorical or constant column, in the order of their codes.
        low: the smallest value of a continuous column.
        high: the largest value of a continuous column; of an integer column the top of its range.
        missing: how many of its values were missing.
    """

    name: str
    kind: Literal["binary", "categorical", "continuous", "integer", "constant"]
    levels: tuple[Level, ...] = ()
    low: float | None = None
    high: float | None = None
    missing: int = 0


END, PADDING = "</s>", "<pad>"
"""The marks at the end of a line of text, and after it."""


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Rows of text: `length` tokens each, coded by their place in `alphabet`.

    Args:
        alphabet: the tokens; of lines, the end mark and the padding are the last two.
        length: tokens of a row.
        tokens: what a token is.
        lines: whether a row is a line with its end mark and padding, or a window.
        unknown: the token that stands for those that are not in the alphabet, if any does.
    """

    alphabet: tuple[str, ...]
    length: int
    tokens: Literal["characters", "words"] = "characters"
    lines: bool = False
    unknown: str | None = None

    def words(self, row: Iterable[int]) -> list[str]:
        """The tokens of a row; of a line, those before its end mark."""
        tokens = [self.alphabet[code] for code in row]
        return tokens[: tokens.index(END)] if self.lines and END in tokens else tokens


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The column that became `y`, and the names of its classes in the order of their codes."""

    name: str | None
    classes: tuple[Level, ...]


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The raw data: columns of a table in the source's order, or pictures, or text.

    Args:
        columns: the columns, constant ones included and the label excluded; for pictures one entry that
            describes every pixel; empty for text.
        image: (height, width, channels) of pictures.
        text: the alphabet and length of windows of text.
        label: the label, where there is one.
        named: whether the columns have names of their own (x1, x2, … otherwise).
        warnings: what a person should know, such as columns left out.
    """

    columns: tuple[Column, ...] = ()
    image: tuple[int, int, int] | None = None
    text: Text | None = None
    label: Label | None = None
    named: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Raw kind → the positions of its columns, in the order in which a raw row holds them."""
        if self.text is not None:
            return {"categorical": tuple(range(self.text.length))}
        if self.image is not None:
            return {self.columns[0].kind: tuple(range(int(np.prod(self.image))))}
        found = {k: tuple(i for i, c in enumerate(self.columns) if c.kind == k) for k in RAW_KINDS}
        return {kind: places for kind, places in found.items() if places}

    def counts(self) -> tuple[int, ...]:
        """The number of levels of each categorical column."""
        if self.text is not None:
            return (len(self.text.alphabet),) * self.text.length
        return tuple(len(c.levels) for c in self.columns if c.kind == "categorical")

    @property
    def size(self) -> int:
        """The number of columns that a raw row holds."""
        return sum(len(places) for places in self.groups.values())

    def describe(self) -> str:
        """A few lines for a person."""
        lines = []
        if self.text is not None:
            shown = "".join(self.text.alphabet) if self.text.tokens == "characters" else " ".join(self.text.alphabet)
            shown = shown if len(shown) <= 60 else shown[:57] + "…"
            kind = "lines of at most" if self.text.lines else "windows of"
            lines.append(f"text: {kind} {self.text.length} {self.text.tokens}")
            lines.append(f"alphabet: {len(self.text.alphabet)}: {shown!r}")
        elif self.image is not None:
            height, width, channels = self.image
            pixel = self.columns[0]
            values = {"binary": "0 or 1", "integer": f"whole numbers 0..{pixel.high or 0:g}"}.get(
                pixel.kind, f"numbers {pixel.low or 0:g}..{pixel.high or 0:g}"
            )
            lines.append(f"images: {height} x {width}, {channels} channel{'s' * (channels > 1)}, {values}")
        else:
            lines += self._describe_columns()
        if self.label is not None:
            named = f" {self.label.name!r}" if self.label.name else ""
            lines.append(f"label{named}: {len(self.label.classes)} classes: {_listed(self.label.classes)}")
        return "\n".join([*lines, *(f"note: {warning}" for warning in self.warnings)])

    def _describe_columns(self) -> list[str]:
        lines = [f"{self.size} columns" if self.size != 1 else "1 column"]
        for kind in (*RAW_KINDS, "constant"):
            columns = [c for c in self.columns if c.kind == kind]
            if not columns:
                continue
            shown = [_described(c) for c in columns[:8]]
            more = f", … {len(columns) - 8} more" if len(columns) > 8 else ""
            left = " (left out)" if kind == "constant" else ""
            lines.append(f"{kind}{left}: {len(columns)}: {', '.join(shown)}{more}")
        missing = {c.name: c.missing for c in self.columns if c.missing}
        if missing:
            lines.append("missing: " + ", ".join(f"{name} {count}" for name, count in missing.items()))
        return lines

    def frame(self, raw: Any) -> dict[str, list[Any]]:
        """Raw rows as columns with their names, in their order, with the names of their levels."""
        groups = self.groups
        blocks = raw if isinstance(raw, Mapping) else {next(iter(groups)): raw}
        arrays: dict[str, NDArray[Any]] = {kind: np.asarray(blocks[kind]) for kind in groups}
        if self.text is not None:
            between = "" if self.text.tokens == "characters" else " "
            return {"text": [between.join(self.text.words(row)) for row in arrays["categorical"]]}
        if self.image is not None:
            return self._frame_pixels(next(iter(arrays.values())))
        rows = len(next(iter(arrays.values())))
        place = {position: (kind, j) for kind, places in groups.items() for j, position in enumerate(places)}
        out: dict[str, list[Any]] = {}
        for position, column in enumerate(self.columns):
            if column.kind == "constant":
                out[column.name] = [column.levels[0]] * rows
                continue
            kind, j = place[position]
            values = arrays[kind][:, j]
            if column.levels:
                out[column.name] = [column.levels[int(code)] for code in values]
            else:
                out[column.name] = values.tolist()
        return out

    def _frame_pixels(self, array: NDArray[Any]) -> dict[str, list[Any]]:
        assert self.image is not None
        height, width, channels = self.image
        flat = array.reshape(len(array), -1)
        names = [
            f"pixel_{i}_{j}" + (f"_{c}" if channels > 1 else "")
            for i in range(height)
            for j in range(width)
            for c in range(channels)
        ]
        return {name: flat[:, k].tolist() for k, name in enumerate(names)}


def _listed(values: tuple[Level, ...], most: int = 6) -> str:
    return ", ".join(str(v) for v in values[:most]) + (", …" if len(values) > most else "")


def _described(column: Column) -> str:
    if column.kind == "continuous" and column.low is not None and column.high is not None:
        return f"{column.name} {column.low:.4g}..{column.high:.4g}"
    if column.kind in ("categorical", "constant"):
        return f"{column.name} ({_listed(column.levels, 4)})"
    return column.name


def read_schema(source: Schema | Mapping[str, Any] | str | Path) -> Schema:
    """A schema from itself, from a dict, or from a JSON file."""
    if isinstance(source, Schema):
        return source
    try:
        if isinstance(source, Mapping):
            return _checked(msgspec.convert(dict(source), Schema), "the schema")
        path = Path(source)
        return _checked(msgspec.json.decode(path.read_bytes(), type=Schema), f"the schema {str(path)!r}")
    except msgspec.ValidationError as error:
        raise InputError(f"the schema does not fit: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the schema {str(source)!r} is not JSON: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read the schema {str(source)!r}: {error.strerror or error}") from error


def _checked(schema: Schema, what: str) -> Schema:
    names = [c.name for c in schema.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{what} names the column {twice[0]!r} twice")
    if schema.image is not None and (schema.text is not None or len(schema.columns) > 1):
        raise InputError(f"{what} describes images: it may have one column at most, which is every pixel, and no text")
    if schema.image is not None and min(schema.image) < 1:
        raise InputError(f"{what} gives the image shape {schema.image}: every side must be at least 1")
    if schema.text is not None:
        _check_text(schema.text, what)
    for column in schema.columns:
        if len(set(column.levels)) != len(column.levels):
            raise InputError(f"{what} gives column {column.name!r} a level twice")
        if column.kind == "binary" and len(column.levels) not in (0, 2):
            raise InputError(f"{what} gives the binary column {column.name!r} {len(column.levels)} levels, not 2")
        if column.kind == "constant" and len(column.levels) != 1:
            raise InputError(f"{what} gives the constant column {column.name!r} {len(column.levels)} levels, not 1")
        if column.kind == "integer" and not (column.high and column.high >= 1 and column.high == int(column.high)):
            raise InputError(f"{what} needs a whole 'high' of at least 1 for the integer column {column.name!r}")
    return schema


def _check_text(text: Text, what: str) -> None:
    if text.length < 1 + text.lines or not text.alphabet:
        raise InputError(f"{what} describes text: it needs an alphabet and a length of at least {1 + text.lines}")
    if len(set(text.alphabet)) != len(text.alphabet):
        raise InputError(f"{what} gives the alphabet of text a token twice")
    if text.lines and (text.alphabet[-2:] != (END, PADDING) or len(text.alphabet) < 3):
        raise InputError(f"{what} describes lines of text: its alphabet must end with {END!r} and {PADDING!r}")
    if text.unknown is not None and text.unknown not in text.alphabet:
        raise InputError(f"{what} names {text.unknown!r} for unknown tokens, which is not in the alphabet")
