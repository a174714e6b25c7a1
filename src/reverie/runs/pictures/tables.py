"""Tables: each column's distribution, and how the columns go together."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from reverie.runs.pictures.canvas import DATA, INK, MODEL, PAPER, QUIET, Canvas, legend, shortened
from reverie.runs.pictures.views import Seen, correlations, frequencies, histogram, numeric

MOST = 12
"""Columns that are drawn one by one."""
MOST_CORRELATED, MOST_LABELLED = 40, 16
ACROSS = 4
_DIVERGING = LinearSegmentedColormap.from_list(
    "reverie-diverging", ["#8c3a00", "#d55e00", "#f3c29b", "#ffffff", "#9cc9e6", "#0072b2", "#00416b"]
)


def draw_table(real: list[Seen], drawn: list[Seen], names: tuple[str, str]) -> Canvas:
    """Up to twelve columns as histograms or frequencies, and the correlations of three or more."""
    shown = min(len(real), MOST)
    rows = -(-shown // ACROSS)
    across = -(-shown // rows)
    ordered = numeric(real)[:MOST_CORRELATED]
    paired = len(ordered) >= 3
    width, cell, high = 1000, (1000 - 2 * 36 + 28) / max(across, 2), 176
    side = int(np.clip(72 * len(ordered), 230, 340))
    canvas = Canvas(width, 60 + rows * high + (side + 130 if paired else 0))
    legend(canvas, 36, 28, ((DATA, names[0]), (MODEL, names[1])))
    if len(real) > shown:
        canvas.text(width - 36, 28, f"the first {shown} of {len(real)} columns", color=QUIET, ha="right", va="center")
    for place in range(shown):
        axes = canvas.axes(36 + place % across * cell, 82 + place // across * high, cell - 28, high - 66)
        draw_column(axes, real[place], drawn[place])
        axes.set_title(shortened(real[place].name, 30))
    if paired:
        _correlations(canvas, 60 + rows * high, side, [real[k] for k in ordered], [drawn[k] for k in ordered], names)
    return canvas


def draw_column(axes: Axes, real: Seen, drawn: Seen) -> None:
    """One column: data in grey, the model in blue."""
    axes.tick_params(left=False, labelleft=False)
    axes.spines["left"].set_visible(False)
    found = frequencies(real, drawn)
    if found is None:
        edges, held, made = histogram(real.values, drawn.values)
        axes.stairs(held, edges, fill=True, color=DATA, alpha=0.45)
        axes.stairs(made, edges, color=MODEL, linewidth=1.5)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlim(edges[0], edges[-1])
    else:
        levels, held, made = found
        x = np.arange(len(levels))
        axes.bar(x - 0.2, held, 0.38, color=DATA, alpha=0.6)
        axes.bar(x + 0.2, made, 0.38, color=MODEL)
        axes.set_xticks(x, [shortened(level, max(3, 30 // len(levels))) for level in levels])
        axes.tick_params(bottom=False)
        axes.set_xlim(-0.6, max(1, len(levels) - 1) + 0.6)
    axes.set_ylim(bottom=0)


def _correlations(
    canvas: Canvas, y: float, side: int, real: list[Seen], drawn: list[Seen], names: tuple[str, str]
) -> None:
    labelled = len(real) <= MOST_LABELLED
    left = 140
    image: Any = None
    for place, (columns, name) in enumerate(zip((real, drawn), names, strict=True)):
        x = left + place * (side + 40)
        axes = canvas.axes(x, y + 40, side, side)
        canvas.text(x, y + 10, f"correlations: {name}", fontweight="bold", color=MODEL if place else INK)
        matrix = correlations(columns)
        image = axes.imshow(matrix, cmap=_DIVERGING, vmin=-1, vmax=1, interpolation="nearest")
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
        if not labelled:
            axes.set_xticks([])
            axes.set_yticks([])
            continue
        ticks = range(len(columns))
        axes.set_xticks(
            ticks, [shortened(seen.name, 18) for seen in columns], rotation=45, ha="right", rotation_mode="anchor"
        )
        axes.set_yticks(ticks, [shortened(seen.name, 20) for seen in columns] if place == 0 else [])
        if len(columns) <= 8:
            for i in ticks:
                for j in ticks:
                    strong = abs(matrix[i, j]) > 0.6
                    words = f"{matrix[i, j]:.2f}".replace("-", "−")
                    axes.text(j, i, words, ha="center", va="center", fontsize=6.5, color=PAPER if strong else INK)
    bar = canvas.figure.colorbar(image, cax=canvas.axes(left + 2 * (side + 40), y + 40, 12, side))
    bar.outline.set_visible(False)
    bar.set_ticks([-1, -0.5, 0, 0.5, 1], labels=["−1", "−0.5", "0", "0.5", "1"])
