"""What a report shows of the chains of a model: where they go over time, their potential, and whether they mix."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from numpy.typing import NDArray

from reverie import noise
from reverie.capabilities import ConditionsOnClass, HasPotential, MarginalOf, Samplable
from reverie.data import Dataset, to_model_rows
from reverie.evaluation import Mixing, mixing, to_raw
from reverie.evaluation.mixing import HIGHEST
from reverie.runs.page import Html, facts, number, paragraph, picture, table, tag, warning
from reverie.runs.run import Run

SCATTERED, FEW = 64, 8
"""Chains whose points are shown in a plane, and of other rows."""
ROWS = 500
"""Rows of the data whose potential is shown."""
COLUMNS, LINES = 8, 3
"""Columns of a table that are written out, and chains whose rows are."""
BENEATH = (
    "Every chain begins at the model's own start. Chains that mix forget it: their traces cannot be told from each "
    "other, and R-hat is near 1. The potential of the data is shown where rows of the model have one; a good model's "
    "chains come to the same level."
)


class Chains(NamedTuple):
    """Chains, their picture, and rows in words (a line for each time) where they are neither pictures nor points."""

    found: Mixing
    png: bytes
    headings: tuple[str, ...] = ()
    lines: tuple[tuple[str, ...], ...] = ()


def chains_of(run: Run, dataset: Dataset) -> Chains | None:
    """The chains of a model that is drawn from by chains; `None` for others."""
    from reverie.runs.pictures import draw_chains, view_of

    model = run.parts["model"]
    if isinstance(model, Samplable | ConditionsOnClass):
        return None
    view = view_of(run.schema)
    found = mixing(model, noise.make_key(run.seed, run.config.prng), chains=SCATTERED if view == "plane" else FEW)
    if found is None:
        return None
    raw = [to_raw(run.measure, jax.tree.map(lambda leaf, t=t: leaf[t], found.rows)) for t in range(len(found.times))]
    held = dataset.test if len(dataset.test) else dataset.valid if len(dataset.valid) else dataset.train
    x = to_model_rows(run.measure, held[:ROWS].raw)
    png = draw_chains(run.schema, found, raw, to_raw(run.measure, x), _potentials(model, x))
    if view in ("images", "plane"):
        return Chains(found, png)
    return Chains(found, png, *_written(run, found, raw))


def _potentials(model: Any, x: Any) -> NDArray[np.float64] | None:
    if isinstance(model, MarginalOf) or not isinstance(model, HasPotential):
        return None
    found = eqx.filter_jit(lambda model, x: jax.vmap(model.potential)(x))(model, x)
    return np.asarray(found, np.float64)


def _written(run: Run, found: Mixing, raw: list[Any]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Headings, and a line for each chain and time."""
    frames = [run.schema.frame(one) for one in raw]
    names = list(frames[0])[:COLUMNS]
    lines = []
    for chain in range(LINES):
        for time, frame in zip(found.times, frames, strict=True):
            values = [frame[name][chain] for name in names]
            lines.append((str(chain + 1), f"{time:,}", *map(_word, values)))
    return ("chain", "moves", *names), tuple(lines)


def _word(value: Any) -> str:
    return number(float(value)) if isinstance(value, float | np.floating) else str(value).replace("\n", "⏎")


def blocks_of(chains: Chains) -> list[Html]:
    """The alarm where it cannot be missed, the picture, rows in words, and the figures."""
    found = chains.found
    alarm = [warning(paragraph(tag("strong", found.alarm)), paragraph(ADVICE))] if found.alarm else []
    draws = found.potentials.shape[0] * (found.potentials.shape[1] - found.potentials.shape[1] // 2)
    figures = {
        "kernel": found.kernel,
        "chains": f"{found.potentials.shape[0]} of {found.potentials.shape[1] - 1:,} moves each",
        "acceptance": "nothing is refused" if found.acceptance is None else f"{100 * found.acceptance:.0f} %",
        "R-hat of the potential": f"{_r_hat(found.r_hat)} (beyond {HIGHEST} chains do not mix)",
        "R-hat of the worst column": "no column varies" if found.r_hat_column is None else _r_hat(found.r_hat_column),
        "effective draws of the potential": f"{found.ess:,.0f} of {draws:,} in the second half",
    }
    written = [table(chains.headings, chains.lines, range(len(chains.headings)))] if chains.lines else []
    return [*alarm, picture(chains.png, "chains of the model over time", BENEATH), *written, facts(figures)]


def _r_hat(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "infinite: chains are stuck at different values"


ADVICE = (
    "Samples and figures that rest on draws of this model are doubtful. A smaller learning rate towards the end, more "
    "moves a step, or chains at several temperatures (the learner tempered-pcd) keep the chains of a model mobile."
)
