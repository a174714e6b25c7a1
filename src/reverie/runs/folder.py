"""Run folders on the disk: list them, remove one."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

from reverie.errors import InputError
from reverie.estimate import Estimate
from reverie.runs.config import read_config
from reverie.runs.run import read_result


class RunSummary(NamedTuple):
    """One line about a run folder; a broken one has its reason in `status`."""

    path: str
    model: str
    learner: str
    data: str
    seed: int
    step: int
    seconds: float
    log_likelihood: Estimate | None
    status: str
    created: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        estimate = None if self.log_likelihood is None else self.log_likelihood.to_dict()
        return self._asdict() | {"log_likelihood": estimate}


def summarise(path: Path) -> RunSummary:
    """What can be said of a run folder without opening its arrays."""
    try:
        config = read_config(path)
        result = read_result(path)
    except InputError as error:
        return RunSummary(str(path), "", "", "", 0, 0, 0.0, None, f"broken: {error}", "")
    step, seconds = (0, 0.0) if result is None else (result.step, result.seconds)
    return RunSummary(
        str(path),
        config.parts["model"].name,
        config.learner.name,
        config.data.name,
        config.seed,
        step,
        seconds,
        None if result is None else result.log_likelihood,
        "unfinished" if result is None else result.status,
        config.created,
    )


def list_runs(folder: str | Path = "runs") -> list[RunSummary]:
    """The run folders in a folder (and in its bake-offs), oldest first; broken ones are listed as such."""
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    found = [
        summarise(path.parent) for pattern in ("*", "*/*") for path in sorted(folder.glob(f"{pattern}/config.json"))
    ]
    return sorted(found, key=lambda run: (run.created, run.path))


def remove_run(path: str | Path) -> None:
    """Delete a run folder; anything that is not one is left alone."""
    path = Path(path)
    signs = ("result.json", "metrics.jsonl", "checkpoints")
    if not (path / "config.json").is_file():
        raise InputError(f"{path} is not a run folder: nothing was removed")
    if not any((path / sign).exists() for sign in signs):
        read_config(path)
    shutil.rmtree(path)
