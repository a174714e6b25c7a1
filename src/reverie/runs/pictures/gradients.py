"""`gradients.png`: what the directions of learners are like, part by part."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from reverie.evaluation.gradient_statistics import CERTAIN, GradientStatistics, PartStatistics
from reverie.runs.pictures.canvas import ACCENT, INK, MODEL, PAPER, QUIET, RULE, Canvas, shortened, styled

ROW, HEAD, FOOT = 26, 44, 34
COLUMNS: tuple[tuple[str, Callable[[PartStatistics], float | None], bool], ...] = (
    ("bias", lambda one: one.bias, True),
    ("standard deviation", lambda one: one.variance**0.5, True),
    ("cosine to the reference", lambda one: one.cosine, False),
    ("signal to noise", lambda one: one.snr, True),
)
LEFT, WIDE, GAP = 250, 168, 30


def draw_gradients(found: GradientStatistics) -> bytes:
    """One band a part, one row a learner, one column a figure."""
    parts = list(dict.fromkeys(one.part for one in found.table))
    bands = [[one for one in found.table if one.part == part] for part in parts]
    tall = sum(HEAD + ROW * len(band) + FOOT for band in bands)
    with styled():
        canvas = Canvas(LEFT + 4 * WIDE + 3 * GAP + 36, 40 + tall + 30)
        of = f"{found.draws:,} directions over {found.rows:,} row{'s' if found.rows != 1 else ''}"
        against = f"all against {found.reference}" if found.reference else "each against its own target"
        canvas.text(24, 14, f"{of}, {against}", color=QUIET)
        top = 40
        for part, band in zip(parts, bands, strict=True):
            canvas.text(24, top + 14, part, fontsize=10, fontweight="bold")
            for place, (title, figure, logarithmic) in enumerate(COLUMNS):
                x = LEFT + place * (WIDE + GAP)
                canvas.text(x, top + 16, title, fontweight="bold")
                axes = canvas.axes(x, top + HEAD, WIDE, ROW * len(band))
                _column(axes, band, figure, logarithmic=logarithmic, biases=place == 0)
                if place == 0:
                    axes.set_yticks(range(len(band)), [_label(one) for one in band])
            top += HEAD + ROW * len(band) + FOOT
        words = (
            f"a bias is filled where it is {CERTAIN:.0f} standard errors from none, else hollow at what noise allows; "
            "dashed: the length of what it is compared with"
        )
        canvas.text(24, top + 4, words, color=QUIET)
        return canvas.png()


def _label(one: PartStatistics) -> str:
    """A learner and what it estimates."""
    return shortened(one.learner, 34 - len(one.target or "")) + (f" → {one.target}" if one.target else "")


def _column(
    axes: Axes,
    band: Sequence[PartStatistics],
    figure: Callable[[PartStatistics], float | None],
    *,
    logarithmic: bool,
    biases: bool,
) -> None:
    """Points of one figure; beside biases the lengths of what they are measured from."""
    lengths = [one.length if biases else None for one in band]
    shown = [_shown(one, figure(one), biases=biases) for one in band]
    known = [value for value in (*lengths, *(value for value, _ in shown)) if value is not None]
    known = [value for value in known if np.isfinite(value) and (value > 0 or not logarithmic)]
    if logarithmic:
        axes.set_xscale("log")
        low, high = (min(known), max(known)) if known else (0.1, 1.0)
        low, high = low / 1.8, high * 1.8
        if high < 12 * low:
            low, high = low / 2, high * 2
        narrow = high < 100 * low
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0) if narrow else (1.0,), numticks=5))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        low, high = min([0.0, *known]) - 0.05, 1.05
    axes.set_xlim(low, high)
    for row, (value, certain) in enumerate(shown):
        if value is None:
            if biases:
                axes.text(low, row, f" {band[row].verdict}", color=QUIET, ha="left", va="center", fontsize=7)
            continue
        if not np.isfinite(value):
            axes.text(high, row, "no noise ▸", color=MODEL, ha="right", va="center", fontsize=7)
        elif logarithmic and value <= 0:
            axes.text(low, row, " none", color=QUIET, ha="left", va="center", fontsize=7)
        else:
            colour = ACCENT if biases and certain else MODEL
            axes.plot([value], [row], "o", color=colour, markerfacecolor=colour if certain else PAPER, markersize=6)
    for row, length in enumerate(lengths):
        if length:
            axes.plot([length] * 2, [row - 0.5, row + 0.5], color=INK, linewidth=0.9, linestyle=(0, (3, 3)), zorder=0)
    axes.set_ylim(len(band) - 0.5, -0.5)
    axes.set_yticks(range(len(band)), [""] * len(band))
    axes.tick_params(axis="y", length=0, labelsize=8, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="both", color=RULE, linewidth=0.5)
    axes.set_axisbelow(True)


def _shown(one: PartStatistics, value: float | None, *, biases: bool) -> tuple[float | None, bool]:
    """Where a point stands, and whether it is certain: a bias that may be none stands at what noise allows."""
    if not biases or value is None or one.bias_se is None or one.bias_errors is None:
        return value, True
    return (value, True) if one.bias_errors >= CERTAIN else (value + one.bias_se, False)
