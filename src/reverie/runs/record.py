"""What a run was made of, as tables and lines of a page: settings, data, and how to make it once more."""

from typing import Any

from reverie.learners import LEARNERS
from reverie.pairing import REGISTRIES
from reverie.parts import Optimiser
from reverie.runs import again
from reverie.runs.page import Html, code, facts, joined, paragraph, tag
from reverie.runs.run import Run
from reverie.runs.wording import in_a_table

SAME = (
    "Likelihoods may be compared with those of other runs only on the same rows, and where “likelihoods are of” says "
    "the same."
)
CLOCK = (
    "This run was ended by the clock. The lines above end at the same step instead; validations fall on other steps, "
    "so that another may be kept."
)
EQUAL = "The same versions on the same kind of device give the same numbers."


def class_of(role: str, name: str) -> str:
    """The class behind a name in the registry."""
    return REGISTRIES[role][name].__name__


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
    patience = (
        "never stops early" if config.patience is None else f"stops after {config.patience} validations without a gain"
    )
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
        found.append(("log normaliser", in_a_table(run.result.log_normaliser)))
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
            ("likelihoods are of", run.reference),
            ("fingerprint", tag("span", record.fingerprint, cls="mono")),
        ]
    )


def once_more(run: Run) -> list[Html]:
    """The command and the lines of Python that make a run again, use it, and go on with it."""
    config, step = run.config, run.result.step
    command = again.command(config, step)
    further, lines = again.go_on(run.path, config, step)
    return [
        paragraph("To make it again:"),
        *([code(command)] if command is not None else []),
        code(again.python(config, step)),
        paragraph(CLOCK if config.steps is None else EQUAL, cls="quiet"),
        paragraph("To go on with it, and to use it:"),
        code(further),
        code(lines),
    ]
