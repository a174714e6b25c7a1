"""`samples.png` of a bake-off: draws of every pair beneath real rows."""

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data import Schema
from reverie.runs.pictures.canvas import DATA, INK, MODEL, QUIET, RULE, SHARP, Canvas, shortened, styled
from reverie.runs.pictures.samples import frame_of, mask_of, scale_of, shape_of, tile
from reverie.runs.pictures.views import (
    Seen,
    bits_of,
    block_of,
    columns_of,
    frequencies,
    histogram,
    images_of,
    lines_of,
    view_of,
)

WIDTH, LEFT, MARGIN = 1000, 190, 24
COLUMNS = 6
"""Columns of a table that the gallery shows."""

Named = Sequence[tuple[str, Any]]


def draw_gallery(schema: Schema, real: Any, drawn: Named, *, name: str = "held-out rows", mask: Any = None) -> bytes:
    """A row of samples for every pair, real rows on top.

    Args:
        schema: what the columns are.
        real: rows, in raw space, as the models see them.
        drawn: each pair's name and its draws in raw space.
        name: what to call the real rows.
        mask: shaped like `real`, True where a value was observed.
    """
    with styled():
        match view_of(schema):
            case "images":
                canvas = _images(schema, [(name, real), *drawn])
            case "text":
                canvas = _text(schema, [(name, real), *drawn])
            case "plane":
                points = np.where(mask_of(mask), block_of(real), np.nan)
                canvas = _planes([(name, points), *((who, block_of(raw)) for who, raw in drawn)])
            case _:
                rows = [(who, columns_of(schema, raw)) for who, raw in drawn]
                canvas = _tables(columns_of(schema, real, mask), rows, name)
        return canvas.png()


def _label(canvas: Canvas, y: float, name: str, *, first: bool) -> None:
    look = {"color": INK, "fontweight": "bold"} if first else {"color": INK}
    canvas.text(LEFT - 20, y, shortened(name, 28), ha="right", va="center", fontsize=8.5, **look)


def _images(schema: Schema, rows: Named) -> Canvas:
    assert schema.image is not None
    height, width, _ = schema.image
    scale, gap, between = scale_of(height, width, 40), 4, 14
    count = max(1, (WIDTH - LEFT - MARGIN - gap) // (width * scale + gap))
    deep = 2 if height * scale <= 64 else 1
    tall = deep * (height * scale + gap) + gap
    canvas = Canvas(WIDTH, 2 * MARGIN + len(rows) * (tall + between))
    low, high = bits_of(rows[0][1])
    for place, (name, raw) in enumerate(rows):
        y = MARGIN + place * (tall + between) + (8 if place else 0)
        _label(canvas, y + tall / 2, name, first=place == 0)
        canvas.pixels(LEFT, y, tile(images_of(schema, raw, low, high), count, deep, SHARP * scale, SHARP * gap))
    return canvas


def _text(schema: Schema, rows: Named) -> Canvas:
    blocks = []
    for name, raw in rows:
        lines = lines_of(schema, raw)[:3]
        blocks.append(
            (name, [piece for line in lines for piece in textwrap.wrap(line, 92, drop_whitespace=False) or [""]])
        )
    canvas = Canvas(WIDTH, 2 * MARGIN + sum(18 * len(lines) + 18 for _, lines in blocks))
    y = float(MARGIN)
    for place, (name, lines) in enumerate(blocks):
        _label(canvas, y + 7, name, first=place == 0)
        for line in lines:
            canvas.text(LEFT, y, line, family="DejaVu Sans Mono", fontsize=8, color=INK if place == 0 else MODEL)
            y += 18
        y += 18
    return canvas


def _planes(rows: Sequence[tuple[str, NDArray[Any]]]) -> Canvas:
    across, side, gap = 4, 224, 18
    frame = frame_of(rows[0][1])
    tall = side * shape_of(frame)
    deep = -(-len(rows) // across)
    canvas = Canvas(2 * MARGIN + across * (side + gap) - gap, MARGIN + round(deep * (tall + 46)))
    for place, (name, points) in enumerate(rows):
        x, y = MARGIN + place % across * (side + gap), MARGIN + place // across * (tall + 46) + 22
        canvas.text(x, y - 22, shortened(name, 30), fontweight="bold" if place == 0 else "normal", fontsize=8.5)
        axes = canvas.axes(x, y, side, tall)
        axes.scatter(
            points[:, 0], points[:, 1], s=float(np.clip(1200 / max(1, len(points)), 1.5, 8)),
            color=MODEL if place else QUIET, alpha=0.6, linewidths=0,
        )  # fmt: skip
        axes.set_xlim(frame[0], frame[1])
        axes.set_ylim(frame[2], frame[3])
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color(RULE)
    return canvas


def _tables(real: list[Seen], rows: Sequence[tuple[str, list[Seen]]], name: str) -> Canvas:
    shown = min(COLUMNS, len(real))
    wide, tall, gap = (WIDTH - LEFT - MARGIN) / shown, 44.0, 14.0
    canvas = Canvas(WIDTH, round(78 + len(rows) * (tall + gap) + MARGIN))
    plate = canvas.plate()
    canvas.text(LEFT - 20, 30, f"grey: {name}", ha="right", va="center", color=QUIET)
    canvas.text(LEFT - 20, 48, "blue: draws", ha="right", va="center", color=MODEL)
    for j in range(shown):
        title = shortened(real[j].name, round(wide / 8))
        canvas.text(LEFT + j * wide, 40, title, va="center", fontweight="bold")
    if len(real) > shown:
        canvas.text(WIDTH - MARGIN, 12, f"the first {shown} of {len(real)} columns", color=QUIET, ha="right")
    for place, (who, drawn) in enumerate(rows):
        y = 68 + place * (tall + gap)
        _label(canvas, y + tall / 2, who, first=False)
        for j in range(shown):
            _sketch(plate, LEFT + j * wide, y, wide - 16, tall, real[j], drawn[j])
    return canvas


def _sketch(plate: Any, x: float, y: float, wide: float, tall: float, real: Seen, drawn: Seen) -> None:
    """A column's distribution in a box of the plate, without axes."""
    found = frequencies(real, drawn)
    held, made = found[1:] if found is not None else histogram(real.values, drawn.values, 24)[1:]
    edges = x + np.linspace(0, wide, len(held) + 1)
    top = max(float(held.max()), float(np.quantile(made, 0.95)), 1e-12)
    base = y + tall
    plate.stairs(base - tall * held / top, edges, baseline=base, fill=True, color=DATA, alpha=0.4)
    plate.stairs(base - tall * np.minimum(made / top, 1.0), edges, baseline=base, color=MODEL, linewidth=1.2)
    plate.plot([x, x + wide], [base, base], color=RULE, linewidth=0.8)
