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

from reverie.data import builtin
from reverie.data.choice import choose, parse, spec_of, wants_pixels
from reverie.data.encode import encode
from reverie.data.given import described, recoded
from reverie.data.labels import keep_labels
from reverie.data.rows import Dataset, Rows
from reverie.data.schema import Schema, read_schema
from reverie.data.source import find
from reverie.data.split import TEST, own_split, split
from reverie.data.texts import Reading
from reverie.errors import InputError


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
    labelled: float | None = None,
    missing: str = "refuse",
    length: int = 32,
    tokens: str = "characters",
    lines: bool = False,
    vocabulary: int | None = None,
) -> Dataset:
    """Read, describe, split and measure data.

    The split: with `order = numpy.random.default_rng(seed).permutation(rows)`, the test rows are the last of
    `order`, the validation rows come before them, and the training rows are the first. A source that is split
    already keeps its parts and their order, whatever `test` says (where it has no validation part, that is
    the end of a permutation of its training part). Windows of text do not overlap and are not permuted: the
    beginning of the text is for training, its middle for validation, its end for testing.

    Args:
        source: a built-in name, a path, an array (NumPy, JAX, torch, …), a data frame of pandas or polars,
            a dict of columns, or a pair (x, y).
        measure: how raw rows become the model's: "auto", "none", "binarise", "binarise-dynamic",
            "dequantise", "logit", "standardise", "one-hot", or composed, such as "dequantise+logit".
        binarize: short for `measure="binarise"`; data that is binary already stays as it is.
        schema: what the columns are, as a `Schema`, a dict or the path of a JSON file; inferred if not given.
        seed: of the split, and of the points of a toy.
        valid: the validation rows: a fraction of all rows, below 1, or their number.
        test: the test rows, likewise; by default a fifth of all, and 397 rows of digits.
        label: the name of the column that is the class and is not modelled.
        labelled: the training rows that keep their label, equally many of each class: a fraction of them, below 1, or
            their number; the others get y = −1. All keep it when `None`.
        missing: "refuse" missing values, "drop" the rows that have them, or "mask" them (a label that is missing
            becomes y = −1).
        length: the tokens in a row of text.
        tokens: "characters" or "words".
        lines: of text, take each line as a row: its tokens, an end mark that counts towards `length`, and padding;
            longer lines are left out.
        vocabulary: of text, keep so many different tokens, the most frequent, with `<unk>` for the rest.

    Example:
        >>> data = load("digits", binarize=True)
        >>> data.spec.kind, data.spec.image, len(data.test)
        ('binary', (8, 8, 1), 397)
    """
    name = _measure_name(measure, binarize=binarize)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InputError(f"the seed is {seed!r}: it must be a whole number that is not negative")
    given = None if schema is None else read_schema(schema)
    found = find(source, int(seed))
    reading = Reading(length, tokens, lines, vocabulary)
    known = described(found, given, label, pixels=wants_pixels(name), reading=reading)
    if given is not None and known.label is not None and found.y is not None:
        found = replace(found, y=recoded(found, known.label))
    rows, parts = encode(found, known, missing)
    if parts is not None:
        train, held, tested = own_split(rows, found.name, parts, int(seed), valid)
    else:
        part = test if test is not None else found.test or TEST
        in_order = known.text is not None
        train, held, tested = split(rows, found.name, int(seed), valid, part, in_order=in_order)
    if labelled is not None:
        train = keep_labels(train, labelled, len(known.label.classes) if known.label else 0, int(seed), found.name)
    chosen = choose(name, known, train)
    return Dataset(
        name=found.name,
        schema=known,
        spec=spec_of(chosen, known, train),
        measure=chosen,
        train=train,
        valid=held,
        test=tested,
        fingerprint=_fingerprint(rows, known, train if labelled is not None else None),
        class_names=tuple(str(c) for c in known.label.classes) if known.label else None,
        recipe=_recipe(source, measure=name, seed=int(seed), valid=valid, test=test, label=label, missing=missing)
        | {"length": length, "tokens": tokens, "lines": lines, "vocabulary": vocabulary, "labelled": labelled}
        if isinstance(source, str | Path)
        else None,
    )


def load_again(recipe: Mapping[str, Any], schema: Schema, fingerprint: str, name: str) -> Dataset:
    """The data of a `Dataset.recipe`; refused when the recipe is not one, or when the data have changed since."""
    try:
        data = load(**recipe, schema=schema)
    except TypeError as error:
        raise InputError(f"the record of how {name!r} was read is damaged: {error}") from None
    if data.fingerprint != fingerprint:
        raise InputError(f"{name!r} has changed since the run began (its fingerprint differs)")
    return data


def read_rows(source: Any, schema: Schema | Mapping[str, Any] | str | Path, *, missing: str = "refuse") -> Rows:
    """New rows of data whose schema is known, in the source's order, with their label where it is there."""
    known = read_schema(schema)
    found = find(source)
    if known.label is None:
        found = replace(found, y=None)
    elif found.y is not None:
        found = replace(found, y=recoded(found, known.label))
    return encode(found, known, missing)[0]


def _recipe(source: str | Path, **options: Any) -> dict[str, Any]:
    """The arguments of `load`, with a path made whole so that it is found from another folder."""
    built_in = isinstance(source, str) and source in builtin.NAMES
    return {"source": source if built_in else str(Path(source).resolve())} | options


def _measure_name(measure: str, *, binarize: bool) -> str:
    name = "+".join(parse(measure))
    if not binarize:
        return name
    if name not in ("auto", "binarise"):
        raise InputError(f"binarize=True and measure={measure!r} contradict each other: give one of them")
    return "binarise"


def _fingerprint(rows: Rows, schema: Schema, thinned: Rows | None) -> str:
    """Of all rows; and, where only some labels are kept, of those."""
    digest = hashlib.sha256(msgspec.json.encode(schema))
    for array in jax.tree.leaves((rows.raw, rows.mask, rows.y, None if thinned is None else thinned.y)):
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
