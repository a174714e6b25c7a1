"""`curves.png`: what a run said as it learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from reverie.runs.pictures.canvas import ACCENT, INK, MODEL, PAPER, QUIET, RULE, WHEEL, Canvas, styled
from reverie.runs.pictures.series import LIKELIHOODS, Panel, Series, panels_of, series_of, validations_of, word_of

ACROSS = 4


def draw_curves(
    lines: Sequence[dict[str, Any]], *, kept: int | None = None, correction: float = 0.0, kind: str = ""
) -> bytes:
    """The main objective with the validation estimates, and small panels for the other figures.

    Args:
        lines: of `metrics.jsonl`.
        kept: the step whose parameters were kept.
        correction: what turns training likelihoods into likelihoods of raw rows, so that the two can be compared.
        kind: of the validation estimates.
    """
    said, held = series_of(lines), validations_of(lines)
    moved = {name: one._replace(values=one.values + correction) for name, one in said.items() if name in LIKELIHOODS}
    said |= moved
    main = next((name for name in LIKELIHOODS if name in said), None)
    panels = panels_of({name: series for name, series in said.items() if name != main})
    rows = -(-len(panels) // ACROSS)
    top = 386 if main is not None or len(held) else 48
    with styled():
        canvas = Canvas(1000, top + max(rows * 168, 40))
        if top > 48:
            axes = canvas.axes(76, 66, 888, 262)
            training = None if main is None else (main, said[main])
            _main(canvas, axes, training, held, kept, kind)
            _seconds(axes, lines)
        else:
            words = (
                "No likelihood was computed as this pair learned." if panels else "The run said nothing as it learned."
            )
            canvas.text(36, 14, words, color=QUIET)
        for place, panel in enumerate(panels):
            x, y = 36 + place % ACROSS * 240, top + 30 + place // ACROSS * 168
            _small(canvas.axes(x + 40, y, 176, 96), panel, kept)
        return canvas.png()


def _main(
    canvas: Canvas,
    axes: Axes,
    training: tuple[str, Series] | None,
    held: NDArray[np.float64],
    kept: int | None,
    kind: str,
) -> None:
    seen: list[NDArray[np.float64]] = []
    x = canvas.phrase(76, 20, "log-likelihood, nats a row", fontsize=10, fontweight="bold", color=INK) + 28
    if training is not None:
        name, series = training
        axes.plot(series.steps, series.values, color=MODEL, linewidth=1.4)
        seen.append(series.values)
        x = canvas.phrase(x, 20, f"— {word_of(name)} on the training rows", color=MODEL) + 24
    good = held[np.isfinite(held[:, 1])]
    if len(good):
        steps, value, se = good.T
        se = np.nan_to_num(se)
        axes.fill_between(steps, value - se, value + se, color=ACCENT, alpha=0.18, linewidth=0)
        axes.plot(steps, value, color=ACCENT, linewidth=1.2, marker="o", markersize=3)
        seen.append(value)
        words = "● validation rows ± one standard error" + (f" ({kind})" if kind else "")
        canvas.phrase(x, 20, words, color=ACCENT)
    if seen:
        _limits(axes, seen, good)
    failed = held[~np.isfinite(held[:, 1])]
    if len(failed):
        bottom = axes.get_ylim()[0]
        axes.plot(failed[:, 0], np.full(len(failed), bottom), "x", color=ACCENT, markersize=5, clip_on=False)
        axes.text(0.01, 0.05, f"× {len(failed)} failed estimates", transform=axes.transAxes, color=ACCENT)
    if kept is not None and seen:
        _mark(axes, kept, good)
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel("steps")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step:,.0f}"))
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.margins(x=0.01)


def _limits(axes: Axes, seen: list[NDArray[np.float64]], good: NDArray[np.float64]) -> None:
    """Limits that leave out the first fall, which would press all the rest against the top."""
    values = np.concatenate(seen)
    low, high = float(np.quantile(values, 0.06)), float(values.max())
    if len(good):
        best = int(np.argmax(good[:, 1]))
        se = float(np.nan_to_num(good[best, 2]))
        low, high = min(low, good[best, 1] - 3 * se), max(high, good[best, 1] + 1.5 * se)
    pad = 0.08 * (high - low) or max(1e-3, 0.05 * abs(high))
    axes.set_ylim(low - pad, high + pad)


def _mark(axes: Axes, kept: int, good: NDArray[np.float64]) -> None:
    """The step whose parameters were kept."""
    axes.axvline(kept, color=INK, linewidth=0.9, linestyle=(0, (3, 3)))
    here = good[good[:, 0] == kept]
    if len(here):
        axes.plot(here[:, 0], here[:, 1], "o", markersize=7.5, color=ACCENT, markeredgecolor=PAPER, markeredgewidth=1)
    left, right = axes.get_xlim()
    late = kept > (left + right) / 2
    axes.annotate(
        f"step {kept:,} is kept",
        (kept, 0.05),
        xycoords=("data", "axes fraction"),
        xytext=(-6 if late else 6, 0),
        textcoords="offset points",
        ha="right" if late else "left",
        color=INK,
    )


def _seconds(axes: Axes, lines: Sequence[dict[str, Any]]) -> None:
    """Seconds of training along the top."""
    clock = [(line["step"], line["seconds"]) for line in lines if isinstance(line.get("seconds"), int | float)]
    if len(clock) < 2:
        return
    steps, seconds = np.array(clock, np.float64).T
    order = np.argsort(seconds, kind="stable")
    left, right = axes.get_xlim()
    places: list[float] = []
    words = []
    for tick in MaxNLocator(8).tick_values(seconds.min(), seconds.max()):
        place = float(np.interp(tick, seconds[order], steps[order]))
        apart = not places or place - places[-1] > 0.06 * (right - left)
        if seconds.min() <= tick <= seconds.max() and apart:
            places.append(place)
            words.append(f"{tick:g} s")
    above = axes.twiny()
    above.set_xlim(left, right)
    above.set_xticks(places, words)
    above.tick_params(length=3)
    above.spines["top"].set_visible(True)


def _spans_decades(curves: list[NDArray[np.float64]]) -> bool:
    values = np.concatenate(curves)
    return bool(values.min() > 0 and values.max() > 20 * values.min())


def _small(axes: Axes, panel: Panel, kept: int | None) -> None:
    for place, (name, series) in enumerate(panel.curves):
        colour = WHEEL[place % len(WHEEL)]
        axes.plot(series.steps, series.values, color=colour, linewidth=1.1)
        if len(panel.curves) > 1:
            below = panel.title != ""
            words = name if below else f"— {name}"
            x, y = (0.98, 0.93 - 0.14 * place) if below else (0.0, 1.19 - 0.13 * place)
            box = {"facecolor": PAPER, "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
            side = "right" if below else "left"
            axes.text(x, y, words, transform=axes.transAxes, ha=side, va="top", color=colour, fontsize=7, bbox=box)
    axes.set_title(panel.title)
    if panel.logarithmic and _spans_decades([series.values for _, series in panel.curves]):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        values = np.concatenate([series.values for _, series in panel.curves])
        low, high = np.quantile(values, [0.0, 1.0] if len(panel.curves) > 1 else [0.02, 0.98])
        pad = 0.1 * (high - low) or max(1e-6, 0.05 * abs(high), 0.05)
        axes.set_ylim(low - pad, high + pad)
        axes.yaxis.set_major_locator(MaxNLocator(4))
    if kept is not None:
        axes.axvline(kept, color=INK, linewidth=0.7, linestyle=(0, (3, 3)))
    axes.margins(x=0.01)
    axes.grid(axis="y", color=RULE, linewidth=0.5)
    axes.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: f"{step / 1000:g}k" if step >= 1000 else f"{step:g}"))
