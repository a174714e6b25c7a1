"""Tables for people."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from reverie.cli.console import facts
from reverie.cli.words import count, counted, duration

if TYPE_CHECKING:
    from reverie.bakeoffs import Bakeoff
    from reverie.estimate import Estimate
    from reverie.evaluation import Bounds, Bracket, Collapse, Gap, Share
    from reverie.runs import Evaluation, Run, RunSummary
    from reverie.tasks import Separation

LARGEST = 5
"""Variables whose divergence is told."""
IMPLICIT = "none: the model gives none"


def minus(said: str) -> str:
    """A leading hyphen as a minus."""
    return "−" + said[1:] if said.startswith("-") else said


def short(estimate: "Estimate | None") -> str:
    """`−18.70 ± 0.12`, or why not."""
    if estimate is None:
        return "–"
    return (
        "failed"
        if estimate.failed
        else minus(f"{estimate.value:.3f} ± {estimate.se:.3f}" if isfinite(estimate.se) else f"{estimate.value:.3f}")
    )


def full(estimate: "Estimate | None", none: str = IMPLICIT) -> str:
    """An estimate with its unit, kind and rows, and its warnings below."""
    if estimate is None:
        return none
    if estimate.failed:
        return str(estimate)
    inside = [estimate.kind]
    inside += [counted(estimate.n, "row")] if estimate.n > 1 else []
    inside += [] if estimate.ess is None else [f"ESS {estimate.ess:.1f}"]
    said = f"{short(estimate)} {estimate.unit} ({', '.join(inside)})"
    return "\n".join([said, *(f"note: {warning}" for warning in estimate.warnings)])


def lined(*columns: str) -> Table:
    """A table with a header and no box; a column whose name begins with > leans to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    return table


def run_facts(run: "Run") -> Table:
    """A run that has come to an end."""
    rows = [
        ("run", str(run.path)),
        ("pair", f"{run.model} by {run.learner}, {counted(run.parameters, 'parameter')}"),
        ("steps", f"{count(run.step)} in {duration(run.seconds)}: {_standing(run)}"),
        ("log-likelihood", full(run.log_likelihood, untold(run))),
        ("measure", run.reference),
    ]
    return facts(rows + _report(run))


def untold(run: "Run") -> str:
    """What stands for a likelihood that a run does not have: who gives it, where annealing does."""
    from reverie.capabilities import ConditionsOnColumns
    from reverie.runs.bracketing import unbracketed

    model = run.parts["model"]
    if isinstance(model, ConditionsOnColumns) or unbracketed(model) is None:
        return f"none yet: reverie evaluate {run.path} --ais gives it"
    return IMPLICIT


def settings_facts(run: "Run") -> Table:
    """A run with all its settings."""
    config = run.config
    units = {**config.parts, "learner": config.learner}
    rows = [(role, f"{unit.name} {_options(unit.options)}".strip()) for role, unit in units.items()]
    end = [] if config.steps is None else [counted(config.steps, "step")]
    end += [] if config.seconds is None else [duration(config.seconds)]
    splits = ", ".join(f"{number:,} {split}" for split, number in config.data.rows.items())
    rows += [
        ("data", f"{config.data.name}: {splits} rows"),
        ("measure", run.reference),
        *((f"{role} moves by", f"{one.name} {one.rate:g}, {one.schedule}") for role, one in config.optimisers.items()),
        ("batch", count(config.batch)),
        ("budget", " or ".join(end)),
        ("seed", f"{config.seed} ({config.prng})"),
        ("created", f"{config.created} on {config.device}"),
        ("stands at", f"step {count(run.step)} after {duration(run.seconds)}: {_standing(run)}"),
        ("keeps", f"the parameters of step {count(run.result.best_step)}, {counted(run.parameters, 'number')}"),
        ("log-likelihood", full(run.log_likelihood)),
    ]
    return facts([("run", str(run.path)), *rows, *_report(run)])


def _standing(run: "Run") -> str:
    """How a run ended and why, where the one does not say the other."""
    status, why = run.status, run.result.why
    return status if why in ("", status) else f"{status}, {why}"


def _options(options: dict[str, object]) -> str:
    return " ".join(f"{name}={_plain(value)}" for name, value in options.items())


def _plain(value: object) -> str:
    return ",".join(map(str, value)) or "()" if isinstance(value, list | tuple) else str(value)


def _report(run: "Run") -> list[tuple[str, str]]:
    report = Path(run.path) / "report.html"
    return [("report", str(report))] if report.is_file() else []


def runs_table(runs: Sequence["RunSummary"], folder: Path) -> Table:
    """One line a run, named as seen from the folder."""
    table = lined("run", "pair", "data", ">steps", ">log-likelihood", "status")
    for run in runs:
        status, _, _ = run.status.partition(":")
        pair = f"{run.model} by {run.learner}" if run.model else "–"
        cells = (within(run.path, folder), pair, run.data or "–", count(run.step), short(run.log_likelihood))
        table.add_row(*map(Text, cells), Text(status, "" if status == "finished" else "yellow"))
    return table


def within(path: str, folder: Path) -> str:
    """A path as seen from a folder."""
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path


def bracket_words(ends: "Bracket") -> str:
    """Two bounds and how far they are apart, or why they say nothing."""
    words = f"{full(ends.lower)}\n{full(ends.upper)}"
    return f"{words}\n{full(ends.gap)}" if ends.gap.failed else f"{words}\n{short(ends.gap)} nats apart"


def evaluation_facts(found: "Evaluation") -> Table:
    """What a run is worth."""
    none = IMPLICIT if found.collapse is None else "none: the inference model gives no codes that can be weighed"
    rows = [("run", found.run), ("rows", count(found.rows)), ("log-likelihood", full(found.log_likelihood, none))]
    if found.bits_per_dim is not None:
        rows.append(("bits/dim", full(found.bits_per_dim)))
    if found.perplexity is not None:
        rows.append(("perplexity", full(found.perplexity)))
    rows.append(("measure", found.reference))
    if found.log_likelihood_given is not None:
        rows.append(("given the label", full(found.log_likelihood_given)))
    if found.accuracy is not None:
        told = found.accuracy.unit == "of told columns"
        what = f"told columns, in {counted(found.rows, 'row')}" if told else counted(found.accuracy.n, "labelled row")
        said = [f"{short(found.accuracy)} of {what}", *(f"note: {one}" for one in found.accuracy.warnings)]
        rows.append(("accuracy", "\n".join(said)))
    if found.log_normaliser is not None:
        rows.append(("log Z", full(found.log_normaliser)))
    if found.bracketed is not None:
        low, high = found.bracketed.with_lower, found.bracketed.with_upper
        several = len(found.bracketed.log_z) > 1
        for y, ends in enumerate(found.bracketed.log_z):
            rows.append((f"log Z of class {y}, bracket" if several else "log Z, bracket", bracket_words(ends)))
        rows.append(("log-likelihood, with each end", f"{full(low)}\n{full(high)}"))
    if found.learned_normaliser is not None:
        rows.append(("log Z, as learned", full(found.learned_normaliser)))
    if found.bounds is not None:
        rows += bound_facts(found.bounds, found.log_likelihood)
    if found.annealed is not None:
        how = "sum over codes" if found.annealed.kind == "exact" else "annealing"
        first = f", first {found.annealed.n}" if found.annealed.n < found.rows else ""
        rows.append((f"{how}{first}", full(found.annealed)))
    if found.bracket is not None:
        words = f"{short(found.bracket.lower)} to {short(found.bracket.upper)}, {short(found.bracket.gap)} nats apart"
        rows.append(("bracket on own draws", words))
    if found.gap is not None:
        rows += gap_facts(found.gap)
    if found.collapse is not None:
        rows += collapse_facts(found.collapse)
    if found.two_sample is not None:
        figures = two_sample_figures(found.two_sample.to_dict())
        rows += [(f"two-sample {name}", value) for name, value in figures.items()]
    return facts([*rows, *(("note", note) for note in found.notes)])


def separation_facts(found: "Separation") -> Table:
    """How well scores tell two sets of rows apart."""
    from reverie.estimate import mean_of

    means = [
        f"{counted(one.size, 'row')}, mean {short(mean_of(one, found.kind))} nats" for one in (found.own, found.other)
    ]
    what = f"log-likelihood ({found.kind})" if found.score == "log-likelihood" else "potential: log Z is left out"
    rows = [("score", what), ("these rows", means[0]), ("against", means[1]), ("ROC area", short(found.area))]
    if not found.area.failed and found.area.value < 0.5 - 2 * found.area.se:
        rows.append(("note", "the rows that should not belong are the likelier: this score does not tell outliers"))
    return facts(rows)


def bound_facts(found: "Bounds", shown: "Estimate | None") -> list[tuple[str, str]]:
    """The evidence lower bound and the curve above it, but for what is shown already."""
    terms = f"fit {short(found.fit)}, divergence {short(found.divergence)}"
    rows = [("ELBO", f"{short(found.elbo)} nats ({terms})")]
    for k, estimate in found.curve[1:]:
        if estimate == shown:
            continue
        ess = "" if estimate.ess is None else f" (ESS {estimate.ess:.1f})"
        rows.append((f"bound of {counted(k, 'code')}", f"{short(estimate)} nats{ess}"))
    return rows


def gap_facts(found: "Gap") -> list[tuple[str, str]]:
    """The inference gap and its parts."""
    rows = [
        (
            "inference gap",
            f"{short(found.inference)} nats (log-likelihood {short(found.log_likelihood)}, by {found.method})",
        )
    ]
    for family in found.families:
        parts = f"approximation {short(family.approximation)}, amortisation {short(family.amortisation)}"
        rows.append((f"  {family.name}", f"{parts} nats"))
    return rows + [("", f"note: {note}") for note in found.notes]


def collapse_facts(found: "Collapse") -> list[tuple[str, str]]:
    """What the codes say of their rows."""
    rows = [("posterior", f"{found.state}: {found.active} of {counted(found.size, 'latent variable')} active")]
    if found.divergence is not None:
        rows.append(("divergence from prior", full(found.divergence)))
    rows += share_facts(found.blocks or ())
    named = {
        "worth of a code": found.worth,
        "mutual information": found.information,
        "  from above": found.information_above,
        "aggregate from prior": found.aggregate,
    }
    rows += [(name, full(estimate)) for name, estimate in named.items() if estimate is not None]
    if found.mmd2 is not None:
        rows.append(("codes' mmd2", two_sample_figures({"mmd2": found.mmd2.to_dict()}).get("mmd2", "failed")))
    rows += [("alarm", found.alarm)] if found.alarm else []
    rows += [("  try" if place == 0 else "", f"- {one}") for place, one in enumerate(found.advice)]
    return rows + [("", f"note: {note}") for note in found.notes]


def share_facts(blocks: "Sequence[Share]") -> list[tuple[str, str]]:
    """What each block has in the divergence, where there are several, and its variables, the largest first."""
    from reverie.evaluation.shares import LEAST  # it needs jax, and tables are there before it is

    rows = []
    for place, block in enumerate(blocks, 1):
        if len(blocks) > 1:
            rows.append((f"  block {place}", f"{short(block.divergence)} nats, of {block.name}"))
        if block.each is not None and block.errors is not None and block.size > 1:
            largest = sorted(zip(block.each, block.errors, strict=True), reverse=True)[:LARGEST]
            said = ", ".join(minus(f"{value:.3f} ± {error:.3f}") for value, error in largest)
            more = " …" if block.size > LARGEST else ""
            rows.append(("  by variable", f"{said}{more}"))
            few = sum(value < LEAST for value in block.each)
            rows.append(("", f"{few} of {block.size} below {LEAST:g} nats"))
    return rows


def two_sample_figures(figures: dict[str, object]) -> dict[str, str]:
    """The two-sample figures by name, as words: estimates, numbers and what they hold."""
    found = {}
    for name, value in figures.items():
        label = name.replace("_", " ")
        if isinstance(value, dict) and value.get("value") is not None:
            found[label] = f"{value['value']:.4g} ± {value['se'] or 0:.2g}"
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[label] = f"{value:.4g}"
        elif isinstance(value, str):
            found[label] = value
    return found


def ranking_table(found: "Bakeoff", *, wide: bool) -> Table:
    """The ranking: first what has a likelihood, the best on top, then the rest; `wide` adds the numbers of parameters.

    MMD² is shown in thousandths, since models that are any good differ in these.
    """
    names = (">", "pair", ">log-likelihood", "kind", ">10³ MMD²", ">seconds", ">parameters")
    table = lined(*(names if wide else names[:-1]))
    for place, entry in enumerate(found.ranking, 1):
        estimate, mmd2 = entry.log_likelihood, None if entry.two_sample is None else entry.two_sample.mmd2
        cells = (
            str(place),
            f"{entry.model} by {entry.learner}",
            short(estimate),
            "failed" if entry.failed is not None else "no likelihood" if estimate is None else estimate.kind,
            "–" if mmd2 is None or mmd2.failed else minus(f"{1000 * mmd2.value:.2f} ± {1000 * mmd2.se:.2f}"),
            f"{entry.seconds:.1f}",
            count(entry.parameters),
        )
        table.add_row(*map(Text, cells if wide else cells[:-1]))
    return table


def ranking_facts(found: "Bakeoff") -> list[tuple[str, str]]:
    """What the ranking was made on, what failed or is doubtful and why, and where the report is."""
    rows = [("", ""), ("measure", f"nats a row, of {found.data['measure']}")]
    for entry in found.ranking:
        warnings = () if entry.log_likelihood is None else entry.log_likelihood.warnings
        said = [entry.failed] if entry.failed is not None else [f"note: {warning}" for warning in warnings]
        rows += [(f"{entry.model} by {entry.learner}", line) for line in said]
    return [*rows, ("report", found.report)]
