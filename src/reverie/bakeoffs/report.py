"""The report of a bake-off: one page with the ranking and pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.bakeoffs.reading import on_kinds, on_noise, on_samples, usable
from reverie.bakeoffs.tables import data_table, likelihood_of, name_of, pairs_table, ranking_table, sample_table
from reverie.data import Dataset
from reverie.estimate import Estimate
from reverie.learners import LEARNERS
from reverie.runs.files import write_whole
from reverie.runs.page import (
    Html,
    badge,
    code,
    joined,
    page,
    paragraph,
    picture,
    section,
    tag,
    value_and_error,
    warning,
)
from reverie.runs.record import class_of
from reverie.runs.report import as_seen, draws_of, samples_of, shown_rows
from reverie.runs.run import Run
from reverie.version import __version__

if TYPE_CHECKING:
    from reverie.bakeoffs.contest import Bakeoff, Entry

RANKING_FILE, SAMPLES_FILE = "ranking.png", "samples.png"
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
    real = as_seen(dataset, rows)
    drawn = [
        (f"{rank}  {name}", run.sample(draws_of(run), seed=run.seed))
        for rank, (name, run) in enumerate(zip(names, runs, strict=True), 1)
        if run is not None
    ]
    samples = pictures.draw_gallery(dataset.schema, real, drawn, name=called, mask=rows.mask)
    texts = {}
    if pictures.view_of(dataset.schema) == "text":
        texts = {who: pictures.lines_of(dataset.schema, raw)[:3] for who, raw in [(called, real), *drawn]}
    write_whole(page.with_name(RANKING_FILE), ranking)
    write_whole(page.with_name(SAMPLES_FILE), samples)
    write_whole(page, page_of(result, runs, dataset, page, ranking, samples, texts))


def page_of(
    result: "Bakeoff",
    runs: Sequence[Run | None],
    dataset: Dataset,
    where: Path,
    ranking: bytes,
    samples: bytes,
    texts: Mapping[str, list[str]],
) -> str:
    """The page."""
    entries = result.ranking
    names, likelihoods = [name_of(entry) for entry in entries], [likelihood_of(entry) for entry in entries]
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
        section("Samples", *samples_of(samples, texts, called)),
        section("The pairs", pairs_table(entries, runs)),
        section("Data", data_table(dataset)),
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


def _legend(entries: Sequence["Entry"]) -> str:
    beyond = "A pair far below the others is named at the edge of the picture."
    return f"Bars reach two standard errors to either side; the shape of a point says its kind. {beyond}"


def _reading(names: Sequence[str], likelihoods: Sequence[Estimate | None], figures: Sequence[Any]) -> Html:
    noise = on_noise(names, likelihoods)
    said = [*noise, *on_kinds(names, likelihoods), *on_samples(names, figures)]
    caution = [paragraph(CAUTION, cls="quiet")] if noise else []
    return joined([tag("ul", *(tag("li", one) for one in said)), *caution])


def _use(entries: Sequence["Entry"], runs: Sequence[Run | None]) -> list[Html]:
    first = next((entry for entry, run in zip(entries, runs, strict=True) if run is not None), None)
    if first is None:
        return [paragraph("No pair was fitted.")]
    lines = f"import reverie as rv\nrun = rv.load_run({first.run!r})\nrun.sample(64)"
    return [paragraph("Each pair has a run folder. The best of them, for instance:"), code(lines)]
