"""Lengths of mean vectors from independent groups of draws, freed of the length that noise adds.

For means m_1, …, m_G with one expectation μ the mean of m_g·m_h over pairs g ≠ h has the expectation ‖μ‖², which ‖m̄‖²
overstates. Standard errors are the jackknife's over the groups, less what it sees twice where there is only noise
(Efron & Stein 1981, *The jackknife estimate of variance*).
"""

import math
from collections.abc import Callable

import numpy as np


def squared_norm(means: np.ndarray) -> tuple[float, float]:
    """‖E g‖² from the means of groups, and its standard error."""
    gram = means @ means.T
    value, se = jackknifed(lambda kept: squared(gram, kept), len(means))
    return value, math.sqrt(max(se**2 - noise_of_pairs(gram), noise_of_pairs(gram)))


def jackknifed(function: Callable[[np.ndarray], float], groups: int) -> tuple[float, float]:
    """A function of the places of the groups that are kept, at all of them, and its standard error."""
    every = np.arange(groups)
    if groups < 2:
        return function(every), 0.0
    left_out = np.array([function(np.delete(every, place)) for place in every])
    return function(every), math.sqrt((groups - 1) * float(left_out.var()))


def squared(gram: np.ndarray, places: np.ndarray) -> float:
    """‖E g‖² without bias, from the inner products of independent means."""
    part = gram[np.ix_(places, places)]
    n = len(places)
    return float((part.sum() - np.trace(part)) / (n * (n - 1))) if n > 1 else float(part.sum())


def noise_of_pairs(gram: np.ndarray) -> float:
    """The variance that noise alone gives `squared`, which the jackknife, where there is nothing else, sees twice."""
    n = len(gram)
    if n < 3:
        return 0.0
    centred = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
    return 2.0 * float(centred[~np.eye(n, dtype=bool)].var()) / (n * (n - 1))


def length(square: float, se: float) -> tuple[float, float]:
    """A length from its square, and how much longer it would be one standard error up."""
    found = math.sqrt(max(square, 0.0))
    return found, math.sqrt(max(square, 0.0) + se) - found


def squared_bias(means: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """‖E g − r‖² without bias, and its standard error; a reference with noise has groups of its own."""
    groups, own = len(means), len(reference)
    gram = np.concatenate([means, reference]) @ np.concatenate([means, reference]).T

    def square(kept: np.ndarray, of: np.ndarray) -> float:
        here, there, across = gram[:groups, :groups], gram[groups:, groups:], gram[:groups, groups:]
        return squared(here, kept) + squared(there, of) - 2.0 * float(across[np.ix_(kept, of)].mean())

    value, se = jackknifed(lambda kept: square(kept, np.arange(own)), groups)
    _, more = jackknifed(lambda of: square(np.arange(groups), of), own)
    across = gram[:groups, groups:]
    across = across - across.mean(axis=0) - across.mean(axis=1)[:, None] + across.mean()
    alone = (
        noise_of_pairs(gram[:groups, :groups])
        + noise_of_pairs(gram[groups:, groups:])
        + 4.0 * float(across.var()) / (groups * own)
    )
    # Below this the rounding of float32 directions is all that there is.
    rounding = 1e-10 * float(np.trace(gram[groups:, groups:])) / own
    return value, math.hypot(math.sqrt(max(se**2 + more**2 - alone, alone)), rounding)
