"""What raw rows are to the eye: pictures, points of a plane, lines of text, or columns of a table."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie.data import Schema

FEW = 12
"""A column with at most so many values is drawn by their frequencies."""


class Seen(NamedTuple):
    """One column as it is drawn: its name, its observed values, and names for the values where they are levels."""

    name: str
    values: NDArray[np.float64]
    levels: tuple[str, ...]


def view_of(schema: Schema) -> str:
    """`images`, `text`, `plane` (two continuous columns) or `table`."""
    if schema.image is not None:
        return "images"
    if schema.text is not None:
        return "text"
    kinds = {kind: len(places) for kind, places in schema.groups.items()}
    return "plane" if kinds == {"continuous": 2} else "table"


def block_of(raw: Any) -> NDArray[Any]:
    """The only block of raw rows, [rows, columns]."""
    block = np.asarray(next(iter(raw.values())) if isinstance(raw, Mapping) else raw)
    return block.reshape(len(block), -1)


def images_of(schema: Schema, raw: Any, low: float, high: float) -> NDArray[np.uint8]:
    """Raw rows as colours, [rows, height, width, 3]; `low` is black and `high` is white."""
    assert schema.image is not None
    height, width, channels = schema.image
    grey = (np.nan_to_num(block_of(raw).astype(np.float64)) - low) / (high - low if high > low else 1.0)
    shaped = np.round(255 * np.clip(grey, 0, 1)).astype(np.uint8).reshape(-1, height, width, channels)
    return shaped[..., :3] if channels >= 3 else np.repeat(shaped[..., :1], 3, axis=-1)


def bits_of(raw: Any) -> tuple[float, float]:
    """The smallest and the largest value of raw pictures: (0, 1) for bits."""
    values = block_of(raw).astype(np.float64)
    values = values[np.isfinite(values)]
    return (float(min(values.min(), 0)), float(values.max())) if values.size else (0.0, 1.0)


def lines_of(schema: Schema, raw: Any) -> list[str]:
    """Raw rows of text, a line each, with ⏎ where a line of theirs ends."""
    return [line.replace("\n", "⏎").replace("\t", " ") for line in schema.frame(raw)["text"]]


def columns_of(schema: Schema, raw: Any, mask: Any = None) -> list[Seen]:
    """Raw rows of a table by column, in the source's order, without what was missing."""
    groups = schema.groups
    blocks = raw if isinstance(raw, Mapping) else {next(iter(groups)): raw}
    masks = mask if isinstance(mask, Mapping) or mask is None else {next(iter(groups)): mask}
    seen = {}
    for kind, places in groups.items():
        block = np.asarray(blocks[kind], np.float64)
        for j, place in enumerate(places):
            column = schema.columns[place]
            values = block[:, j] if masks is None else np.where(masks[kind][:, j], block[:, j], np.nan)
            seen[place] = Seen(column.name, values, tuple(str(level) for level in column.levels))
    return [seen[place] for place in sorted(seen)]


def frequencies(real: Seen, drawn: Seen) -> tuple[tuple[str, ...], NDArray[Any], NDArray[Any]] | None:
    """Names of values, and how often data and model have each; `None` where there are too many for that."""
    held, made = (seen.values[np.isfinite(seen.values)] for seen in (real, drawn))
    if real.levels:
        values, names = np.arange(len(real.levels)), real.levels
    else:
        values = np.unique(held)
        if not 0 < values.size <= FEW or np.any(values != np.round(values)):
            return None
        if not np.all(np.isin(made, values)):
            return None
        names = tuple(f"{value:g}" for value in values)
    shares = [np.array([np.mean(some == v) if some.size else 0.0 for v in values]) for some in (held, made)]
    if len(values) > FEW:
        kept = np.sort(np.argsort(-shares[0], kind="stable")[: FEW - 1])
        names = (*(names[k] for k in kept), "others")
        shares = [np.append(share[kept], share.sum() - share[kept].sum()) for share in shares]
    return names, shares[0], shares[1]


def histogram(
    real: NDArray[Any], drawn: NDArray[Any], most: int = 36
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Edges and the densities of data and model over them; what lies beyond the edges is missing from the areas."""
    held, made = (values[np.isfinite(values)] for values in (real, drawn))
    if not held.size:
        held = made
    if not held.size:
        return np.array([0.0, 1.0]), np.zeros(1), np.zeros(1)
    low, high = np.quantile(held, [0.002, 0.998])
    pad = 0.08 * (high - low) if high > low else max(1e-6, 0.5 * abs(low), 0.5)
    count = int(np.clip(2 * held.size ** (1 / 3), 8, most))
    edges = np.linspace(low - pad, high + pad, count + 1)
    width = edges[1] - edges[0]
    shares = [np.histogram(some, edges)[0] / max(1, some.size) / width for some in (held, made)]
    return edges, shares[0], shares[1]


def correlations(columns: list[Seen]) -> NDArray[np.float64]:
    """Pearson correlations over the rows where both are known; 0 where one does not vary."""
    rows = np.stack([seen.values for seen in columns], axis=1)
    known = np.isfinite(rows)
    count = known.T.astype(float) @ known
    filled = np.where(known, rows, 0.0)
    filled = np.where(known, filled - filled.sum(0) / np.maximum(known.sum(0), 1), 0.0)
    scale = np.sqrt((filled**2).sum(0) / np.maximum(known.sum(0), 1))
    unit = filled / np.where(scale > 0, scale, 1.0)
    return np.clip(unit.T @ unit / np.maximum(count, 1), -1, 1)


def numeric(columns: list[Seen]) -> list[int]:
    """The places of columns whose values have an order: numbers, and columns of two levels."""
    return [place for place, seen in enumerate(columns) if len(seen.levels) <= 2]
