"""The figures of `metrics.jsonl` as series over the steps, and which of them share a panel."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LIKELIHOODS = ("log_likelihood", "iw_bound", "elbo")
"""Training figures that may share an axis with held-out likelihoods: nats a row, the tightest first."""

WORDS = {
    "acceptance": "acceptance rate",
    "critic_accuracy": "critic's accuracy",
    "divergence": "divergence of q from the prior",
    "elbo": "ELBO",
    "ess": "effective sample size",
    "fit": "reconstruction",
    "gan_value": "value of the game",
    "generator_value": "generator's value",
    "iw_bound": "importance-weighted bound",
    "log_joint": "log p(x, h)",
    "log_likelihood": "log-likelihood",
    "log_q_sleep": "log q(h | x), dreams",
    "log_q_wake": "log q(h | x), data",
    "particles_moved": "share of particles that moved",
    "potential_data": "potential of the data",
    "potential_particles": "potential of the particles",
}
TOGETHER = (("potential_data", "potential_particles"), ("log_q_wake", "log_q_sleep"))
"""Figures that are read against each other."""


class Series(NamedTuple):
    """A figure over the steps, where it was said."""

    steps: NDArray[np.float64]
    values: NDArray[np.float64]


class Panel(NamedTuple):
    """Figures of one small panel."""

    title: str
    curves: tuple[tuple[str, Series], ...]
    logarithmic: bool = False


def series_of(lines: Sequence[dict[str, Any]]) -> dict[str, Series]:
    """The finite figures by name."""
    found: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        info = line.get("info")
        for name, value in (info if isinstance(info, dict) else {}).items():
            if isinstance(value, int | float) and math.isfinite(value):
                found.setdefault(str(name), []).append((float(line["step"]), float(value)))
    return {name: Series(*np.array(points).T) for name, points in found.items()}


def panels_of(said: dict[str, Series]) -> list[Panel]:
    """Small panels: figures that belong together share one, and so do the lengths of directions."""
    panels, norms = [], {name: one for name, one in said.items() if name.startswith("norm_")}
    rest = {name: one for name, one in said.items() if name not in norms}
    for group in TOGETHER:
        if all(name in rest for name in group):
            curves = tuple((word_of(name), rest.pop(name)) for name in group)
            panels.append(Panel("", curves))
    panels += [Panel(word_of(name), ((name, one),)) for name, one in rest.items()]
    if norms:
        curves = tuple((name.removeprefix("norm_"), one) for name, one in norms.items())
        panels.append(Panel("length of the direction", curves, logarithmic=True))
    return panels


def word_of(name: str) -> str:
    """A figure's name for people."""
    return WORDS.get(name, name.replace("_", " "))


def validations_of(lines: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    """[n, 3]: step, value, standard error; `nan` where an estimate failed."""
    found = []
    for line in lines:
        said = line.get("validation")
        if isinstance(said, dict):
            numbers = [said.get(name) for name in ("value", "se")]
            good = [float(one) if isinstance(one, int | float) else math.nan for one in numbers]
            found.append((float(line["step"]), *good))
    return np.array(found, np.float64).reshape(-1, 3)
