"""The tables of a bake-off's page."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from reverie.bakeoffs.reading import usable
from reverie.data import Dataset
from reverie.estimate import Estimate, failed
from reverie.learners import LEARNERS
from reverie.runs.page import (
    Content,
    Html,
    badge,
    digits_for,
    facts,
    joined,
    number,
    paragraph,
    table,
    tag,
    value_and_error,
)
from reverie.runs.record import class_of, unit_words
from reverie.runs.report import REPORT_FILE
from reverie.runs.run import Run
from reverie.runs.wording import seconds_of

if TYPE_CHECKING:
    from reverie.bakeoffs.contest import Entry

THOUSANDTHS = 1e3


def likelihood_of(entry: "Entry") -> Estimate | None:
    """The likelihood that an entry is ranked by: a failed one where the pair failed."""
    return entry.log_likelihood if entry.failed is None else failed(entry.failed)


def name_of(entry: "Entry") -> str:
    """A pair in pictures and sentences."""
    return f"{entry.model}\u00a0·\u00a0{entry.learner}"


def ranking_table(entries: Sequence["Entry"], dataset: Dataset, where: Path) -> Html:
    """Every entry with all of its figures."""
    image = dataset.spec.image
    digits = common_digits([entry.log_likelihood for entry in entries])
    headings: list[Content] = ["", "model", "learner", "log-likelihood,\nnats a row", "kind"]
    headings += [] if image is None else ["bits/dim"]
    headings += ["MMD²\n× 1000", "p", "told\napart, %", "seconds", "parameters", ""]
    rows = []
    for rank, entry in enumerate(entries, 1):
        estimate = entry.log_likelihood
        cells: list[Content] = [str(rank) if entry.failed is None else "—", entry.model, entry.learner]
        cells.append(_failed(entry) if entry.failed is not None else value_and_error(estimate, digits))
        cells.append("" if estimate is None or entry.failed is not None else badge(estimate))
        if image is not None:
            good = estimate is not None and usable(estimate) and entry.failed is None
            cells.append(
                value_and_error(estimate.bits_per_dim(int(np.prod(image))), 3) if good and estimate else _none()
            )
        cells += _two_sample_cells(entry)
        cells += [f"{entry.seconds:,.1f}", f"{entry.parameters:,}", _link(entry, where)]
        rows.append(cells)
    return table([_lines(heading) for heading in headings], rows, words=(1, 2, 4))


def _failed(entry: "Entry") -> Html:
    return tag("span", "failed", cls="failed", title=entry.failed or "")


def _none() -> Html:
    return tag("span", "—", cls="none")


def _lines(heading: Content) -> Html:
    return joined(str(heading).split("\n"), "<br>")


def _two_sample_cells(entry: "Entry") -> list[Content]:
    found = entry.two_sample
    if found is None:
        return [_none(), _none(), _none()]
    mmd2, accuracy = found.mmd2.scaled(THOUSANDTHS, "× 10⁻³"), found.accuracy.scaled(100.0, "%")
    p = number(found.p_value, 3) if math.isfinite(found.p_value) else _none()
    return [value_and_error(mmd2, 1), p, value_and_error(accuracy, 1)]


def _link(entry: "Entry", where: Path) -> Html:
    """A link to the run's report, or to its folder where there is none."""
    folder = Path(entry.run)
    target = folder / REPORT_FILE if (folder / REPORT_FILE).is_file() else folder
    if not target.exists():
        return Html("")
    relative = Path(os.path.relpath(target, where.parent)).as_posix()
    return tag("a", "run", href=quote(relative) + ("" if target.is_file() else "/"))


def common_digits(estimates: Sequence[Estimate | None]) -> int:
    """Digits after the point that serve a column, so that its numbers stand under each other."""
    errors = [one.se for one in estimates if one is not None and usable(one) and one.se > 0]
    return min(3, digits_for(min(errors))) if errors else 2


def sample_table(entries: Sequence["Entry"]) -> Html:
    """All entries with draws, the nearest to the held-out rows first."""
    known = [
        (entry.two_sample.mmd2.value, rank, entry)
        for rank, entry in enumerate(entries, 1)
        if entry.two_sample is not None and usable(entry.two_sample.mmd2)
    ]
    known.sort(key=lambda one: one[:2])
    headings = ["", "model", "learner", "MMD² × 1000", "p", "told apart, %", "rank by likelihood"]
    rows: list[list[Content]] = []
    for place, (_, rank, entry) in enumerate(known, 1):
        likely = str(rank) if usable(entry.log_likelihood) and entry.failed is None else _none()
        rows.append([str(place), entry.model, entry.learner, *_two_sample_cells(entry), likely])
    return table(headings, rows, words=(1, 2)) if rows else paragraph("No pair has a two-sample figure.")


def pairs_table(entries: Sequence["Entry"], runs: Sequence[Run | None]) -> Html:
    """What each pair was made of, and how its run ended."""
    rows = []
    for entry, run in zip(entries, runs, strict=True):
        name = name_of(entry)
        if run is None:
            rows.append((name, joined([tag("span", "failed", cls="failed"), f": {entry.failed}"])))
            continue
        units = [unit_words(class_of(role, unit.name), unit.options) for role, unit in run.config.parts.items()]
        units.append(unit_words(LEARNERS[entry.learner].__name__, run.config.learner.options))
        kept = f"step {run.result.best_step:,} of {run.step:,} kept, in {seconds_of(run.seconds)}: {run.result.why}"
        rows.append((name, joined([*units, kept], "\n")))
    return facts(rows)


def data_table(dataset: Dataset) -> Html:
    """The data in a few lines."""
    rows = {"train": len(dataset.train), "valid": len(dataset.valid), "test": len(dataset.test)}
    return facts(
        [
            ("name", dataset.name),
            ("rows", ", ".join(f"{count:,} {name}" for name, count in rows.items())),
            ("columns", dataset.schema.describe()),
            ("the models see", f"{dataset.spec.size:,} {dataset.spec.kind} columns"),
            ("likelihoods are of", dataset.measure.reference),
            ("fingerprint", tag("span", dataset.fingerprint, cls="mono")),
        ]
    )
