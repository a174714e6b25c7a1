"""The report of a bake-off: one page with the ranking and pictures."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from reverie.bakeoffs.reading import on_kinds, on_noise, on_samples, usable
from reverie.data import Dataset
from reverie.estimate import Estimate, failed
from reverie.learners import LEARNERS
from reverie.runs.files import write_whole
from reverie.runs.page import (
    Content,
    Html,
    badge,
    code,
    digits_for,
    facts,
    joined,
    number,
    page,
    paragraph,
    picture,
    section,
    table,
    tag,
    value_and_error,
    warning,
)
from reverie.runs.record import class_of, unit_words
from reverie.runs.report import REPORT_FILE, as_seen, draws_of, shown_rows
from reverie.runs.run import Run
from reverie.runs.wording import seconds_of
from reverie.version import __version__

if TYPE_CHECKING:
    from reverie.bakeoffs.contest import Bakeoff, Entry

RANKING_FILE, SAMPLES_FILE = "ranking.png", "samples.png"
THOUSANDTHS = 1e3

CAUTION = (
    "All pairs are scored on the same rows, but their errors are treated here as independent, so that the error of a "
    "difference is, if anything, too large: what is called more than noise is more than noise."
)
TWO_SAMPLES = (
    "MMD² is a squared distance between the model's draws and held-out rows: 0 where the two cannot be told apart, and "
    "below 0 by chance only. The p-value is how often it would be as large if they were the same. “Told apart” is how "
    "often a nearest neighbour says rightly which is which: 50 % is a guess. These figures need draws only, so they "
    "rank every pair; they see less than a likelihood does, and a model that repeats its training rows does well in "
    "them."
)


def write_bakeoff_report(result: "Bakeoff", runs: Sequence[Run | None], dataset: Dataset, page: Path) -> None:
    """Write the page, and ranking.png and samples.png beside it.

    Args:
        result: the ranking.
        runs: the run of each entry, in the order of the ranking; `None` where it failed.
        dataset: what they learned from.
        page: the page's file.
    """
    # matplotlib takes a while to import, and `import reverie.bakeoffs` need not wait for it
    from reverie.runs import pictures

    names = [name_of(entry) for entry in result.ranking]
    places = [
        pictures.Place(name, likelihood_of(entry), None if entry.two_sample is None else entry.two_sample.mmd2)
        for name, entry in zip(names, result.ranking, strict=True)
    ]
    ranking = pictures.draw_ranking(places)
    rows, called = shown_rows(dataset, pictures.view_of(dataset.schema))
    drawn = [
        (f"{rank}  {name}", run.sample(draws_of(run), seed=run.seed))
        for rank, (name, run) in enumerate(zip(names, runs, strict=True), 1)
        if run is not None
    ]
    samples = pictures.draw_gallery(dataset.schema, as_seen(dataset, rows), drawn, name=called, mask=rows.mask)
    texts = []
    if pictures.view_of(dataset.schema) == "text":
        texts = [(name, pictures.lines_of(dataset.schema, raw)[:3]) for name, raw in drawn]
    write_whole(page.with_name(RANKING_FILE), ranking)
    write_whole(page.with_name(SAMPLES_FILE), samples)
    write_whole(page, page_of(result, runs, dataset, page, ranking, samples, texts))


def likelihood_of(entry: "Entry") -> Estimate | None:
    """The likelihood that an entry is ranked by: a failed one where the pair failed."""
    return entry.log_likelihood if entry.failed is None else failed(entry.failed)


def name_of(entry: "Entry") -> str:
    """A pair in pictures and sentences."""
    return f"{entry.model}\u00a0·\u00a0{entry.learner}"


def page_of(
    result: "Bakeoff",
    runs: Sequence[Run | None],
    dataset: Dataset,
    where: Path,
    ranking: bytes,
    samples: bytes,
    texts: Sequence[tuple[str, list[str]]],
) -> str:
    """The page."""
    entries = result.ranking
    names, likelihoods = [name_of(entry) for entry in entries], [likelihood_of(entry) for entry in entries]
    written = [part for name, lines in texts for part in (tag("h3", name), code("\n".join(lines)))]
    called = "Draws of every pair beneath held-out rows, as the models see them; the first that came, not chosen."
    return page(
        f"Bake-off on {dataset.name}",
        f"Reverie {__version__} · {len(entries)} pairs of a model and a learner",
        _leader(result),
        _interrupted(runs),
        _failures(entries),
        _warnings(entries),
        section(
            "Ranking by held-out likelihood",
            ranking_table(entries, dataset, where),
            picture(ranking, "log-likelihoods and distances of all pairs, with error bars", _legend(entries)),
        ),
        section("How to read it", _reading(names, likelihoods, [entry.two_sample for entry in entries])),
        section("Ranking by samples", sample_table(entries), paragraph(TWO_SAMPLES, cls="quiet")),
        section("Samples", picture(samples, "draws of every pair beneath held-out rows", called), *written),
        section("The pairs", _pairs(entries, runs, where)),
        section("Data", _data(result, dataset)),
        section("To use one of them", *_use(entries, runs)),
    )


def _leader(result: "Bakeoff") -> Html:
    best = result.ranking[0]
    estimate = best.log_likelihood
    who = f"{class_of('model', best.model)} by {LEARNERS[best.learner].__name__}"
    if estimate is None or not usable(estimate):
        return Html("")
    unit = tag("span", " nats a row", cls="unit")
    return tag(
        "div",
        paragraph(f"highest held-out log-likelihood: {who}", cls="label"),
        paragraph(value_and_error(estimate), unit, badge(estimate), cls="value"),
        paragraph(f"Measured on {estimate.n:,} rows that no pair learned from; higher is better."),
        cls="headline",
    )


def _interrupted(runs: Sequence[Run | None]) -> Html:
    if not any(run is not None and run.status == "interrupted" for run in runs):
        return Html("")
    lead = "The bake-off was interrupted. "
    return warning(
        paragraph(tag("strong", lead), "The pair at hand was cut short, and those after it were not fitted.")
    )


def _failures(entries: Sequence["Entry"]) -> Html:
    broken = [(name_of(entry), entry.failed) for entry in entries if entry.failed is not None]
    if not broken:
        return Html("")
    lead = "One pair failed" if len(broken) == 1 else f"{len(broken)} pairs failed"
    return warning(
        paragraph(tag("strong", f"{lead} and cannot be ranked by likelihood.")),
        tag("ul", *(tag("li", tag("strong", name), f": {why}") for name, why in broken)),
    )


def _warnings(entries: Sequence["Entry"]) -> Html:
    said = [
        tag("li", tag("strong", name_of(entry)), f": {words}")
        for entry in entries
        if entry.failed is None
        for estimate in (entry.log_likelihood, *_figures(entry))
        if estimate is not None
        for words in estimate.warnings
    ]
    return warning(paragraph(tag("strong", "Read this first.")), tag("ul", *said)) if said else Html("")


def _figures(entry: "Entry") -> tuple[Estimate, ...]:
    return () if entry.two_sample is None else (entry.two_sample.mmd2, entry.two_sample.accuracy)


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


def _legend(entries: Sequence["Entry"]) -> str:
    beyond = "A pair far below the others is named at the edge of the picture."
    return f"Bars reach two standard errors to either side; the shape of a point says its kind. {beyond}"


def _reading(names: Sequence[str], likelihoods: Sequence[Estimate | None], figures: Sequence[Any]) -> Html:
    noise = on_noise(names, likelihoods)
    said = [*noise, *on_kinds(names, likelihoods), *on_samples(names, figures)]
    caution = [paragraph(CAUTION, cls="quiet")] if noise else []
    return joined([tag("ul", *(tag("li", one) for one in said)), *caution])


def _pairs(entries: Sequence["Entry"], runs: Sequence[Run | None], where: Path) -> Html:
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


def _data(result: "Bakeoff", dataset: Dataset) -> Html:
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


def _use(entries: Sequence["Entry"], runs: Sequence[Run | None]) -> list[Html]:
    first = next((entry for entry, run in zip(entries, runs, strict=True) if run is not None), None)
    if first is None:
        return [paragraph("No pair was fitted.")]
    lines = f"import reverie as rv\nrun = rv.load_run({first.run!r})\nrun.sample(64)"
    return [paragraph("Each pair has a run folder. The best of them, for instance:"), code(lines)]
