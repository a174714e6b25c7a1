"""Words as numbers and paths: more strictly than the command line's own reading, for which 1.5 is a whole number."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from reverie.errors import InputError

LONGEST = 24
"""Digits of the longest whole number that is read; none of the options means a longer one."""
MOST = 2**31 - 1


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


def count(kind: Any, tokens: Any) -> int:
    """A whole number that a device can count to."""
    value = whole(kind, tokens)
    if abs(value) > MOST:
        raise ValueError(f"{value} is more than can be counted (2^31 − 1)")
    return value


def seed(kind: Any, tokens: Any) -> int:
    """A whole number that is not negative."""
    value = whole(kind, tokens)
    if value < 0:
        raise ValueError(f"a seed is not negative, and {value} is")
    return value


def patience(kind: Any, tokens: Any) -> int | str:
    """A whole number, or `none`."""
    return "none" if tokens[0].value.lower() == "none" else whole(kind, tokens)


def numbers(words: str, option: str) -> tuple[int, ...]:
    """Whole numbers with commas."""
    found = [word.strip() for word in words.split(",")]
    if not all(re.fullmatch(r"\d{1,9}", word, re.ASCII) for word in found):
        raise InputError(f"{option} needs whole numbers with commas, such as 1,5,50, not {words!r}")
    return tuple(map(int, found))


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
Count = Annotated[int, Parameter(converter=count, metavar="N")]
Seed = Annotated[int, Parameter(converter=seed, metavar="N")]
Patience = Annotated[int | Literal["none"], Parameter(converter=patience, metavar="N", show_choices=False)]
Fraction = Annotated[float, Parameter(converter=number, metavar="X")]
File = Annotated[Path, Parameter(metavar="FILE")]
Folder = Annotated[Path, Parameter(metavar="FOLDER")]
Quiet = Annotated[bool, Parameter(name=["--quiet", "-q"])]
