"""`reverie runs`: list, show, remove; and opening a run by its folder."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from reverie.cli import console
from reverie.cli.reading import Seed
from reverie.cli.tables import runs_table, settings_facts
from reverie.errors import InputError

if TYPE_CHECKING:
    from reverie.runs import Run

HOME = Path("runs")


def opened(path: Path) -> "Run":
    """The run in that folder; a bare name is looked for in `runs` too."""
    import reverie as rv

    return rv.load_run(placed(path))


def placed(path: Path) -> Path:
    """The folder that a person meant."""
    inside = HOME / path
    return inside if not path.exists() and inside.is_dir() else path


def list_(folder: Path = HOME, /, *, json: bool = False, seed: Seed = 0) -> None:
    """The runs in a folder, oldest first.

    Args:
        folder: The folder ("runs").
        json: Print one JSON object and nothing else.
        seed: Taken as every command takes it; nothing here is drawn.
    """
    del seed
    from reverie.runs import list_runs

    found = [] if folder == HOME and not folder.exists() else list_runs(folder)
    if json:
        console.answer({"runs": [run.to_dict() for run in found]})
    elif not found:
        console.note(f"there are no runs in {folder}; make one by: reverie fit digits")
    else:
        console.show(runs_table(found, folder))
        for run in found:
            status, _, why = run.status.partition(": ")
            console.note(*([f"{run.path} is {status}: {why}"] if why else []))


def show(run: Path, /, *, json: bool = False, seed: Seed = 0) -> None:
    """How a run was set up and how it stands.

    Args:
        run: The run folder.
        json: Print one JSON object and nothing else.
        seed: Taken as every command takes it; nothing here is drawn.
    """
    del seed
    found = opened(run)
    if json:
        console.answer(as_json(found))
    else:
        console.show(settings_facts(found))


def remove(
    run: Path,
    /,
    *,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"])] = False,
    json: bool = False,
    seed: Seed = 0,
) -> None:
    """Delete a run folder and all that is in it.

    Args:
        run: The run folder.
        yes: Do not ask.
        json: Print one JSON object and nothing else.
        seed: Taken as every command takes it; nothing here is drawn.
    """
    del seed
    from reverie.runs import remove_run
    from reverie.runs.folder import summarise

    path = placed(run)
    if not (path / "config.json").is_file():
        raise InputError(f"{path} is not a run folder: nothing was removed")
    if not yes:
        _ask(path, summarise(path))
    remove_run(path)
    if json:
        console.answer({"removed": str(path)})
    else:
        console.note(f"removed {path}")


def _ask(path: Path, summary: Any) -> None:
    if not sys.stdin.isatty():
        raise InputError(f"{path} is removed only with --yes, since nobody can be asked here")
    what = f"{summary.model} by {summary.learner} on {summary.data}" if summary.model else summary.status
    console.stderr().print(f"Remove {path} ({what})? \\[y/N] ", end="", markup=True)
    if input().strip().lower() not in ("y", "yes"):
        raise InputError("nothing was removed")


def as_json(run: "Run") -> dict[str, Any]:
    """Settings and standing."""
    import msgspec

    estimate = run.log_likelihood
    return {
        "run": str(run.path),
        "status": run.status,
        "why": run.result.why,
        "step": run.step,
        "best_step": run.result.best_step,
        "seconds": run.seconds,
        "parameters": run.parameters,
        "log_likelihood": None if estimate is None else estimate.to_dict(),
        "config": msgspec.to_builtins(run.config),
    }
