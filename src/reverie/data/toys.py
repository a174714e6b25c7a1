"""Two-dimensional toys, generated from a seed.

With u uniform on [0, 1) and e standard normal, drawn afresh wherever they stand:

- moons: (cos t, sin t) and (1 - cos t, 1/2 - sin t), t = pi u, plus 0.1 e.
- circles: radius 1 and 1/2, angle 2 pi u, plus 0.08 e.
- rings: radius 1, 2, 3 or 4 by equal chance, angle 2 pi u, plus 0.08 e.
- spirals: t = 3 pi sqrt(u), ±(-t cos t, t sin t) / 3 plus 0.1 e.
- pinwheel: five arms; (r, s) = (1 + 0.3 e, 0.05 e) turned by 2 pi k / 5 + 0.25 exp(r), times 2.
- checkerboard: uniform on the 8 dark fields of 4 x 4 fields of side 2, on [-4, 4)^2.
- eight-gaussians: centres 4 (cos, sin)(pi k / 4), plus 0.5 e, divided by sqrt 2.
- swiss-roll: t = 1.5 pi (1 + 2 u), (t cos t, t sin t) / 5 plus 0.1 e.

The classes are the moons, circles, rings, spirals, arms and Gaussians.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Points = tuple[NDArray[np.float64], NDArray[np.int64] | None]


def _polar(radius: NDArray[Any] | float, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _moons(rng: Generator, rows: int) -> Points:
    which, angle = rng.integers(0, 2, rows), np.pi * rng.random(rows)
    first = _polar(1.0, angle)
    second = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    return np.where(which[:, None] == 0, first, second) + 0.1 * rng.normal(size=(rows, 2)), which


def _circles(rng: Generator, rows: int) -> Points:
    which = rng.integers(0, 2, rows)
    centre = _polar(np.where(which == 0, 1.0, 0.5), 2 * np.pi * rng.random(rows))
    return centre + 0.08 * rng.normal(size=(rows, 2)), which


def _rings(rng: Generator, rows: int) -> Points:
    which = rng.integers(0, 4, rows)
    return _polar(which + 1.0, 2 * np.pi * rng.random(rows)) + 0.08 * rng.normal(size=(rows, 2)), which


def _spirals(rng: Generator, rows: int) -> Points:
    which, t = rng.integers(0, 2, rows), 3 * np.pi * np.sqrt(rng.random(rows))
    arm = np.stack([-t * np.cos(t), t * np.sin(t)], axis=1) / 3
    return np.where(which[:, None] == 0, arm, -arm) + 0.1 * rng.normal(size=(rows, 2)), which


def _pinwheel(rng: Generator, rows: int) -> Points:
    which = rng.integers(0, 5, rows)
    radial, tangential = 1 + 0.3 * rng.normal(size=rows), 0.05 * rng.normal(size=rows)
    turn = 2 * np.pi * which / 5 + 0.25 * np.exp(radial)
    cos, sin = np.cos(turn), np.sin(turn)
    return 2 * np.stack([radial * cos - tangential * sin, radial * sin + tangential * cos], axis=1), which


def _checkerboard(rng: Generator, rows: int) -> Points:
    column, half = rng.integers(0, 4, rows), rng.integers(0, 2, rows)
    field = np.stack([column, 2 * half + column % 2], axis=1)
    return 2 * (field + rng.random((rows, 2))) - 4, None


def _eight_gaussians(rng: Generator, rows: int) -> Points:
    which = rng.integers(0, 8, rows)
    return (_polar(4.0, np.pi * which / 4) + 0.5 * rng.normal(size=(rows, 2))) / np.sqrt(2), which


def _swiss_roll(rng: Generator, rows: int) -> Points:
    t = 1.5 * np.pi * (1 + 2 * rng.random(rows))
    return _polar(t, t) / 5 + 0.1 * rng.normal(size=(rows, 2)), None


TOYS: dict[str, Callable[[Generator, int], Points]] = {
    "moons": _moons,
    "circles": _circles,
    "rings": _rings,
    "spirals": _spirals,
    "pinwheel": _pinwheel,
    "checkerboard": _checkerboard,
    "eight-gaussians": _eight_gaussians,
    "swiss-roll": _swiss_roll,
}


def make(name: str, rows: int = 2000, seed: int = 0) -> Points:
    """`rows` points of the toy `name`, and their classes where it has any."""
    return TOYS[name](np.random.default_rng(seed), rows)
