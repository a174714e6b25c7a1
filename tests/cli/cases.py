"""What a wrong input is made of.

A case is a name, the words that a person might have typed, and what is put on the disk before: file name → content, or
a function that is given the folder. In the words, `@run`, `@table` and `@implicit` stand for small runs, `@data` and
`@numbers` for the files of two of them, and `@broken` for a copy of the first run with something wrong in it.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

GOOD = "a,b,c\n" + "".join(f"{i % 2},{i // 2 % 2},{i // 4 % 2}\n" for i in range(40))
NUMBERS = "u,v,w\n" + "".join(f"{i * 0.37:.3f},{i * i % 17 * 0.5:.2f},{i % 7 - 3.1}\n" for i in range(40))
TEXT = "the quick brown fox jumps over the lazy dog. " * 20


class Case(NamedTuple):
    """One wrong input."""

    name: str
    words: tuple[str, ...]
    files: Mapping[str, bytes | str] = MappingProxyType({})
    set_up: Callable[[Path], Any] | None = None
    environment: Mapping[str, str] = MappingProxyType({})


def fits(name: str, file: str, content: bytes | str, *more: str) -> Case:
    """A file that `fit` must refuse."""
    return Case(name, ("fit", file, "--steps", "2", *more), {file: content})


def folder_of(files: Mapping[str, bytes]) -> Callable[[Path], None]:
    """Make a folder `p` with these files."""

    def made(at: Path) -> None:
        (at / "p").mkdir()
        for name, content in files.items():
            (at / "p" / name).write_bytes(content)

    return made
