"""Checkpoints: the whole state of a run, written so that a torn file is noticed and the one before it is used."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import PyTree

from reverie.errors import InputError
from reverie.runs.arrays import decode, encode, restore
from reverie.runs.files import checksum, write_whole

KEPT = 2


class Progressed(msgspec.Struct, forbid_unknown_fields=True):
    """What the host remembers of a run, beside the state of the loop.

    Attributes:
        step: steps done.
        seconds: seconds of training, over all sittings.
        best: the best validation value so far.
        best_step: the step that it was reached at.
        stale: validations since then.
        halted: why the run was over when this was written, if it was.
    """

    step: int = 0
    seconds: float = 0.0
    best: float | None = None
    best_step: int = 0
    stale: int = 0
    halted: str | None = None


class _Record(msgspec.Struct, forbid_unknown_fields=True):
    sha256: str
    progressed: Progressed


def save(folder: Path, state: PyTree, best: PyTree | None, progressed: Progressed) -> None:
    """Write one checkpoint, arrays first and the record with their checksum last; then drop all but the newest ones."""
    folder.mkdir(exist_ok=True)
    data = encode({"state": state, "best": best})
    stem = f"{progressed.step:012d}"
    write_whole(folder / f"{stem}.safetensors", data)
    write_whole(folder / f"{stem}.json", msgspec.json.encode(_Record(checksum(data), progressed)))
    for old in sorted(folder.glob("*.json"), reverse=True)[KEPT:]:
        old.unlink()
        old.with_suffix(".safetensors").unlink(missing_ok=True)


def newest(folder: Path) -> tuple[dict[str, np.ndarray], Progressed, Path] | None:
    """The newest checkpoint whose checksum holds; `None` when there is none at all."""
    records = sorted(folder.glob("*.json"), reverse=True) if folder.is_dir() else []
    for path in records:
        try:
            record = msgspec.json.decode(path.read_bytes(), type=_Record)
            arrays_path = path.with_suffix(".safetensors")
            data = arrays_path.read_bytes()
        except (OSError, msgspec.DecodeError):
            continue
        if checksum(data) == record.sha256:
            return decode(data, arrays_path), record.progressed, arrays_path
    if records:
        raise InputError(f"no checkpoint in {folder} is whole: every checksum fails")
    return None


def state_from(arrays: dict[str, np.ndarray], template: PyTree, best: PyTree, path: Path, prng: str) -> tuple[Any, Any]:
    """The state, and the best parameters when there are any, in the shape of their templates."""
    has_best = any(name.startswith("best/") for name in arrays)
    tree = restore({"state": template, "best": best if has_best else None}, arrays, path, prng)
    return tree["state"], tree["best"]
