"""From anything that `load` accepts to what is found there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from reverie.data import builtin
from reverie.data.arrays import PART_KEYS, joined, read_idx, read_npy, read_npz, shaped, to_numpy, with_labels
from reverie.data.found import Found
from reverie.data.pictures import ENDINGS, read_folder, read_pictures
from reverie.data.tables import from_frame, from_mapping, is_frame, read_csv, read_parquet, read_text
from reverie.errors import InputError


def _text(path: Path) -> Found:
    return Found(path.name, texts=(read_text(path),))


READERS: dict[str, Callable[[Path], Found]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".data": read_csv,
    ".npy": read_npy,
    ".npz": read_npz,
    ".idx": read_idx,
    ".parquet": read_parquet,
    ".txt": _text,
}


def find(source: Any, seed: int = 0) -> Found:
    """What is in a name, a path, an array, a frame, a dict of columns, or a pair (x, y)."""
    if isinstance(source, str):
        named = builtin.by_name(source, seed)
        return named if named is not None else read_path(Path(source), name=source)
    if isinstance(source, os.PathLike):
        return read_path(Path(source))
    if isinstance(source, tuple):
        if len(source) != 2:
            raise InputError(f"a tuple of data must be (x, y); this one has {len(source)} entries")
        labels = source[1]
        return with_labels(find(source[0], seed), labels if isinstance(labels, list) else to_numpy(labels, "y"))
    if is_frame(source):
        return from_frame(source)
    if isinstance(source, Mapping):
        if {"train", "test"} <= set(source) <= {"train", "valid", "test"}:
            return joined({part: to_numpy(source[part], part) for part in PART_KEYS if part in source}, None, "arrays")
        return from_mapping(source)
    if source is None or isinstance(source, bool | int | float | complex | bytes | set):
        raise InputError(f"a {type(source).__name__} is no source of data: give a name, a path, an array or a frame")
    return shaped(to_numpy(source), "array")


def read_path(path: Path, name: str | None = None) -> Found:
    """What is in a file or a folder, by the ending of its name."""
    try:
        there = path.exists()
        if not there and os.environ.get("REVERIE_DATA"):
            inside = Path(os.environ["REVERIE_DATA"]) / path
            path, there = (inside, True) if inside.exists() else (path, False)
    except OSError as error:
        raise InputError(f"cannot read {str(path)[:80]!r}: {error.strerror or error}") from error
    if not there:
        raise InputError(_unknown(path, name))
    if path.is_dir():
        if path.suffix.lower() in READERS:
            raise InputError(f"{str(path)!r} is a folder where a file is expected")
        return read_folder(path)
    if not path.is_file():
        raise InputError(f"{str(path)!r} is neither a file nor a folder")
    inner = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    ending = inner.suffix.lower()
    if ending in (".npy", ".npz", ".parquet") and inner is not path:
        raise InputError(f"{str(path)!r} is gzipped: unpack it first")
    if ending in READERS:
        return READERS[ending](path)
    if ending in ENDINGS:
        return read_pictures([path], path.name, None, [])
    if "-idx" in inner.name or inner.name.endswith("-ubyte"):
        return read_idx(path)
    raise InputError(f"{str(path)!r} has an unknown ending {ending!r}: known are {', '.join(READERS)} and pictures")


def _unknown(path: Path, name: str | None) -> str:
    if name is not None and not path.suffix and len(path.parts) == 1:
        near = get_close_matches(name.lower(), builtin.NAMES, 1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; the names are {', '.join(builtin.NAMES)}"
        return f"no data is called {name!r}, and there is no such file{hint}"
    return f"there is no file {str(path)!r}"
