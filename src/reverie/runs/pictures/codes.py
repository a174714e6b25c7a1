"""`codes.png`: what each latent variable says of its row, and the bound as codes grow in number."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from reverie.estimate import Estimate
from reverie.evaluation import Bounds, Collapse
from reverie.evaluation.collapse import ACTIVE
from reverie.runs.pictures.canvas import ACCENT, DATA, INK, MODEL, PAPER, QUIET, RULE, Canvas, legend, styled

LEAST = 1e-2
"""The top of an axis, at least: what is nothing shall look like nothing."""
TOP, TALL = 70, 210


def draw_codes(found: Collapse, bounds: Bounds | None) -> bytes:
    """Latent variables by size and as a histogram, and the importance-weighted curve where there is one."""
    split = found.divergences is not None
    values = np.array(found.divergences if found.divergences is not None else found.activity, np.float64)
    active = np.array(found.activity, np.float64) > ACTIVE
    what, unit = ("divergence", "nats") if split else ("activity", "variance")
    with styled():
        canvas = Canvas(1000, TOP + TALL + 56)
        canvas.text(76, 16, f"{what} of each latent variable, {unit}", fontsize=9, fontweight="bold")
        legend(canvas, 76, 44, ((MODEL, f"{int(active.sum())} active"), (DATA, f"{int((~active).sum())} not")))
        _bars(canvas.axes(76, TOP, 330 if bounds else 520, TALL), values, active)
        left = 450 if bounds else 660
        canvas.text(left, 16, "how many have how much", fontsize=9, fontweight="bold")
        _histogram(canvas.axes(left, TOP, 190 if bounds else 304, TALL), values, active, unit)
        if bounds is not None:
            canvas.text(720, 16, "bound on the log-likelihood", fontsize=9, fontweight="bold")
            canvas.text(720, 34, "nats a row, with growing numbers of codes", color=QUIET)
            _curve(canvas.axes(720, TOP, 244, TALL), bounds.curve)
        return canvas.png()


def _bars(axes: Axes, values: NDArray[np.float64], active: NDArray[np.bool_]) -> None:
    order = np.argsort(-values, kind="stable")
    colours = [MODEL if active[place] else DATA for place in order]
    axes.bar(np.arange(values.size), values[order], width=0.82 if values.size < 120 else 1.0, color=colours)
    axes.set_xlim(-0.8, values.size - 0.2)
    axes.set_ylim(0.0, max(float(values.max(initial=0.0)) * 1.06, LEAST))
    axes.set_xlabel("latent variables, the largest first")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place + 1:.0f}"))
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def _histogram(axes: Axes, values: NDArray[np.float64], active: NDArray[np.bool_], unit: str) -> None:
    high = max(float(values.max(initial=0.0)), LEAST)
    edges = np.linspace(0.0, high * 1.0001, int(np.clip(2 * np.sqrt(values.size), 6, 24)) + 1)
    counts = [np.histogram(values[some], edges)[0] for some in (~active, active)]
    width = edges[1] - edges[0]
    axes.bar(edges[:-1], counts[0], width=width, align="edge", color=DATA, edgecolor=PAPER, linewidth=0.6)
    axes.bar(edges[:-1], counts[1], width=width, align="edge", color=MODEL, edgecolor=PAPER, bottom=counts[0], lw=0.6)
    axes.set_xlim(0.0, edges[-1])
    axes.set_xlabel(unit)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_locator(MaxNLocator(5))


def _curve(axes: Axes, curve: Sequence[tuple[int, Estimate]]) -> None:
    known = [(k, one) for k, one in curve if not one.failed]
    ks = np.array([k for k, _ in known], np.float64)
    value, se = (np.array([getattr(one, name) for _, one in known], np.float64) for name in ("value", "se"))
    axes.set_xscale("log")
    axes.fill_between(ks, value - se, value + se, color=MODEL, alpha=0.15, linewidth=0)
    axes.plot(ks, value, color=MODEL, marker="o", markersize=4.5, linewidth=1.3)
    doubtful = bool(known and known[-1][1].warnings)
    if doubtful:
        axes.plot(ks[-1:], value[-1:], "o", markersize=9, markerfacecolor="none", markeredgecolor=ACCENT)
    if known:
        axes.annotate("ELBO", (ks[0], value[0]), xytext=(8, -4), textcoords="offset points", color=INK)
        low, high = float((value - se).min()), float((value + se).max())
        pad = 0.1 * (high - low) or 0.5
        axes.set_ylim(low - pad, high + pad)
        axes.set_xticks(ks, [f"{k:,.0f}" for k in ks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("codes of a row" + (" (ringed: few have all the weight)" if doubtful else ""))
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
