"""Which rows are for training, for validation and for testing; a pure function of the seed."""

from __future__ import annotations

import numpy as np

from reverie.data.rows import Rows
from reverie.errors import InputError

TEST = 0.2


def amount(given: float, rows: int, what: str) -> int:
    """The number of rows that a fraction below 1 (at least one row), or a number of rows, asks for."""
    number = isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)
    if not number or not np.isfinite(given):
        raise InputError(f"{what} is {given!r}: give a fraction below 1 or a number of rows")
    if given < 0:
        raise InputError(f"{what} is {given}: it must not be negative")
    if given < 1:
        return max(round(given * rows), 1) if given > 0 else 0
    if given != int(given) or (isinstance(given, float) and given == 1.0):
        raise InputError(f"{what} is {given}: give a fraction below 1 or a whole number of rows")
    return int(given)


def split(
    rows: Rows, name: str, seed: int, valid: float, test: float, *, in_order: bool = False
) -> tuple[Rows, Rows, Rows]:
    """Train, valid, test: the first, the middle and the last of a permutation, or of the rows as they lie."""
    n = len(rows)
    if n < 2:
        raise InputError(f"{name} has {n} row{'s' * (n != 1)}: at least 2 are needed")
    n_valid, n_test = amount(valid, n, "valid"), amount(test, n, "test")
    if valid < 1 and test < 1 and valid + test >= 1:
        raise InputError(f"valid is {valid} and test is {test}: they must add up to less than 1")
    if n_valid + n_test >= n:
        raise InputError(
            f"the {n} rows of {name} cannot give {n_valid} for validation and {n_test} for testing and leave "
            "some to train on: ask for fewer"
        )
    order = np.arange(n) if in_order else np.random.default_rng(seed).permutation(n)
    cut = n - n_test
    return rows[order[: cut - n_valid]], rows[order[cut - n_valid : cut]], rows[order[cut:]]


def own_split(rows: Rows, name: str, parts: tuple[int, ...], seed: int, valid: float) -> tuple[Rows, Rows, Rows]:
    """The source's own parts; where there is none for validation, the end of a permutation of train."""
    first, second = parts[0], parts[1]
    tested = rows[np.arange(first + second, len(rows))]
    n_valid = 0 if second else amount(valid, first, "valid")
    if n_valid >= first:
        raise InputError(
            f"the {first} training rows of {name} cannot give {n_valid} for validation and leave some to "
            "train on: ask for fewer"
        )
    if second:
        return rows[np.arange(first)], rows[np.arange(first, first + second)], tested
    order = np.random.default_rng(seed).permutation(first)
    return rows[order[: first - n_valid]], rows[order[first - n_valid :]], tested
