"""The report of a run: pictures and one page that needs no network."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from reverie import noise
from reverie.capabilities import Decodes, HasLogProb, SplitsColumns
from reverie.data import Dataset, Rows, to_model_rows
from reverie.estimate import Estimate
from reverie.evaluation import Collapse, bounds, collapse, to_raw, uncoded
from reverie.evaluation.shares import LEAST
from reverie.learners import LEARNERS
from reverie.runs import metrics
from reverie.runs.chains import Chains, blocks_of, chains_of
from reverie.runs.files import write_whole
from reverie.runs.page import (
    Content,
    Html,
    badge,
    code,
    facts,
    joined,
    page,
    paragraph,
    picture,
    section,
    tag,
    value_and_error,
    warning,
)
from reverie.runs.record import SAME, class_of, data_table, once_more, settings_table
from reverie.runs.run import Run
from reverie.runs.wording import ending, headline, in_a_table, seconds_of, warnings_of, when

SAMPLES_FILE, CURVES_FILE, REPORT_FILE = "samples.png", "curves.png", "report.html"
RECODED_FILE = "reconstructions.png"
CODES_FILE, CHAINS_FILE = "codes.png", "chains.png"
METRICS_FILE = "metrics.jsonl"
DRAWS = {"images": 100, "text": 10, "plane": 1000, "table": 1000}
"""How many rows and draws a picture shows."""
BENEATH_CODES = (
    "A latent variable is active where the mean of its posterior moves with the row. One that is not says nothing of "
    "it, and costs nothing."
)
BENEATH_RECODED = (
    "Below each row is what its code keeps of it: the middle of p(x | h) at the middle of q(h | x), of bits and "
    "categories the likeliest."
)
CHANCE = "Its samples are the first that came, not chosen."
GRID = 72
"""Points to a side of a density's heat map."""
RECODED = {"images": 60, "text": 3, "plane": 1000, "table": 1000}
"""How many rows are shown with their reconstructions."""
CODED = 500
"""Rows whose codes are read."""
CORRECTED = 2000
"""Training rows over which the measure's correction is averaged."""


class Pictures(NamedTuple):
    """What a page shows: the files, what to say beneath them, and rows and draws of text by their names.

    `codes` is what is said of latent variables, and its picture; `None` where there are none. `chains` likewise, and
    `recoded`, rows above what their codes keep of them.
    """

    samples: bytes
    curves: bytes
    beneath_samples: str
    beneath_curves: str
    texts: dict[str, list[str]]
    codes: tuple[Collapse, bytes] | None = None
    chains: Chains | None = None
    recoded: bytes | None = None


def write_report(run: Run, dataset: Dataset) -> None:
    """Write samples.png, curves.png and report.html into the run folder."""
    drawn = draw(run, dataset)
    write_whole(run.path / SAMPLES_FILE, drawn.samples)
    write_whole(run.path / CURVES_FILE, drawn.curves)
    if drawn.codes is not None:
        write_whole(run.path / CODES_FILE, drawn.codes[1])
    if drawn.recoded is not None:
        write_whole(run.path / RECODED_FILE, drawn.recoded)
    if drawn.chains is not None:
        write_whole(run.path / CHAINS_FILE, drawn.chains.png)
    write_whole(run.path / REPORT_FILE, page_of(run, dataset, drawn))


def draw(run: Run, dataset: Dataset) -> Pictures:
    """The pictures of a run."""
    # matplotlib takes a while to import, and `import reverie.runs` need not wait for it
    from reverie.runs import pictures

    view = pictures.view_of(run.schema)
    rows, called = shown_rows(dataset, view)
    model = run.parts["model"]
    tells = isinstance(model, SplitsColumns)
    real = as_seen(dataset, rows)
    drawn = run.retold(rows, how="sample", seed=run.seed) if tells else run.sample(draws_of(run), seed=run.seed)
    density = None
    if view == "plane" and isinstance(model, HasLogProb) and not run.measure.bound:
        density = _density(run, pictures.frame_of(real))
    lines = list(metrics.read(run.path / METRICS_FILE))
    kind = next((said["kind"] for line in reversed(lines) if (said := line.get("validation"))), "")
    trained = any(name in line.get("info", {}) for name in pictures.LIKELIHOODS for line in lines)
    names = (called, "the same rows, retold" if tells else "samples of the model")
    told = f"The others are the same rows; drawn is {model.told_words}." if tells else CHANCE
    return Pictures(
        pictures.draw_samples(run.schema, real, drawn, names=names, mask=rows.mask, density=density),
        pictures.draw_curves(
            lines, kept=run.result.best_step, correction=0.0 if tells else correction_of(dataset), kind=kind
        ),
        f"The {called} are shown as the model sees them. {told}",
        beneath_curves(kind, reported=bool(lines), trained=trained),
        {name: pictures.lines_of(run.schema, raw) for name, raw in zip(names, (real, drawn), strict=True)}
        if view == "text"
        else {},
        draw_codes_of(run, dataset),
        chains_of(run, dataset),
        draw_recoded(run, dataset, rows[: RECODED[view]], called),
    )


def draw_recoded(run: Run, dataset: Dataset, rows: Rows, called: str) -> bytes | None:
    """Rows above what their codes keep of them; `None` for a run without codes, and where values are missing."""
    from reverie.runs.pictures import draw_gallery

    if uncoded(run.parts) is not None or not isinstance(run.parts["model"], Decodes) or rows.mask is not None:
        return None
    kept = run.reconstruct(rows, seed=run.seed)
    return draw_gallery(run.schema, as_seen(dataset, rows), [("reconstructions", kept)], name=called)


def draw_codes_of(run: Run, dataset: Dataset) -> tuple[Collapse, bytes] | None:
    """What the codes of the rows say of them, and its picture; `None` for a run without codes."""
    from reverie.runs.pictures import draw_codes

    rows = shown_rows(dataset, "table")[0][:CODED]
    if len(rows) < 2:
        return None
    key = noise.make_key(run.seed, run.config.prng)
    found = collapse(run.parts, run.measure, rows.raw, key, seed=run.seed)
    if found is None:
        return None
    return found, draw_codes(found, bounds(run.parts, run.measure, rows.raw, key))


def beneath_curves(kind: str, *, reported: bool, trained: bool) -> str:
    """What a reader of the curves should know; `kind` is that of the validation estimates, if there are any."""
    said = "Each point is the mean over the steps since the one before. " if reported else ""
    if not kind:
        return said
    gap = "; where the curves part, the model has begun to learn its rows by heart" if trained else ""
    tightness = " The two may be bounds of different tightness." if trained and kind == "lower bound" else ""
    return f"{said}Validation rows were not learned from{gap}.{tightness}"


def shown_rows(dataset: Dataset, view: str) -> tuple[Rows, str]:
    """Rows that the model did not learn from, if there are any, and what to call them."""
    rows, called = dataset.test, "held-out rows"
    if not len(rows):
        rows, called = (dataset.valid, "validation rows") if len(dataset.valid) else (dataset.train, "training rows")
    return rows[: DRAWS[view]], called


def draws_of(run: Run) -> int:
    """How many draws its picture wants."""
    from reverie.runs.pictures import grid_of, view_of

    view = view_of(run.schema)
    return int(np.prod(grid_of(run.schema))) if view == "images" else DRAWS[view]


def as_seen(dataset: Dataset, rows: Rows, seed: int = 0) -> Any:
    """Rows as the model sees them, back in raw space: bits where it sees bits."""
    return to_raw(dataset.measure, to_model_rows(dataset.measure, rows.raw, seed))


def correction_of(dataset: Dataset) -> float:
    """The mean of what makes a likelihood of the model's rows one of raw rows, over the training rows."""
    rows, measure = dataset.train[:CORRECTED], dataset.measure
    keys = jax.random.split(noise.make_key(0), len(rows))
    found = jax.jit(jax.vmap(measure.log_density_correction))(keys, rows.raw)
    mean = float(np.mean(np.asarray(found, np.float64)))
    return mean if np.isfinite(mean) else 0.0


def _density(run: Run, frame: tuple[float, float, float, float]) -> Any:
    from reverie.runs.pictures import Density

    left, right, bottom, top = frame
    middles = (np.arange(GRID) + 0.5) / GRID
    across, up = left + (right - left) * middles, bottom + (top - bottom) * middles
    points = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    scores = run.score(Rows(points, None, None, np.arange(len(points))), seed=run.seed)
    return Density(frame, scores.values.reshape(GRID, GRID))


def page_of(run: Run, dataset: Dataset, drawn: Pictures) -> str:
    """The page."""
    config, result = run.config, run.result
    estimate, image = result.log_likelihood, run.spec.image
    bits = None if estimate is None or image is None else estimate.bits_per_dim(int(np.prod(image)))
    which = "test" if len(dataset.test) else "validation"
    count = len(dataset.test) or len(dataset.valid)
    versions = ", ".join(f"{name} {one}" for name, one in config.versions.items())
    model, learner = class_of("model", run.model), LEARNERS[run.learner].__name__
    return page(
        f"{model} by {learner} on {config.data.name}",
        f"Reverie {config.versions.get('reverie', '')} · {when(config.created)}",
        warnings_of(estimate),
        headline(estimate, bits, f"{count:,} {which} rows" if count else "", _beside(run, bits)),
        tag("div", ending(result.status, result.why, result.step, result.best_step, result.seconds), cls="ended"),
        section("Samples", *samples_of(drawn.samples, drawn.texts, drawn.beneath_samples)),
        *([] if drawn.codes is None else [section("Codes", *codes_of(*drawn.codes), *recoded_of(drawn))]),
        *([] if drawn.chains is None else [section("Chains", *blocks_of(drawn.chains))]),
        section("Training", picture(drawn.curves, "training curves", drawn.beneath_curves)),
        section("Settings", settings_table(run)),
        section("Data", data_table(run), paragraph(SAME, cls="quiet")),
        section("Made with", paragraph(f"{versions}; on {config.device}.")),
        section("Once more, or further", *once_more(run)),
    )


def _beside(run: Run, bits: Estimate | None) -> list[tuple[str, Content]]:
    found: list[tuple[str, Content]] = []
    if bits is not None and not bits.failed:
        found.append(("bits per dimension", joined([value_and_error(bits), " ", badge(bits)])))
    found += [
        ("parameters", f"{run.parameters:,}"),
        ("training", f"{run.step:,} steps in {seconds_of(run.seconds)}"),
        ("rows to learn from", f"{run.config.data.rows.get('train', 0):,}"),
    ]
    return found


def codes_of(found: Collapse, png: bytes) -> list[Html]:
    """What the codes say of their rows, with the alarm where it cannot be missed."""
    alarm = []
    if found.alarm:
        tried = [tag("li", _with_code(one)) for one in found.advice]
        alarm = [warning(paragraph(tag("strong", found.alarm)), paragraph("What to try:"), tag("ul", *tried))]
    figures = {
        "active latent variables": f"{found.active} of {found.size}",
        "divergence of q(h | x) from the prior": found.divergence,
        **_by_block(found),
        "what its own code is worth to a row": found.worth,
        "mutual information of row and code": found.information,
        "the same, from above": found.information_above,
        "distance of all codes from the prior, in nats": found.aggregate,
        "the same, as a discrepancy of draws": found.mmd2,
    }
    rows = {name: one if isinstance(one, str) else in_a_table(one) for name, one in figures.items() if one is not None}
    notes = [paragraph(f"{note[:1].upper()}{note[1:]}.", cls="quiet") for note in found.notes]
    return [*alarm, picture(png, "what the latent variables say of their rows", BENEATH_CODES), facts(rows), *notes]


def recoded_of(drawn: Pictures) -> list[Html]:
    """The picture of rows and their reconstructions, where there is one."""
    png = drawn.recoded
    return [] if png is None else [picture(png, "rows and their reconstructions", BENEATH_RECODED)]


def _by_block(found: Collapse) -> dict[str, Any]:
    """What each block has in the divergence, where there are several, and how many variables have none."""
    blocks = found.blocks or ()
    rows: dict[str, Any] = {
        f"divergence of block {place}, {one.name}": one.divergence
        for place, one in enumerate(blocks, 1)
        if len(blocks) > 1
    }
    told = [value for one in blocks for value in one.each or ()]
    if told:
        few = sum(value < LEAST for value in told)
        rows[f"latent variables with less than {LEAST:g} nats of it"] = f"{few} of {len(told)}"
    return rows


def _with_code(words: str) -> Html:
    """Words with what stands between backticks as code."""
    return joined(tag("code", piece) if place % 2 else piece for place, piece in enumerate(words.split("`")))


def samples_of(png: bytes, texts: Mapping[str, list[str]], beneath: str) -> list[Html]:
    """The picture of rows and draws, or, where they are text, the text itself."""
    if not texts:
        return [picture(png, "rows and samples", beneath)]
    written = [part for name, lines in texts.items() for part in (tag("h3", name), code("\n".join(lines)))]
    return [*written, paragraph(beneath, cls="quiet")]
