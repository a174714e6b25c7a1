"""`samples.png`: held-out rows beside the model's draws."""

import textwrap
from typing import Any, NamedTuple

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from reverie.data import Schema
from reverie.runs.pictures.canvas import INK, MODEL, QUIET, RULE, SHARP, Canvas, finite, styled
from reverie.runs.pictures.tables import draw_table
from reverie.runs.pictures.views import bits_of, block_of, columns_of, images_of, lines_of, view_of

Frame = tuple[float, float, float, float]

SIDE = 464
"""Width of one of two panels side by side."""
MARGIN, GAP = 24, 24
MAT = (184, 192, 203)
"""Between pictures: neither black nor white, so that a picture's edge shows whatever its pixels are."""
BLUES = LinearSegmentedColormap.from_list(
    "reverie", ["#ffffff", "#dcebf5", "#a3cbe4", "#56a0cf", "#0072b2", "#003f6b", "#001c33"]
)


class Density(NamedTuple):
    """A model's density over a rectangle: the edges (left, right, bottom, top) and log p on a grid [rows, columns]."""

    extent: Frame
    log_prob: NDArray[Any]


def draw_samples(
    schema: Schema,
    real: Any,
    drawn: Any,
    *,
    names: tuple[str, str] = ("held-out rows", "samples of the model"),
    mask: Any = None,
    density: Density | None = None,
) -> bytes:
    """Rows and draws as they look best: pictures, points, lines of text, or columns of a table.

    Args:
        schema: what the columns are.
        real: rows, in raw space, as the model sees them (bits where it sees bits).
        drawn: the model's draws, in raw space.
        names: what to call the two.
        mask: shaped like `real`, True where a value was observed.
        density: for points of a plane, the model's density.
    """
    with styled():
        match view_of(schema):
            case "images":
                canvas = _images(schema, real, drawn, names)
            case "text":
                canvas = _text(lines_of(schema, real), lines_of(schema, drawn), names)
            case "plane":
                points = np.where(mask_of(mask), block_of(real), np.nan)
                canvas = _plane(schema, points, block_of(drawn), names, density)
            case _:
                canvas = draw_table(columns_of(schema, real, mask), columns_of(schema, drawn), names)
        return canvas.png()


def mask_of(mask: Any) -> Any:
    """A mask as one block; True where there is none."""
    return True if mask is None else block_of(mask)


def scale_of(height: int, width: int, target: int = 48) -> int:
    """Layout pixels to a pixel of a picture, so that a picture is near `target` pixels large and never smoothed."""
    return max(1, round(target / max(height, width)))


def tile(pictures: NDArray[np.uint8], columns: int, rows: int, scale: int, gap: int) -> NDArray[np.uint8]:
    """Pictures [n, height, width, 3] on a mat as a grid, each pixel a square of `scale` pixels."""
    _, height, width, _ = pictures.shape
    tall, wide = height * scale + gap, width * scale + gap
    sheet = np.empty((rows * tall + gap, columns * wide + gap, 3), np.uint8)
    sheet[:] = MAT
    for place, picture in enumerate(pictures[: rows * columns]):
        top, left = gap + place // columns * tall, gap + place % columns * wide
        large = picture.repeat(scale, axis=0).repeat(scale, axis=1)
        sheet[top : top + height * scale, left : left + width * scale] = large
    return sheet


def grid_of(schema: Schema) -> tuple[int, int]:
    """(columns, rows) of the grid of pictures in one panel."""
    assert schema.image is not None
    height, width, _ = schema.image
    scale = scale_of(height, width)
    count = [max(1, min(10, (SIDE - 5) // (side * scale + 5))) for side in (width, height)]
    return count[0], count[1]


def _images(schema: Schema, real: Any, drawn: Any, names: tuple[str, str]) -> Canvas:
    assert schema.image is not None
    height, width, _ = schema.image
    columns, rows = grid_of(schema)
    rows = max(1, min(rows, -(-min(len(block_of(real)), len(block_of(drawn))) // columns)))
    scale, (low, high) = scale_of(height, width), bits_of(real)
    wide, tall = columns * (width * scale + 5) + 5, rows * (height * scale + 5) + 5
    side = max(wide, 220)
    canvas = Canvas(2 * MARGIN + 2 * side + 2 * GAP, 56 + tall + MARGIN)
    for place, (raw, name) in enumerate(zip((real, drawn), names, strict=True)):
        left = MARGIN + place * (side + 2 * GAP)
        canvas.text(left, 22, name, fontsize=10, fontweight="bold", color=MODEL if place else INK)
        sheet = tile(images_of(schema, raw, low, high), columns, rows, SHARP * scale, SHARP * 5)
        canvas.pixels(left, 52, sheet)
    return canvas


def _text(real: list[str], drawn: list[str], names: tuple[str, str]) -> Canvas:
    columns = []
    for lines in (real, drawn):
        wrapped = [textwrap.wrap(line, 56, drop_whitespace=False) or [""] for line in lines]
        columns.append(wrapped[:12])
    heights = [sum(18 * len(block) + 10 for block in column) for column in columns]
    canvas = Canvas(2 * MARGIN + 2 * SIDE + GAP, 60 + max(40, *heights) + 14)
    for place, (column, name) in enumerate(zip(columns, names, strict=True)):
        x, y = MARGIN + place * (SIDE + GAP), 60.0
        canvas.text(x, 22, name, fontsize=10, fontweight="bold", color=MODEL if place else INK)
        for block in column:
            for line in block:
                canvas.text(x + 10, y, line, family="DejaVu Sans Mono", fontsize=8)
                y += 18
            y += 10
    return canvas


def frame_of(points: NDArray[Any], spread: float = 0.12) -> Frame:
    """(left, right, bottom, top) of a box that holds nearly all points, with a margin; not too long, nor too tall."""
    known = [finite(points[:, axis]) for axis in (0, 1)]
    if not all(axis.size for axis in known):
        return (-1.0, 1.0, -1.0, 1.0)
    ranges = [np.quantile(axis, [0.002, 0.998]) for axis in known]
    widest = max(float(high - low) for low, high in ranges) or 1.0
    edges: list[float] = []
    for low, high in ranges:
        half = max(float(high - low) / 2 + spread * widest, 0.4 * widest)
        edges += [float(low + high) / 2 - half, float(low + high) / 2 + half]
    return (edges[0], edges[1], edges[2], edges[3])


def shape_of(frame: Frame) -> float:
    """Height by width of a frame."""
    return (frame[3] - frame[2]) / (frame[1] - frame[0])


def _plane(
    schema: Schema, real: NDArray[Any], drawn: NDArray[Any], names: tuple[str, str], density: Density | None
) -> Canvas:
    panels = 2 if density is None else 3
    frame = frame_of(real) if density is None else density.extent
    side = 430 if panels == 2 else 288
    tall = side * shape_of(frame)
    canvas = Canvas(2 * MARGIN + 24 + panels * side + (panels - 1) * 28, round(tall) + 104)
    labels = [seen.name for seen in columns_of(schema, real)]
    for place, (points, name, colour) in enumerate(zip((real, drawn), names, (INK, MODEL), strict=True)):
        x = MARGIN + 24 + place * (side + 28)
        axes = canvas.axes(x, 50, side, tall)
        canvas.text(x, 20, name, fontsize=10, fontweight="bold", color=colour)
        size = float(np.clip(2500 / max(1, len(points)), 2, 12))
        axes.scatter(points[:, 0], points[:, 1], s=size, color=MODEL if place else QUIET, alpha=0.6, linewidths=0)
        inside = _inside(points, frame)
        if inside < len(points):
            canvas.text(
                x + side - 4, 54, f"{len(points) - inside} of {len(points):,} lie outside", color=QUIET, ha="right"
            )
        _settle(axes, frame, labels, left=place == 0)
    if density is not None:
        x = MARGIN + 24 + 2 * (side + 28)
        axes = canvas.axes(x, 50, side, tall)
        canvas.text(x, 20, "density of the model", fontsize=10, fontweight="bold", color=MODEL)
        log_prob = np.nan_to_num(np.asarray(density.log_prob, np.float64), nan=-np.inf, neginf=-np.inf, posinf=700)
        heat = np.exp(log_prob - log_prob.max()) if np.isfinite(log_prob.max()) else np.zeros_like(log_prob)
        top = float(np.quantile(heat[heat > 1e-3], 0.98)) if np.any(heat > 1e-3) else 1.0
        axes.imshow(heat, cmap=BLUES, vmin=0, vmax=top, extent=density.extent, origin="lower", interpolation="bilinear")
        _settle(axes, frame, labels, left=False)
    return canvas


def _inside(points: NDArray[Any], frame: Frame) -> int:
    left, right, bottom, top = frame
    x, y = points[:, 0], points[:, 1]
    return int(np.sum((x >= left) & (x <= right) & (y >= bottom) & (y <= top)))


def _settle(axes: Any, frame: Frame, labels: list[str], *, left: bool) -> None:
    axes.set_aspect("equal")
    axes.set_xlim(frame[0], frame[1])
    axes.set_ylim(frame[2], frame[3])
    axes.set_xlabel(labels[0])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(RULE)
    axes.locator_params(nbins=5)
    if left:
        axes.set_ylabel(labels[1])
    else:
        axes.tick_params(labelleft=False)
