"""What may be concluded from a ranking: computed from the figures, said in sentences."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from reverie.estimate import Estimate
from reverie.runs.page import digits_for, number

ENOUGH = 2.0
"""Standard errors of a difference below which it may be noise."""
LEVEL = 0.05
"""The p-value below which draws count as told from rows."""
MEANING = {
    "lower bound": "their true figures are these or higher, so one that loses may belong to the better model",
    "upper bound": "their true figures are these or lower",
    "optimistic": "they err towards too good, so their true ranks may be lower",
    "pessimistic": "they err towards too bad, so their true ranks may be higher",
    "approximate": "they err to a side that is not known, so their true ranks may be higher or lower",
}


class Difference(NamedTuple):
    """Two neighbours in the ranking: their ranks from 1, by how much they differ, and its standard error."""

    upper: int
    lower: int
    gap: float
    se: float

    @property
    def noise(self) -> bool:
        """Whether the difference may be noise."""
        return self.gap < ENOUGH * self.se


def usable(estimate: Estimate | None) -> bool:
    """Whether there is a number to compare."""
    return estimate is not None and not estimate.failed and math.isfinite(estimate.value)


def differences(estimates: Sequence[Estimate | None]) -> list[Difference]:
    """Each pair of neighbours with a likelihood, as if their errors were independent."""
    found = []
    for place, (above, below) in enumerate(pairwise(estimates)):
        if above is not None and below is not None and usable(above) and usable(below):
            errors = [one.se if math.isfinite(one.se) else 0.0 for one in (above, below)]
            found.append(Difference(place + 1, place + 2, above.value - below.value, math.hypot(*errors)))
    return found


def groups(estimates: Sequence[Estimate | None]) -> list[tuple[int, int]]:
    """Runs of ranks (first, last) in which no neighbours differ by more than noise."""
    found: list[tuple[int, int]] = []
    for one in differences(estimates):
        if not one.noise:
            continue
        if found and found[-1][1] == one.upper:
            found[-1] = (found[-1][0], one.lower)
        else:
            found.append((one.upper, one.lower))
    return found


def on_noise(names: Sequence[str], estimates: Sequence[Estimate | None]) -> list[str]:
    """Which ranks may be swapped by chance."""
    compared = differences(estimates)
    if not compared:
        return []
    said = []
    lead = compared[0]
    if lead.upper == 1 and not lead.noise:
        ahead, limit = (number(one, digits_for(lead.se)) for one in (lead.gap, ENOUGH * lead.se))
        said.append(
            f"Rank 1 ({names[0]}) leads by {ahead} nats a row, more than two standard errors of that ({limit})."
        )
    for first, last in groups(estimates):
        if last > first + 1:
            who, by = f"Ranks {first} to {last} ({listed(names[first - 1 : last])})", "from one to the next by"
        else:
            one = next(one for one in compared if one.upper == first)
            who = f"Ranks {first} and {last} ({names[first - 1]}, {names[last - 1]})"
            by = f"by {number(one.gap, digits_for(one.se))} nats a row,"
        said.append(f"{who} differ {by} less than two standard errors: their order may be chance.")
    return said


def on_kinds(names: Sequence[str], estimates: Sequence[Estimate | None]) -> list[str]:
    """Which numbers are exact, which are bounds, and what that does to the ranking."""
    said = []
    exact = [name for name, one in zip(names, estimates, strict=True) if one is not None and one.kind == "exact"]
    if exact:
        said.append(f"Exact: {listed(exact)}.")
    for kind, meaning in MEANING.items():
        having = [name for name, one in zip(names, estimates, strict=True) if one is not None and one.kind == kind]
        if having:
            title = f"{kind.capitalize()}{'s' if kind.endswith('bound') and len(having) > 1 else ''}"
            said.append(f"{title}: {listed(having)}; {meaning}.")
    absent = [name for name, one in zip(names, estimates, strict=True) if one is None]
    if absent:
        said.append(f"No likelihood: {listed(absent)}; ranked below the others, by the distance of their draws.")
    return said


def on_samples(names: Sequence[str], figures: Sequence[Any]) -> list[str]:
    """Whose draws are told from held-out rows."""
    known = [(name, one.p_value) for name, one in zip(names, figures, strict=True) if one is not None]
    tested = [(name, p) for name, p in known if math.isfinite(p)]
    if not tested:
        return []
    alike, told = [n for n, p in tested if p >= LEVEL], [n for n, p in tested if p < LEVEL]
    said = []
    if alike:
        said.append(
            f"With so many rows, the draws of {listed(alike)} are not told from held-out rows by MMD² (p ≥ {LEVEL:g})."
        )
    if told:
        said.append(f"Those of {listed(told)} are (p < {LEVEL:g}).")
    return [" ".join(said)]


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
