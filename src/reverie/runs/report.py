"""The report of a run: pictures and one page that needs no network."""

from typing import Any

import jax
import numpy as np

from reverie import noise
from reverie.capabilities import HasLogProb
from reverie.data import Dataset, Rows, to_model_rows
from reverie.evaluation import to_raw
from reverie.learners import LEARNERS
from reverie.pairing import REGISTRIES
from reverie.parts import Optimiser
from reverie.runs import again, metrics
from reverie.runs.files import write_whole
from reverie.runs.page import Html, code, facts, joined, page, paragraph, picture, section, tag
from reverie.runs.run import Run
from reverie.runs.wording import ending, headline, several, warnings_of

SAMPLES_FILE, CURVES_FILE, REPORT_FILE = "samples.png", "curves.png", "report.html"
METRICS_FILE = "metrics.jsonl"
DRAWS = {"images": 100, "text": 10, "plane": 1000, "table": 1000}
"""How many rows and draws a picture shows."""
GRID = 72
"""Points to a side of a density's heat map."""
CORRECTED = 2000
"""Training rows over which the measure's correction is averaged."""


def write_report(run: Run, dataset: Dataset) -> None:
    """Write samples.png, curves.png and report.html into the run folder."""
    # matplotlib takes a while to import, and `import reverie.runs` need not wait for it
    from reverie.runs import pictures

    view = pictures.view_of(run.schema)
    rows, called = shown_rows(dataset, view)
    real, drawn = as_seen(dataset, rows), run.sample(draws_of(run), seed=run.seed)
    density = None
    if view == "plane" and isinstance(run.parts["model"], HasLogProb) and not run.measure.bound:
        density = _density(run, pictures.frame_of(real))
    names = (called, "samples of the model")
    samples = pictures.draw_samples(run.schema, real, drawn, names=names, mask=rows.mask, density=density)
    lines = list(metrics.read(run.path / METRICS_FILE))
    kind = next((said["kind"] for line in reversed(lines) if (said := line.get("validation"))), "")
    curves = pictures.draw_curves(lines, kept=run.result.best_step, correction=correction_of(dataset), kind=kind)
    texts = pictures.lines_of(run.schema, drawn) if view == "text" else []
    write_whole(run.path / SAMPLES_FILE, samples)
    write_whole(run.path / CURVES_FILE, curves)
    write_whole(run.path / REPORT_FILE, page_of(run, dataset, samples, curves, called, texts))


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
    across, up = (np.linspace(a, b, GRID, endpoint=False) + (b - a) / GRID / 2 for a, b in ((left, right), (bottom, top)))
    points = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(np.float32)
    scores = run.score(Rows(points, None, None, np.arange(len(points))), seed=run.seed)
    return Density(frame, scores.values.reshape(GRID, GRID))


def page_of(run: Run, dataset: Dataset, samples: bytes, curves: bytes, called: str, texts: list[str]) -> str:
    """The page."""
    config, result = run.config, run.result
    estimate, image = result.log_likelihood, run.spec.image
    bits = None if estimate is None or image is None else estimate.bits_per_dim(int(np.prod(image)))
    which = "test" if len(dataset.test) else "validation"
    count = len(dataset.test) or len(dataset.valid)
    model, learner = class_of("model", run.model), LEARNERS[run.learner].__name__
    return page(
        f"{model} by {learner} on {config.data.name}",
        f"Reverie {config.versions.get('reverie', '')} · one run · {config.created}",
        warnings_of(estimate),
        headline(estimate, bits, f"{count:,} {which} rows"),
        tag("div", ending(result.status, result.why, result.step, result.best_step, result.seconds), cls="ended"),
        section("Samples", picture(samples, f"{called} beside samples of the model", _caption(called)), *_texts(texts)),
        section("Training", picture(curves, "training curves", _curves_caption())),
        section("Settings", settings_table(run)),
        section("Data", data_table(run), *_notes(run)),
        section("Made with", facts({**config.versions, "device": config.device})),
        section("Once more, or further", *_again(run)),
    )


def class_of(role: str, name: str) -> str:
    """The class behind a name in the registry."""
    return REGISTRIES[role][name].__name__


def _caption(called: str) -> str:
    return f"What the model learned from, as it saw it ({called}), and what it draws. The draws are not chosen."


def _curves_caption() -> str:
    return (
        "The training figure is the mean over the steps since the last report, by the parameters of that moment; "
        "validation rows were not learned from. Where the two part, the model has begun to learn its rows by heart."
    )


def _texts(texts: list[str]) -> list[Html]:
    return [tag("h3", "Generated text"), code("\n".join(texts))] if texts else []


def settings_table(run: Run) -> Html:
    """Parts, learner, optimisers and the rest."""
    config = run.config
    learner = config.make_learner()
    found: list[tuple[str, str | Html]] = []
    for role, unit in config.parts.items():
        found.append((role, unit_words(class_of(role, unit.name), unit.options)))
    found.append(("learner", unit_words(LEARNERS[config.learner.name].__name__, config.learner.options)))
    found.append(("reference", learner.reference))
    for part, optimiser in config.optimisers.items():
        found.append((f"optimiser of {part}", optimiser_words(optimiser)))
    patience = "never stops early" if config.patience is None else f"stops after {config.patience} validations without a gain"
    found += [
        ("parameters", f"{run.parameters:,}"),
        ("batch", f"{config.batch:,} rows"),
        ("budget", budget_words(config.steps, config.seconds)),
        ("validation", f"every {config.validate_every:,} steps; {patience}"),
        ("moving average", "none" if config.average is None else f"decay {config.average:g}"),
        ("seed", str(config.seed)),
        ("random numbers", config.prng),
    ]
    if run.result.log_normaliser is not None:
        found.append(("log normaliser", several(run.result.log_normaliser)))
    return facts(found)


def unit_words(name: str, options: dict[str, Any]) -> Html:
    """A unit and its options."""
    listed = ", ".join(f"{key} {_plain(value)}" for key, value in options.items())
    return joined([tag("strong", name), f": {listed}" if listed else ""])


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " × ".join(map(str, value)) or "none"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def optimiser_words(optimiser: Optimiser) -> str:
    """An optimiser in a few words."""
    words = [f"{optimiser.name}, rate {optimiser.rate:g}, {optimiser.schedule}"]
    words += [f"warm-up {optimiser.warmup:,} steps"] if optimiser.warmup else []
    words += [f"halved at step {optimiser.half:,}"] if optimiser.schedule == "robbins-monro" else []
    words += [f"clipped to length {optimiser.clip:g}"] if optimiser.clip is not None else []
    words += [f"momentum {optimiser.momentum:g}"] if optimiser.momentum is not None else []
    words += [f"weight decay {optimiser.decay:g}"] if optimiser.name == "adamw" else []
    return ", ".join(words)


def budget_words(steps: int | None, seconds: float | None) -> str:
    """When a run was to end."""
    ends = [] if steps is None else [f"{steps:,} steps"]
    ends += [] if seconds is None else [f"{seconds:,.4g} seconds"]
    return " or ".join(ends) or "none"


def data_table(run: Run) -> Html:
    """The data in a few lines."""
    record = run.config.data
    rows = ", ".join(f"{count:,} {name}" for name, count in record.rows.items())
    return facts(
        [
            ("name", record.name),
            ("rows", rows),
            ("columns", record.schema.describe()),
            ("the model sees", f"{record.spec.size:,} {record.spec.kind} columns"),
            ("likelihoods are of", run.measure.reference),
            ("fingerprint", tag("span", record.fingerprint, cls="mono")),
        ]
    )


def _notes(run: Run) -> list[Html]:
    return [paragraph("Likelihoods may be compared with those of other runs only where “likelihoods are of” says the same, "
                      "on the same rows.", cls="quiet")]  # fmt: skip


def _again(run: Run) -> list[Html]:
    config, step = run.config, run.result.step
    command = again.command(config, step)
    further, lines = again.go_on(run.path, config, step)
    timed = config.steps is None
    note = "This run was ended by the clock, so how far the same command comes depends on the machine; here it ends at the same step." if timed else (
        "The same versions on the same kind of device give the same numbers.")  # fmt: skip
    return [
        paragraph("To make it again:"),
        *([code(command)] if command is not None else []),
        code(again.python(config, step)),
        paragraph(note, cls="quiet"),
        paragraph("To use it, and to go on with it:"),
        code(further),
        code(lines),
    ]
