"""`chains.png`: where the chains of a model go, as pictures or points over time, and their potential."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from reverie.data import Schema
from reverie.evaluation import Mixing
from reverie.runs.pictures.canvas import ACCENT, DATA, INK, MODEL, QUIET, RULE, SHARP, WHEEL, Canvas, styled
from reverie.runs.pictures.samples import frame_of, scale_of, shape_of, tile
from reverie.runs.pictures.views import bits_of, block_of, images_of, view_of

WIDTH, MARGIN, LEFT = 1000, 24, 76
CHAINS, TRACES, PANELS = 6, 4, 5
"""Chains whose pictures are shown, chains whose potential is, and panels of points."""


def draw_chains(
    schema: Schema, found: Mixing, raw: list[Any], real: Any, potentials: NDArray[np.float64] | None = None
) -> bytes:
    """A strip for each of a few chains (pictures), a panel for each of a few times (points), and traces below.

    Args:
        schema: what the columns are.
        found: the chains.
        raw: the rows of all chains at each of `found.times`, in raw space.
        real: rows of the data, in raw space, as the model sees them.
        potentials: of rows of the data, [rows].
    """
    with styled():
        view = view_of(schema)
        if view == "images":
            top = _strips_height(schema)
            canvas = Canvas(WIDTH, top + 290)
            _strips(canvas, schema, found, raw, real)
        elif view == "plane":
            frame = frame_of(block_of(real))
            side = (WIDTH - 2 * MARGIN) / PANELS - 12
            top = round(side * shape_of(frame)) + 64
            canvas = Canvas(WIDTH, top + 290)
            _panels(canvas, found, raw, block_of(real), frame, side)
        else:
            top = 8
            canvas = Canvas(WIDTH, top + 290)
        _traces(canvas, canvas.axes(LEFT, top + 34, WIDTH - LEFT - MARGIN - 12, 206), found, potentials)
        return canvas.png()


def _strip_sizes(schema: Schema) -> tuple[int, int, int]:
    """Height and width of a picture, and the scale at which it is drawn."""
    assert schema.image is not None
    height, width, _ = schema.image
    return height, width, scale_of(height, width, 60)


def _strips_height(schema: Schema) -> int:
    height, _, scale = _strip_sizes(schema)
    return 48 + CHAINS * (height * scale + 5) + 20


def _strips(canvas: Canvas, schema: Schema, found: Mixing, raw: list[Any], real: Any) -> None:
    _, width, scale = _strip_sizes(schema)
    wide = width * scale + 5
    most = max(1, (WIDTH - LEFT - MARGIN) // wide)
    # The first, the last, and as many as fit between them.
    places = np.unique(np.round(np.linspace(0, len(raw) - 1, min(most, len(raw)))).astype(int))
    low, high = bits_of(real)
    count = min(CHAINS, len(block_of(raw[0])))
    seen = [images_of(schema, raw[place], low, high)[:count] for place in places]
    sheet = tile(np.stack(seen, axis=1).reshape(-1, *seen[0].shape[1:]), len(places), count, SHARP * scale, SHARP * 5)
    canvas.text(LEFT - 12, 30, "moves", ha="right", va="center", color=QUIET)
    for column, place in enumerate(places):
        x = LEFT + 5 + column * wide + (wide - 5) / 2
        canvas.text(x, 30, f"{found.times[place]:,}", ha="center", va="center", color=INK)
    canvas.pixels(LEFT, 42, sheet)
    for row in range(count):
        y = 42 + 5 + (row + 0.5) * (sheet.shape[0] / SHARP - 5) / count
        canvas.text(LEFT - 12, y, f"chain {row + 1}", ha="right", va="center", color=QUIET)


def _panels(
    canvas: Canvas, found: Mixing, raw: list[Any], real: NDArray[Any], frame: tuple[float, ...], side: float
) -> None:
    places = np.unique(np.round(np.linspace(0, len(raw) - 1, PANELS)).astype(int))
    for column, place in enumerate(places):
        x = MARGIN + column * (side + 12)
        canvas.text(x, 18, f"after {found.times[place]:,} moves", fontweight="bold", fontsize=8.5)
        axes = canvas.axes(x, 40, side, side * shape_of((frame[0], frame[1], frame[2], frame[3])))
        points = block_of(raw[place])
        axes.scatter(real[:, 0], real[:, 1], s=2, color=DATA, alpha=0.35, linewidths=0)
        axes.scatter(points[:, 0], points[:, 1], s=7, color=MODEL, linewidths=0)
        axes.set_xlim(frame[0], frame[1])
        axes.set_ylim(frame[2], frame[3])
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(True)
            spine.set_color(RULE)


def _traces(canvas: Canvas, axes: Axes, found: Mixing, data: NDArray[np.float64] | None) -> None:
    top = canvas.height - 290
    x = canvas.phrase(LEFT, top + 18, "potential of each chain, nats", fontsize=10, fontweight="bold", color=INK) + 28
    moves = np.arange(found.potentials.shape[1])
    chosen = found.potentials[:TRACES]
    for place, trace in enumerate(chosen):
        axes.plot(moves, trace, color=WHEEL[place % len(WHEEL)], linewidth=0.8, alpha=0.85)
    settled = found.potentials[:, found.potentials.shape[1] // 2 :]
    known = settled[np.isfinite(settled)]
    bounds = [float(known.min()), float(known.max())] if known.size else [-1.0, 1.0]
    if data is not None and np.isfinite(data).any():
        low, middle, high = np.quantile(data[np.isfinite(data)], [0.1, 0.5, 0.9])
        axes.axhspan(low, high, color=ACCENT, alpha=0.1, linewidth=0)
        axes.axhline(middle, color=ACCENT, linewidth=1.0)
        bounds = [min(bounds[0], float(low)), max(bounds[1], float(high))]
        canvas.phrase(x, top + 18, "— rows of the data: the median, and the middle 80 %", color=ACCENT)
    pad = 0.1 * (bounds[1] - bounds[0]) or 1.0
    axes.set_ylim(bounds[0] - pad, bounds[1] + pad)
    axes.axvline(moves[-1] / 2, color=INK, linewidth=0.9, linestyle=(0, (3, 3)))
    axes.annotate(
        "R-hat is of what comes after",
        (moves[-1] / 2, 0.04),
        xycoords=("data", "axes fraction"),
        xytext=(6, 0),
        textcoords="offset points",
        color=INK,
    )
    axes.set_xlabel("moves")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.margins(x=0.01)
