"""Words as numbers and paths: more strictly than the command line's own reading, for which 1.5 is a whole number."""

import re
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.errors import InputError

LONGEST = 24
"""Digits of the longest whole number that is read; none of the options means a longer one."""


def whole(kind: Any, tokens: Any) -> int:
    """A whole number: `5000`, `5_000` or `5,000`."""
    del kind
    word = tokens[0].value
    if not re.fullmatch(r"[+-]?(\d+|\d{1,3}([_,]\d{3})+)", word, re.ASCII) or len(word) > LONGEST:
        raise ValueError(f"{word!r} is not a whole number")
    return int(word.replace(",", "").replace("_", ""))


def number(kind: Any, tokens: Any) -> int | float:
    """A whole number where it is written as one, else a fraction."""
    word = tokens[0].value
    if re.fullmatch(r"[+-]?\d+", word, re.ASCII):
        return whole(kind, tokens)
    try:
        return float(word)
    except ValueError:
        raise ValueError(f"{word!r} is not a number") from None


def rates(words: str) -> float | dict[str, float]:
    """Learning rates: `3e-3` for all parts, or `model=1e-3,inference=3e-3`."""
    if "=" not in words:
        return _rate(words)
    found: dict[str, float] = {}
    for piece in words.split(","):
        name, equals, value = (word.strip() for word in piece.partition("="))
        if not equals or not name or name in found:
            raise InputError(f"--learning-rate {words} cannot be read: write 3e-3, or model=1e-3,inference=3e-3")
        found[name] = _rate(value)
    return found


def _rate(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InputError(f"--learning-rate needs a number, not {word!r}") from None


Whole = Annotated[int, Parameter(converter=whole, metavar="N")]
Fraction = Annotated[float, Parameter(converter=number, metavar="X")]
File = Annotated[Path, Parameter(metavar="FILE")]
Folder = Annotated[Path, Parameter(metavar="FOLDER")]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"])]
