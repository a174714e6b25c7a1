"""`load`: from any source to a `Dataset`; `read_rows`: new rows of data whose schema is known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import msgspec
import numpy as np

from reverie.data.choice import choose, parse, spec_of, wants_pixels
from reverie.data.encode import encode
from reverie.data.found import Found
from reverie.data.infer import infer
from reverie.data.rows import Dataset, Rows
from reverie.data.schema import Label, Schema, read_schema
from reverie.data.source import find
from reverie.data.tables import codes_of, take_label
from reverie.errors import InputError

TEST = 0.2


def load(
    source: Any,
    *,
    measure: str = "auto",
    binarize: bool = False,
    schema: Schema | Mapping[str, Any] | str | Path | None = None,
    seed: int = 0,
    valid: float = 0.1,
    test: float | None = None,
    label: str | None = None,
    missing: str = "refuse",
    length: int = 32,
    tokens: str = "characters",
) -> Dataset:
    """Read, describe, split and measure data.

    The split: with `order = numpy.random.default_rng(seed).permutation(rows)`, the test rows are the last of `order`,
    the validation rows come before them, the training rows are the first. A source that is split already keeps its
    parts and its order (where it has no validation part, that is cut off a permutation of its training part). Windows
    of text are not permuted: the text's beginning is for training, its middle for validation, its end for testing.

    Args:
        source: a built-in name, a path, an array (NumPy, JAX, torch, …), a data frame of pandas or polars, a dict of
            columns, or a pair (x, y).
        measure: how raw rows become the model's: "auto", "none", "binarise", "binarise-dynamic", "dequantise",
            "logit", "standardise", "one-hot", or a chain such as "dequantise+logit".
        binarize: short for `measure="binarise"`; data that is binary already stays as it is.
        schema: what the columns are, as a `Schema`, a dict or the path of a JSON file; inferred where not given.
        seed: of the split, and of the points of a toy.
        valid: the validation rows: a fraction of all rows below 1, or their number.
        test: the test rows, likewise; by default a fifth, and 397 rows of digits.
        label: the name of the column that is the class and not to be modelled.
        missing: "refuse" missing values, "drop" the rows that have them, or "mask" them.
        length: the tokens in a window of text.
        tokens: "characters" or "words".
    """
    name = _measure_name(measure, binarize=binarize)
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"the seed is {seed!r}: it must be a whole number that is not negative")
    found = find(source, int(seed))
    described = _described(found, schema, label, pixels=wants_pixels(name), length=length, tokens=tokens)
    rows, parts = encode(found, described, missing)
    train, held, tested = _split(rows, parts, found, int(seed), valid, test)
    chosen = choose(name, described, train)
    classes = tuple(str(c) for c in described.label.classes) if described.label else None
    return Dataset(
        name=found.name,
        schema=described,
        spec=spec_of(chosen, described, train),
        measure=chosen,
        train=train,
        valid=held,
        test=tested,
        fingerprint=_fingerprint(rows, described),
        class_names=classes,
    )


def read_rows(source: Any, schema: Schema | Mapping[str, Any] | str | Path, *, missing: str = "refuse") -> Rows:
    """New rows of data whose schema is known, in the order of the source; the label is read where it is there."""
    known = read_schema(schema)
    found = find(source)
    if known.label is not None and found.classes is not None and found.y is not None:
        found = replace(found, y=_recoded(found, known.label))
    rows, _ = encode(found, known, missing)
    return rows


def _recoded(found: Found, label: Label) -> np.ndarray:
    """Codes of labels that came beside the rows, in the order of the known classes."""
    place = {str(name): code for code, name in enumerate(label.classes)}
    assert found.classes is not None and found.y is not None
    unknown = next((name for name in found.classes if str(name) not in place), None)
    if unknown is not None:
        raise InputError(f"the label {str(unknown)!r} is none of the {len(place)} known classes")
    return np.array([place[str(name)] for name in found.classes], np.int32)[found.y]


def _measure_name(measure: str, *, binarize: bool) -> str:
    name = "+".join(parse(measure))
    if not binarize:
        return name
    if name not in ("auto", "binarise", "binarise-dynamic"):
        raise InputError(f"binarize=True and measure={measure!r} contradict each other: give one of them")
    return "binarise" if name == "auto" else name


def _described(
    found: Found,
    schema: Schema | Mapping[str, Any] | str | Path | None,
    label: str | None,
    *,
    pixels: bool,
    length: int,
    tokens: str,
) -> Schema:
    given = None if schema is None else read_schema(schema)
    if label is None and given is not None and given.label is not None:
        label = given.label.name
    named = None
    if label is not None:
        found, values = take_label(found, label)
        rest = {name: column for name, column in (found.columns or {}).items() if name != label}
        named = Label(label, codes_of(values, f"the label {label!r}")[1])
        found = replace(found, columns=rest)
    elif found.y is not None:
        named = Label(None, found.classes or ())
    if given is None:
        inferred = infer(found, pixels=pixels, length=length, tokens=tokens)
    else:
        inferred = _completed(given, found, length, tokens)
    return msgspec.structs.replace(inferred, label=given.label if given and given.label else named)


def _completed(given: Schema, found: Found, length: int, tokens: str) -> Schema:
    """A given schema, with the levels and ranges that it leaves open taken from the data."""
    if given.text is not None:
        return given
    if given.image is not None and not given.columns:
        width = int(np.prod(given.image))
        block = found.block
        if block is None or int(np.prod(block.shape[1:])) != width:
            raise InputError(f"{found.name} does not hold rows of {width} pixels, as the schema's image needs")
        return infer(replace(found, image=given.image), pixels=True, length=length, tokens=tokens)
    if not given.columns:
        raise InputError("the schema has no columns, no image and no text")
    if given.image is not None or all(c.levels or c.kind in ("integer", "continuous") for c in given.columns):
        return given
    inferred = {c.name: c for c in infer(found, pixels=False, length=length, tokens=tokens).columns}
    return msgspec.structs.replace(given, columns=tuple(_filled(c, found) for c in given.columns if inferred))


def _filled(column: Any, found: Found) -> Any:
    values = (found.columns or {}).get(column.name)
    if column.levels or column.kind in ("integer", "continuous") or values is None:
        return column
    levels = tuple(str(v) if values.words else int(v) if v == int(v) else float(v) for v in np.unique(values.present))
    if column.kind == "binary" and len(levels) != 2:
        raise InputError(f"the schema calls column {column.name!r} binary, but it has {len(levels)} different values")
    return msgspec.structs.replace(column, levels=levels)


def _amount(given: float | None, rows: int, what: str) -> int:
    amount = TEST if given is None else given
    if isinstance(amount, bool) or not isinstance(amount, int | float | np.integer | np.floating):
        raise InputError(f"{what} is {given!r}: give a fraction below 1 or a number of rows")
    if amount < 0 or not np.isfinite(amount):
        raise InputError(f"{what} is {amount}: it must not be negative")
    if amount < 1:
        return max(round(amount * rows), 1) if amount > 0 else 0
    if amount != int(amount):
        raise InputError(f"{what} is {amount}: give a fraction below 1 or a whole number of rows")
    return int(amount)


def _split(
    rows: Rows, parts: tuple[int, ...] | None, found: Found, seed: int, valid: float, test: float | None
) -> tuple[Rows, Rows, Rows]:
    n = len(rows)
    if n < 2:
        raise InputError(f"{found.name} has {n} row: at least 2 are needed")
    if parts is not None:
        return _own_split(rows, parts, seed, valid)
    default = test is None and found.test is not None
    n_test = int(found.test or 0) if default else _amount(test, n, "test")
    n_valid = _amount(valid, n, "valid")
    if valid + (TEST if test is None else test) >= 1 and max(valid, test or TEST) < 1:
        raise InputError(f"valid ({valid}) and test ({test}) leave nothing to train on: they must add up to less than 1")
    if n_test + n_valid >= n:
        raise InputError(
            f"{n} rows cannot give {n_valid} validation rows and {n_test} test rows and leave some to train on"
        )
    order = np.arange(n) if found.texts is not None else np.random.default_rng(seed).permutation(n)
    cut = n - n_test
    return rows[order[: cut - n_valid]], rows[order[cut - n_valid : cut]], rows[order[cut:]]


def _own_split(rows: Rows, parts: tuple[int, ...], seed: int, valid: float) -> tuple[Rows, Rows, Rows]:
    first, second, _ = parts
    tested = rows[np.arange(first + second, len(rows))]
    if second:
        return rows[np.arange(first)], rows[np.arange(first, first + second)], tested
    n_valid = _amount(valid, first, "valid")
    if n_valid >= first:
        raise InputError(f"{first} training rows cannot give {n_valid} validation rows and leave some to train on")
    order = np.random.default_rng(seed).permutation(first)
    return rows[order[: first - n_valid]], rows[order[first - n_valid :]], tested


def _fingerprint(rows: Rows, schema: Schema) -> str:
    digest = hashlib.sha256(msgspec.json.encode(schema))
    for array in jax.tree.leaves((rows.raw, rows.mask, rows.y)):
        whole = np.ascontiguousarray(array)
        digest.update(f"{whole.dtype}{whole.shape}".encode())
        digest.update(memoryview(whole).cast("B"))
    return digest.hexdigest()
