"""`codes.png`: what each latent variable says of its row, and the bound as codes grow in number."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from reverie.estimate import Estimate
from reverie.evaluation import Bounds, Collapse
from reverie.evaluation.collapse import ACTIVE
from reverie.runs.pictures.canvas import (
    ACCENT,
    DATA,
    INK,
    MODEL,
    PAPER,
    QUIET,
    RULE,
    Canvas,
    legend,
    shortened,
    styled,
)

LEAST = 1e-2
"""The top of an axis, at least: what is nothing shall look like nothing."""
TOP, TALL = 70, 210


def draw_codes(found: Collapse, bounds: Bounds | None) -> bytes:
    """Latent variables by size and as a histogram, and the importance-weighted curve where there is one."""
    split, active = _parted(found)
    values = np.array(found.activity, np.float64) if split is None else split
    what, unit = ("divergence", "nats") if split is not None else ("activity", "variance")
    blocks = _blocks(found)
    with styled():
        canvas = Canvas(1000, TOP + TALL + 56 + (22 if blocks else 0))
        if blocks:
            canvas.text(76, TOP + TALL + 46, blocks, color=QUIET)
        of = "each latent variable" if values.size == found.size else f"{values.size} of {found.size} latent variables"
        canvas.text(76, 16, f"{what} of {of}, {unit}", fontsize=9, fontweight="bold")
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


def _parted(found: Collapse) -> tuple[NDArray[np.float64] | None, NDArray[np.bool_]]:
    """The divergences of the variables that have one each, if any do, and which of those shown are active."""
    active = np.array(found.activity, np.float64) > ACTIVE
    blocks = found.blocks or ()
    told = np.concatenate([np.full(one.size, one.each is not None) for one in blocks]) if blocks else np.zeros(0, bool)
    if not told.any():
        return None, active
    return np.array([value for one in blocks for value in one.each or ()], np.float64), active[told]


def _blocks(found: Collapse) -> str:
    """What each block has in the divergence, where the bars do not say it."""
    blocks = found.blocks or ()
    if len(blocks) < 2 and found.divergences is not None:
        return ""
    said = [f"block {place} ({one.name}) {one.divergence.value:.3g}" for place, one in enumerate(blocks, 1)]
    return shortened(f"divergence in nats: {', '.join(said)}".replace(" -", " −"), 180) if said else ""


def _bars(axes: Axes, values: NDArray[np.float64], active: NDArray[np.bool_]) -> None:
    order = np.argsort(-values, kind="stable")
    colours = [MODEL if active[place] else DATA for place in order]
    axes.bar(np.arange(values.size), values[order], width=0.82 if values.size < 120 else 1.0, color=colours)
    axes.set_xlim(-0.8, values.size - 0.2)
    axes.set_ylim(min(0.0, float(values.min(initial=0.0)) * 1.06), max(float(values.max(initial=0.0)) * 1.06, LEAST))
    axes.set_xlabel("latent variables, the largest first")
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{place + 1:.0f}"))
    axes.grid(axis="y", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)


def _histogram(axes: Axes, values: NDArray[np.float64], active: NDArray[np.bool_], unit: str) -> None:
    high = max(float(values.max(initial=0.0)), LEAST)
    low = min(0.0, float(values.min(initial=0.0)) * 1.0001)
    edges = np.linspace(low, high * 1.0001, int(np.clip(2 * np.sqrt(values.size), 6, 24)) + 1)
    counts = [np.histogram(values[some], edges)[0] for some in (~active, active)]
    width = edges[1] - edges[0]
    axes.bar(edges[:-1], counts[0], width=width, align="edge", color=DATA, edgecolor=PAPER, linewidth=0.6)
    axes.bar(edges[:-1], counts[1], width=width, align="edge", color=MODEL, edgecolor=PAPER, bottom=counts[0], lw=0.6)
    axes.set_xlim(low, edges[-1])
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
