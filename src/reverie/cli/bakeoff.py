"""`reverie bakeoff`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.cli import console, signals
from reverie.cli.progress import Display
from reverie.cli.reading import Folder, Quiet, Seed
from reverie.cli.source import NOTHING, Source, description
from reverie.cli.tables import ranking_facts, ranking_table

if TYPE_CHECKING:
    from reverie.bakeoffs import Stage

ROOMY = 90
"""Characters of a terminal that has room for every column of the ranking."""


def bakeoff(
    data: str,
    /,
    *,
    budget: Annotated[str | None, Parameter(metavar="TIME")] = None,
    seed: Seed | None = None,
    out: Folder | None = None,
    source: Source = NOTHING,
    json: bool = False,
    quiet: Quiet = False,
) -> int:
    """Fit every pair of a roster that suits the data, rank them on held-out rows, and write a report with pictures.

    Args:
        data: A built-in name (digits, iris, moons, …), a table, array or text file, or a folder of pictures.
        budget: The time for all of it: 90s, 3m, 1h (3m).
        seed: The seed of every run (0).
        out: The folder; runs/bakeoff-DATA-N when not given.
        source: How the data are read.
        json: Print one JSON object and nothing else.
        quiet: No progress and no notes.
    """
    from reverie.bakeoffs import bakeoff as contest

    given: dict[str, Any] = {name: value for name, value in (("budget", budget), ("seed", seed)) if value is not None}
    with Display(quiet=quiet) as display, signals.heard() as which:
        dataset = source.load(data)
        display.note(*description(dataset))
        found = contest(dataset, out=out, progress=_teller(display), **given)
        signal = which()
    if json:
        console.answer(found.to_dict())
    else:
        console.show(ranking_table(found, wide=console.stdout().width >= ROOMY))
        console.show(console.facts(ranking_facts(found)))
    if signal is None:
        return 0
    console.note("interrupted: the ranking holds what was fitted until then")
    return signals.code_of(signal)


def _teller(display: Display) -> "Callable[[Stage], None]":
    """Each pair's progress under its number and name."""

    def tell(stage: "Stage") -> None:
        if stage.progress is None:
            display.wait(f"{stage.number + 1}/{stage.of} {stage.entrant.model} by {stage.entrant.learner}")
        else:
            display.report(stage.progress)

    return tell
