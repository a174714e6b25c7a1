"""`bakeoff`: fit the pairs that suit the data, and rank them."""

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from reverie.bakeoffs.report import write_bakeoff_report
from reverie.bakeoffs.roster import ROSTER, Entrant, suited
from reverie.data import Dataset, load
from reverie.errors import InputError
from reverie.estimate import Estimate
from reverie.evaluation import TwoSample
from reverie.loop import NonFiniteError
from reverie.pairing import make_learner, make_part
from reverie.runs import Progress, Run, evaluate, fit
from reverie.runs.budget import seconds_of
from reverie.runs.files import write_whole
from reverie.runs.metrics import clean

import msgspec  # isort: skip

REPORT_FILE = "report.html"
OVERHEAD = 0.45
"""The share of the time that compiling, scoring and drawing pictures are expected to take."""


class Entry(NamedTuple):
    """One pair's place in a bake-off.

    Attributes:
        model: its name.
        learner: its name.
        run: the run folder.
        log_likelihood: held-out, in nats a row; `None` for implicit models.
        two_sample: the model's draws against the held-out rows.
        steps: steps of training.
        seconds: seconds of training.
        parameters: how many numbers were learned.
        failed: why there is nothing to rank, where that is so.
    """

    model: str
    learner: str
    run: str
    log_likelihood: Estimate | None
    two_sample: TwoSample | None
    steps: int
    seconds: float
    parameters: int
    failed: str | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        found = self._asdict()
        for name in ("log_likelihood", "two_sample"):
            found[name] = None if found[name] is None else found[name].to_dict()
        return found


class Bakeoff(NamedTuple):
    """A ranking.

    Attributes:
        data: name, rows, columns and measure (the space in which the likelihoods live).
        ranking: entries with a likelihood first, the best on top; then those without, by the two-sample figure.
        report: the page.
    """

    data: dict[str, Any]
    ranking: tuple[Entry, ...]
    report: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {"data": self.data, "ranking": [entry.to_dict() for entry in self.ranking], "report": self.report}


class Stage(NamedTuple):
    """Where a bake-off stands: which entrant, and what its run says."""

    number: int
    of: int
    entrant: Entrant
    progress: Progress | None


def bakeoff(
    data: Dataset | Any,
    *,
    budget: str | float = "3m",
    seed: int = 0,
    out: str | Path | None = None,
    roster: tuple[Entrant, ...] | None = None,
    progress: Callable[[Stage], None] | None = None,
) -> Bakeoff:
    """Fit every pair of a roster that suits the data, rank them on held-out rows, and write a report with pictures.

    Likelihoods are ranked against each other because all pairs see the same data through the same measure; each
    keeps its kind beside it, since a lower bound that loses may belong to a model that wins. Every pair is stopped
    by the validation rows, ranked on the test rows, and gets an equal share of the time that is left.

    Args:
        data: a `Dataset`, or anything that `load` reads.
        budget: the time for all of it.
        seed: of every run.
        out: the folder; `runs/bakeoff-<data>-<n>` when not given.
        roster: the entrants; the built-in roster when not given.
        progress: called as it goes.

    Example:
        >>> import reverie as rv
        >>> rv.bakeoff("digits", budget="1m").ranking[0]  # doctest: +SKIP
    """
    began = time.perf_counter()
    limit = seconds_of(budget)
    dataset = data if isinstance(data, Dataset) else load(data)
    if not len(dataset.test):
        raise InputError("a bake-off ranks on test rows and these data have none: load them with test > 0")
    entrants = suited(dataset.spec, ROSTER if roster is None else roster)
    if not entrants:
        raise InputError(f"no pair of the roster takes {dataset.spec.kind} columns; try another measure")
    folder = _folder(out, dataset)
    entries, runs = [], []
    for number, entrant in enumerate(entrants):
        left = limit - (time.perf_counter() - began)
        share = max(1.0, left * (1 - OVERHEAD) / (len(entrants) - number))
        tell = _teller(progress, number, len(entrants), entrant)
        tell(None)
        entry, run = _enter(entrant, dataset, share, seed, folder, tell)
        entries.append(entry)
        runs.append(run)
        if run is not None and run.status == "interrupted":
            break
    order = sorted(range(len(entries)), key=lambda place: _rank(entries[place]))
    page = folder / REPORT_FILE
    result = Bakeoff(
        data={
            "name": dataset.name,
            "rows": {"train": len(dataset.train), "valid": len(dataset.valid), "test": len(dataset.test)},
            "columns": dataset.spec.size,
            "measure": dataset.measure.reference,
        },
        ranking=tuple(entries[place] for place in order),
        report=str(page),
    )
    write_bakeoff_report(result, [runs[place] for place in order], dataset, page)
    write_whole(folder / "bakeoff.json", msgspec.json.format(msgspec.json.encode(clean(result.to_dict())), indent=2))
    return result


def _enter(
    entrant: Entrant, dataset: Dataset, seconds: float, seed: int, folder: Path, tell: Callable[[Progress | None], None]
) -> tuple[Entry, Run | None]:
    path = folder / f"{entrant.model}-{entrant.learner}"
    try:
        run = fit(
            dataset,
            make_part("model", entrant.model, entrant.model_options),
            make_learner(entrant.learner, entrant.learner_options),
            budget=seconds,
            seed=seed,
            out=path,
            progress=tell,
            learning_rate=entrant.learning_rate,
            average=entrant.average,
        )
    except (NonFiniteError, InputError) as error:
        return Entry(entrant.model, entrant.learner, str(path), None, None, 0, 0.0, 0, str(error)), None
    figures = evaluate(run, dataset.test, seed=seed, codes=False)
    likelihood = run.log_likelihood
    why = None if likelihood is None or not likelihood.failed else "; ".join(likelihood.warnings)
    if likelihood is not None and run.step * run.config.batch < len(dataset.train):
        brief = f"trained for {run.step} steps, less than one epoch: give it more time"
        likelihood = likelihood._replace(warnings=(*likelihood.warnings, brief))
    entry = Entry(
        model=entrant.model,
        learner=entrant.learner,
        run=str(path),
        log_likelihood=likelihood,
        two_sample=figures.two_sample,
        steps=run.step,
        seconds=run.seconds,
        parameters=run.parameters,
        failed=why,
    )
    return entry, run


def _rank(entry: Entry) -> tuple[int, float]:
    """Likelihoods first, the highest on top; then what has none, by its distance from the rows; failures last."""
    if entry.failed is not None:
        return 2, 0.0
    if entry.log_likelihood is not None:
        return 0, -entry.log_likelihood.value
    return 1, entry.two_sample.mmd2.value if entry.two_sample is not None else math.inf


def _teller(
    progress: Callable[[Stage], None] | None, number: int, count: int, entrant: Entrant
) -> Callable[[Progress | None], None]:
    return lambda said: None if progress is None else progress(Stage(number, count, entrant, said))


def _folder(out: str | Path | None, dataset: Dataset) -> Path:
    if out is not None:
        path = Path(out)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists already; choose another --out")
    else:
        number = 1
        while (path := Path("runs") / f"bakeoff-{Path(dataset.name).stem}-{number}").exists():
            number += 1
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the folder {path} cannot be made: {error.strerror}") from None
    return path
