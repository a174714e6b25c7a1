"""`ranking.png`: the figures of a bake-off as points with error bars."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes

from reverie.estimate import Estimate
from reverie.runs.pictures.canvas import ACCENT, INK, MODEL, PAPER, QUIET, RULE, Canvas, shortened, styled

MARKERS = {
    "exact": ("o", MODEL),
    "unbiased": ("D", MODEL),
    "consistent": ("D", PAPER),
    "lower bound": (">", MODEL),
    "upper bound": ("<", MODEL),
    "optimistic": ("<", PAPER),
    "pessimistic": (">", PAPER),
    "approximate": ("s", PAPER),
}
"""A triangle points to where the truth lies; it is empty where that holds on average only."""

READING = {
    "exact": "exact",
    "unbiased": "unbiased",
    "consistent": "consistent: right in the limit of many steps",
    "lower bound": "lower bound: the truth lies to the right",
    "upper bound": "upper bound: the truth lies to the left",
    "optimistic": "optimistic: the truth is likely to lie to the left",
    "pessimistic": "pessimistic: the truth is likely to lie to the right",
    "approximate": "approximate: a bound less a bound, the truth may lie on either side",
}
BARS = 2
"""Standard errors to either side."""
ROW = 30


class Place(NamedTuple):
    """One row of the picture."""

    name: str
    log_likelihood: Estimate | None
    mmd2: Estimate | None


def draw_ranking(places: Sequence[Place], unit: str = "nats a row") -> bytes:
    """Log-likelihoods on the left, the two-sample figure on the right, one row a pair in the order given."""
    tall = ROW * len(places)
    kinds = [
        kind for kind in MARKERS if any(p.log_likelihood is not None and p.log_likelihood.kind == kind for p in places)
    ]
    with styled():
        canvas = Canvas(1000, 62 + tall + 58 + 20 * len(kinds))
        names = [shortened(place.name, 30) for place in places]
        left = canvas.axes(220, 56, 440, tall)
        right = canvas.axes(700, 56, 264, tall)
        canvas.text(220, 20, f"held-out log-likelihood, {unit} →", fontweight="bold", fontsize=9)
        canvas.text(700, 20, "← distance of the draws (MMD²)", fontweight="bold", fontsize=9)
        _likelihoods(left, [place.log_likelihood for place in places])
        _distances(right, [place.mmd2 for place in places])
        for axes in (left, right):
            axes.set_ylim(len(places) - 0.5, -0.5)
            axes.set_yticks(range(len(places)), names if axes is left else [])
            axes.tick_params(axis="y", length=0, labelsize=8.5, labelcolor=INK)
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x", color=RULE, linewidth=0.6)
            axes.hlines(
                range(len(places)), *axes.get_xlim(), color=RULE, linewidth=0.5, linestyle=(0, (1, 3)), zorder=0
            )
            axes.set_axisbelow(True)
        _key(canvas, 62 + tall + 40, kinds)
        return canvas.png()


def _key(canvas: Canvas, y: float, kinds: Sequence[str]) -> None:
    plate = canvas.plate()
    for place, kind in enumerate(kinds):
        marker, fill = MARKERS[kind]
        plate.plot([228], [y + 6 + 20 * place], marker, color=MODEL, markerfacecolor=fill, markersize=6)
        canvas.text(242, y + 20 * place, READING[kind], color=QUIET)
    canvas.text(964, y, f"bars: ± {BARS} standard errors", color=QUIET, ha="right")


def _reach(ends: list[float], start: float) -> float:
    """How far an axis from `start` goes: to the nearer half of the ends, and on as long as the next is not far off.

    One pair far from the others would press all differences that matter into a corner; it is named at the edge instead.
    """
    ordered = sorted(ends, key=lambda end: abs(end - start))
    nearer = (len(ordered) + 1) // 2
    last = ordered[nearer - 1]
    for end in ordered[nearer:]:
        if abs(end - start) > 3 * abs(last - start):
            break
        last = end
    return last


def _bar(one: Estimate) -> float:
    return BARS * one.se if np.isfinite(one.se) else 0.0


def _likelihoods(axes: Axes, estimates: list[Estimate | None]) -> None:
    known = [one for one in estimates if one is not None and not one.failed and np.isfinite(one.value)]
    high = max((one.value + _bar(one) for one in known), default=1.0)
    low = _reach([one.value - _bar(one) for one in known], high) if known else 0.0
    pad = 0.06 * (high - low) or 0.5
    low, high = low - pad, high + pad
    for row, one in enumerate(estimates):
        if one is None or one.failed or not np.isfinite(one.value):
            words = "no likelihood" if one is None else "failed"
            axes.text(low, row, f"  {words}", color=QUIET if one is None else ACCENT, va="center", style="italic")
        elif one.value < low:
            words = f"◂ {one.value:,.2f}".replace("-", "−")
            axes.text(low + 0.01 * (high - low), row, words, color=MODEL, va="center")
        else:
            marker, fill = MARKERS.get(one.kind, ("s", MODEL))
            _point(axes, row, one, marker, fill)
    axes.set_xlim(low, high)
    if not known:
        axes.set_xticks([])
    axes.locator_params(axis="x", nbins=6)


def _distances(axes: Axes, estimates: list[Estimate | None]) -> None:
    known = [one for one in estimates if one is not None and not one.failed and np.isfinite(one.value)]
    low = min([0.0, *(one.value - _bar(one) for one in known)])
    high = max(_reach([one.value + _bar(one) for one in known], low), 1e-9) if known else 1.0
    for row, one in enumerate(estimates):
        if one is None or one.failed or not np.isfinite(one.value):
            axes.text(0, row, "  no figure" if one is None else "  failed", color=QUIET, va="center", style="italic")
        elif one.value > high:
            axes.text(high, row, f"{one.value:.3g} ▸", color=MODEL, va="center", ha="right")
        else:
            _point(axes, row, one, "o", MODEL)
    axes.set_xlim(low - 0.05 * (high - low), high * 1.06)
    axes.axvline(0, color=QUIET, linewidth=0.8)
    axes.locator_params(axis="x", nbins=5)


def _point(axes: Any, row: int, one: Estimate, marker: str, fill: str) -> None:
    bar = _bar(one)
    axes.plot([one.value - bar, one.value + bar], [row, row], color=MODEL, linewidth=1.4, alpha=0.7)
    axes.plot([one.value], [row], marker, color=MODEL, markerfacecolor=fill, markersize=7, markeredgewidth=1.3)
