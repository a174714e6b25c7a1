"""Pairs of sites that are coupled, and an order of visits in which a sweep over them is reversible."""

from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

Graph: TypeAlias = Literal["full", "grid"]


@lru_cache(maxsize=16)
def edges(sites: int, shape: tuple[int, int] | None, *, periodic: bool) -> np.ndarray:
    """The coupled pairs i < j, [pairs, 2]: all of them, or the neighbours on a grid of that height and width.

    A periodic grid is closed to a torus; where it is two sites wide, the two ways round are one pair.
    """
    if shape is None:
        return np.stack(np.triu_indices(sites, 1), axis=1)
    places = np.arange(sites).reshape(shape)
    found = []
    for axis in (0, 1):
        ahead = np.roll(places, -1, axis)
        inside = np.ones(shape, bool)
        if not periodic:
            inside[-1 if axis == 0 else slice(None), -1 if axis == 1 else slice(None)] = False
        found.append(np.stack([places[inside], ahead[inside]], axis=1))
    pairs = np.sort(np.concatenate(found), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)


@lru_cache(maxsize=16)
def visits(sites: int, shape: tuple[int, int] | None, *, periodic: bool) -> np.ndarray:
    """Which sites are drawn together, one visit after the other, [visits, width]; `sites` where a visit has fewer.

    No two sites of a visit are coupled, so that together they are one exact conditional. A greedy colouring makes the
    two halves of a chequerboard of a grid, and one visit for each site where all are coupled. The visits go there and
    back again: each alone is reversible, and so is a sequence of them that reads the same from its end.
    """
    pairs = edges(sites, shape, periodic=periodic)
    if shape is None:
        groups = [[site] for site in range(sites)]
    else:
        beside: list[list[int]] = [[] for _ in range(sites)]
        for a, b in pairs:
            beside[b].append(int(a))
        colour: list[int] = []
        for site in range(sites):
            taken = {colour[other] for other in beside[site]}
            colour.append(next(c for c in range(len(taken) + 1) if c not in taken))
        groups = [[i for i in range(sites) if colour[i] == c] for c in range(max(colour) + 1)]
    width = max(map(len, groups))
    there = np.array([group + [sites] * (width - len(group)) for group in groups], np.int32)
    return np.concatenate([there, there[:-1][::-1]])
