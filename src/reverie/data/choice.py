"""Choosing a measure by its name, fitting it on the training rows, and the spec of what the model then sees.

"auto" is: pixels and other whole numbers 0..high are binarised at half the range; 0/1 columns are left as
they are; continuous columns are standardised by the training rows; categorical columns are codes; a mixed
table has one measure for each kind. A name that suits some of the columns of a mixed table is used for
those, and "auto" for the others.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from reverie.data.composed import Composed
from reverie.data.densities import Dequantise, Logit, Standardise
from reverie.data.measure import Measure
from reverie.data.per_leaf import PerLeaf
from reverie.data.rows import Rows
from reverie.data.schema import Schema
from reverie.data.spec import Leaf, Spec
from reverie.data.views import Binarise, BinariseDynamic, Identity, Levels, OneHot
from reverie.errors import InputError

NAMES = ("auto", "none", "binarise", "binarise-dynamic", "dequantise", "logit", "standardise", "one-hot")
SPELLINGS = {
    "binarize": "binarise",
    "binarize-dynamic": "binarise-dynamic",
    "dynamic": "binarise-dynamic",
    "dequantize": "dequantise",
    "standardize": "standardise",
    "onehot": "one-hot",
    "identity": "none",
    "codes": "none",
}
PIXELS = frozenset({"binarise", "binarise-dynamic", "dequantise"})
CHUNK = 10_000


def parse(name: str) -> tuple[str, ...]:
    """The links of a measure's name: "dequantize+logit" → ("dequantise", "logit")."""
    links = tuple(part.strip().lower().replace("_", "-") for part in str(name).split("+"))
    links = tuple(SPELLINGS.get(part, part) for part in links)
    unknown = next((part for part in links if part not in NAMES), None)
    if unknown is not None:
        raise InputError(
            f"unknown measure {unknown!r}: known are {', '.join(NAMES)}, and compositions such as dequantise+logit"
        )
    if len(links) > 1 and not (links[0] in ("dequantise", "logit", "standardise") and _smooth(links[1:])):
        raise InputError(
            f"the measures {'+'.join(links)} cannot follow one another: only logit and standardise may follow"
        )
    return links


def _smooth(links: tuple[str, ...]) -> bool:
    return all(link in ("logit", "standardise") for link in links)


def wants_pixels(name: str) -> bool:
    """Whether the measure is one for whole numbers, so that whole numbers should be taken as pixels."""
    return parse(name)[0] in PIXELS


def choose(name: str, schema: Schema, train: Rows) -> Measure:
    """The measure of that name for data of that schema, fitted on the training rows."""
    links = parse(name)
    groups = schema.groups
    chosen: dict[str, Measure] = {}
    suited = links[0] in ("auto", "none")
    for kind, places in groups.items():
        raw = train.raw[kind] if len(groups) > 1 else train.raw
        mask = None if train.mask is None else (train.mask[kind] if len(groups) > 1 else train.mask)
        fitting = _suits(links, kind)
        suited = suited or fitting
        chosen[kind] = _leaf(links if fitting else ("auto",), kind, schema, places, raw, mask)
    if not suited:
        kinds = ", ".join(groups)
        raise InputError(
            f"the measure {'+'.join(links)} does not suit {kinds} columns; try {_advice(next(iter(groups)))}"
        )
    if len(chosen) == 1:
        return next(iter(chosen.values()))
    widths = {
        kind: sum(schema.counts()) if isinstance(measure, OneHot) else len(groups[kind])
        for kind, measure in chosen.items()
    }
    return PerLeaf(chosen, tuple(widths.items()))


def _suits(links: tuple[str, ...], kind: str) -> bool:
    first = links[0]
    if first in ("auto", "none"):
        return True
    if kind == "binary":
        return first in ("binarise", "binarise-dynamic", "dequantise")
    if kind == "categorical":
        return first == "one-hot"
    if kind == "integer":
        return True
    return first in ("standardise", "logit", "binarise", "binarise-dynamic")


def _advice(kind: str) -> str:
    return {
        "binary": "none",
        "categorical": "none or one-hot",
        "continuous": "standardise or none",
        "integer": "binarise, dequantise, logit or none",
    }[kind]


def _leaf(
    links: tuple[str, ...],
    kind: str,
    schema: Schema,
    places: tuple[int, ...],
    raw: NDArray[Any],
    mask: NDArray[np.bool_] | None,
) -> Measure:
    first = links[0]
    if kind == "categorical":
        return OneHot(schema.counts()) if first == "one-hot" else Levels()
    if kind == "binary":
        if first == "dequantise":
            return _composed([Dequantise(2)], links[1:], raw, mask)
        return Identity("binary")
    columns = schema.columns if schema.image is None else schema.columns * len(places)
    if kind == "continuous":
        unit = all((c.low or 0) >= 0 and (c.high or 0) <= 1 for c in columns if c.kind == kind)
        return _continuous(links, raw, mask, unit=unit, image=schema.image is not None)
    high = max(float(columns[i].high or 1) for i in places)
    levels = int(high) + 1
    if first in ("auto", "binarise"):
        return Binarise((int(high) - 1) // 2)
    if first == "binarise-dynamic":
        return BinariseDynamic(high)
    if first == "none":
        return Levels(levels)
    if first == "one-hot":
        return OneHot((levels,) * len(places), levels)
    return _composed([Dequantise(levels)], links[1:] if first == "dequantise" else links, raw, mask)


def _continuous(
    links: tuple[str, ...], raw: NDArray[Any], mask: NDArray[np.bool_] | None, *, unit: bool, image: bool
) -> Measure:
    """The measure of continuous columns; `unit`: all their values lie between 0 and 1, in every row."""
    first = links[0]
    if first == "none":
        return Identity("continuous")
    if "logit" in links and (links[0] != "logit" or not unit):
        raise InputError("the measure logit needs values between 0 and 1; try standardise")
    if first in ("binarise", "binarise-dynamic"):
        if not unit:
            raise InputError(f"the measure {first} does not suit columns with values beyond 0 and 1; try standardise")
        return Binarise(0.5) if first == "binarise" else BinariseDynamic(1.0)
    if first == "auto" and unit and image:
        return Binarise(0.5)
    return _composed([], ("standardise",) if first == "auto" else links, raw, mask)


def _composed(
    start: list[Measure], links: tuple[str, ...], raw: NDArray[Any], mask: NDArray[np.bool_] | None
) -> Measure:
    """The links one by one, each fitted on what the ones before it give."""
    measures = list(start)
    for link in links:
        before = _through(measures, raw)
        if link == "logit":
            if before.size and (before.min() < 0 or before.max() > 1):
                raise InputError("the measure logit needs values between 0 and 1; try standardise, or dequantise+logit")
            measures.append(Logit())
        else:
            mean, std = moments(before, mask)
            spread = np.where(std > 1e-6 * (1 + np.abs(mean)), std, 1.0)
            measures.append(Standardise(tuple(map(float, mean)), tuple(map(float, spread))))
    return measures[0] if len(measures) == 1 else Composed(tuple(measures))


def _through(measures: list[Measure], raw: NDArray[Any]) -> NDArray[Any]:
    return to_model_rows(Composed(tuple(measures)), raw) if measures else raw


def moments(values: NDArray[Any], mask: NDArray[np.bool_] | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column over the observed values."""
    if not len(values):
        return np.zeros(values.shape[1]), np.ones(values.shape[1])
    if values.dtype == bool and mask is None:
        frequency = np.mean(values, axis=0)
        return frequency, np.sqrt(frequency * (1 - frequency))
    where = np.ones(values.shape, bool) if mask is None else np.asarray(mask)
    count = np.maximum(where.sum(axis=0), 1)
    mean = np.sum(values, axis=0, where=where, dtype=np.float64) / count
    square = np.zeros(values.shape[1])
    for start in range(0, len(values), CHUNK):
        part = slice(start, start + CHUNK)
        square += np.sum((values[part].astype(np.float64) - mean) ** 2, axis=0, where=where[part])
    return mean, np.sqrt(square / count)


def to_model_rows(measure: Measure, raw: Any, seed: int = 0) -> Any:
    """All rows in model space as NumPy arrays, by chunks; noise, where there is any, is drawn from `seed`."""
    rows = len(jax.tree.leaves(raw)[0])
    keys = jax.random.split(jax.random.key(seed), max(rows, 1)) if measure.random else None
    chunks = []
    for start in range(0, max(rows, 1), CHUNK):
        part = slice(start, start + CHUNK)
        some = jax.tree.map(lambda array, part=part: array[part], raw)
        if keys is None:
            made = jax.vmap(lambda row: measure.to_model(None, row))(some)
        else:
            made = jax.vmap(measure.to_model)(keys[part][: len(jax.tree.leaves(some)[0])], some)
        chunks.append(jax.tree.map(np.asarray, made))
    return jax.tree.map(lambda *arrays: np.concatenate(arrays), *chunks)


def spec_of(measure: Measure, schema: Schema, train: Rows) -> Spec:
    """What the model may know: its leaves, with statistics of the training rows in model space."""
    x = to_model_rows(measure, train.raw)
    mask = None if train.mask is None else jax.tree.map(np.asarray, measure.mask_to_model(train.mask))
    blocks = x if isinstance(x, dict) else {measure.kind: x}
    leaves = {}
    for kind, block in blocks.items():
        seen = None if mask is None else (mask[kind] if isinstance(mask, dict) else mask)
        leaves[kind] = _leaf_of(kind, block, seen, measure, schema)
    size = None if schema.text is None else len(schema.text.alphabet)
    marks = (size - 2, size - 1) if schema.text is not None and schema.text.lines and size is not None else None
    image = schema.image if _one_to_one(leaves, schema) else None
    classes = None if schema.label is None else len(schema.label.classes)
    lengths = () if marks is None else lengths_of(x, marks[0])
    return Spec(leaves, image=image, text=schema.text is not None, marks=marks, lengths=lengths, classes=classes)


def lengths_of(x: NDArray[Any], end: int) -> tuple[float, ...]:
    """The share of lines with one token, with two, …, up to the most that a row has room for before its end mark."""
    count = np.bincount(np.argmax(x == end, axis=1), minlength=x.shape[1])[1:]
    return tuple((count / max(1, count.sum())).tolist())


def _one_to_one(leaves: dict[str, Leaf], schema: Schema) -> bool:
    return sum(leaf.size for leaf in leaves.values()) == schema.size


def _leaf_of(kind: str, block: NDArray[Any], mask: NDArray[np.bool_] | None, measure: Measure, schema: Schema) -> Leaf:
    size = int(block.shape[1])
    levels, ordered = 0, False
    counts: tuple[int, ...] = ()
    if kind == "categorical":
        shared = measure.levels if isinstance(measure, Levels) else None
        counts = (shared,) * size if shared is not None else _categorical_counts(schema, size)
        levels, ordered = max(counts), _ordered(measure)
        if not ordered:
            return Leaf(kind, size, levels, counts)
    mean, std = moments(block, mask)
    return Leaf(kind, size, levels, counts, tuple(map(float, mean)), tuple(map(float, std)), ordered)


def _ordered(measure: Measure) -> bool:
    """Whether all the levels that a model sees are whole numbers that were measured, not names."""
    pieces = measure.measures.values() if isinstance(measure, PerLeaf) else (measure,)
    levels = [piece for piece in pieces if piece.kind == "categorical"]
    return all(isinstance(piece, Levels) and piece.levels is not None for piece in levels)


def _categorical_counts(schema: Schema, size: int) -> tuple[int, ...]:
    counts = schema.counts()
    if len(counts) == size:
        return counts
    integers = tuple(int(c.high or 1) + 1 for c in schema.columns if c.kind == "integer")
    return counts + integers
