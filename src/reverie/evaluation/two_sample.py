"""Are the model's draws told from held-out rows? Figures that need draws only, so that every model has them.

    MMD²(X, Y) = mean_{i≠j} k(x_i, x_j) + mean_{i≠j} k(y_i, y_j) − 2 mean_{i,j} k(x_i, y_j)

with k(a, b) = exp(−‖a − b‖² / 2σ²), σ the median distance between held-out rows; zero in expectation if and only if
the distributions are equal (Gretton et al. 2012, *A kernel two-sample test*, Eq. 3; the p-value is by permutation). The
other figure is the leave-one-out accuracy of a nearest neighbour that tells draws from rows: 0.5 when it cannot
(Lopez-Paz & Oquab 2017, *Revisiting classifier two-sample tests*, §3 and the 1-NN of §5).
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree

from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation.chunks import count_rows, in_chunks
from reverie.networks.features import Layout, features, leaves_of, row_of

PERMUTATIONS = 499
CHUNK = 256


class TwoSample(NamedTuple):
    """How far draws are from rows.

    Attributes:
        mmd2: the squared maximum mean discrepancy, unbiased, so it may be negative.
        p_value: the share of permutations with a discrepancy at least as large; `nan` where it failed.
        accuracy: of the leave-one-out nearest neighbour at this number of rows; 0.5 means indistinguishable, and less
            means draws that lie between the rows too evenly.
    """

    mmd2: Estimate
    p_value: float
    accuracy: Estimate

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        p = self.p_value if math.isfinite(self.p_value) else None
        return {"mmd2": self.mmd2.to_dict(), "p_value": p, "accuracy": self.accuracy.to_dict()}


@eqx.filter_jit
def _features(x: PyTree, shape: tuple[Layout, ...]) -> Any:
    return jax.vmap(lambda row: features(row, shape))(x)


def _matrices(x: PyTree, shape: tuple[Layout, ...], most: int, seed: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """At most `most` of the rows, chosen at random: their float64 features, and their categories as codes.

    One-hot, 40 words of 10,000 would be 400,000 features a row.
    """
    x = jax.tree.map(np.asarray, x)
    count = count_rows(x)
    if count > most:
        places = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
        x = jax.tree.map(lambda leaf: leaf[places], x)
    rows = count_rows(x)
    numbers, named = [], [np.zeros((rows, 0), np.int32)]
    for leaf, layout in zip(leaves_of(x, shape), shape, strict=True):
        if layout.kind == "categorical" and not layout.ordered:
            named.append(np.asarray(leaf))
        else:
            numbers.append((leaf, layout))
    codes = np.concatenate(named, axis=1)
    if not numbers:
        return np.zeros((rows, 0)), codes
    kept = tuple(layout for _, layout in numbers)
    tree = row_of(tuple(leaf for leaf, _ in numbers), kept)
    return in_chunks(lambda piece: _features(piece, kept), tree, CHUNK).astype(np.float64), codes


def two_sample(
    samples: PyTree, held_out: PyTree, layouts: tuple[Layout, ...], seed: int = 0, most: int = 1000
) -> TwoSample:
    """Compare draws of a model with rows that it did not learn from, both in the model's space.

    Args:
        samples: the draws.
        held_out: the rows.
        layouts: of a row, as `reverie.networks.features.layouts` gives them.
        seed: of the choice of rows and of the permutations.
        most: rows of each side that are used.
    """
    if min(count_rows(samples), count_rows(held_out), most) < 2:
        raise InputError("a two-sample figure needs at least two draws and two rows")
    x, words = _matrices(samples, layouts, most, (seed, 1))
    y, other = _matrices(held_out, layouts, most, (seed, 2))
    n = len(x) + len(y)
    bad = int((~np.isfinite(x)).any(axis=1).sum()), int((~np.isfinite(y)).any(axis=1).sum())
    if any(bad):
        why = f"{bad[0]} draws and {bad[1]} rows hold values that are not finite"
        return TwoSample(failed(why, unit="squared distance", n=n), math.nan, failed(why, unit="share", n=n))
    draw = np.random.default_rng((seed, 3))
    squared = _squared_distances(np.concatenate([x, y])) + 2.0 * _differing(np.concatenate([words, other]))
    mmd2, p_value = _discrepancy(squared, len(x), draw)
    return TwoSample(mmd2, p_value, _neighbours(squared, len(x), draw))


def discrepancy(x: np.ndarray, y: np.ndarray, seed: int = 0) -> Estimate:
    """MMD² of two sets of vectors, the scale from distances within the second; failed where one is not finite."""
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return failed("there are values that are not finite", unit="squared distance", n=len(x) + len(y))
    squared = _squared_distances(np.concatenate([x, y]).astype(np.float64))
    return _discrepancy(squared, len(x), np.random.default_rng((seed, 3)))[0]


def _squared_distances(z: np.ndarray) -> np.ndarray:
    """‖a − b‖² for all pairs, and exactly zero for equal rows."""
    # The median is one of the values, so that columns that never vary become exact zeros; far rows do not move it.
    z = z - np.median(z, axis=0)
    norms = np.einsum("ij,ij->i", z, z)
    sums = norms[:, None] + norms[None, :]
    squared = sums - 2.0 * (z @ z.T)
    return np.where(squared > 1e-13 * sums, squared, 0.0)


def _differing(codes: np.ndarray) -> np.ndarray:
    """In how many columns two rows differ: half the squared distance of their one-hot vectors."""
    count = np.zeros((len(codes), len(codes)), np.int32)
    for column in codes.T:
        count += column[:, None] != column[None, :]
    return count


def _labels(count: int, first: int, draw: np.random.Generator) -> np.ndarray:
    """One column a permutation: ones where a row is called a draw."""
    order = draw.random((count, PERMUTATIONS)).argsort(axis=0)
    return (order < first).astype(np.float64)


def _discrepancy(squared: np.ndarray, m: int, draw: np.random.Generator) -> tuple[Estimate, float]:
    """MMD² of the first m against the others, with its standard error and p-value."""
    n = len(squared) - m
    within = squared[m:, m:][np.triu_indices(n, 1)]
    positive = within[within > 0]
    scale = float(np.median(within)) or (float(positive.mean()) if positive.size else 1.0)
    kernel = np.exp(squared / (-2.0 * scale))
    np.fill_diagonal(kernel, 0.0)

    def of(labels: np.ndarray) -> np.ndarray:
        to_first = kernel @ labels
        to_all = kernel.sum(axis=1)
        xx = np.einsum("ib,ib->b", labels, to_first)
        xy = to_first.sum(axis=0) - xx
        yy = to_all.sum() - xx - 2.0 * xy
        return xx / (m * (m - 1)) + yy / (n * (n - 1)) - 2.0 * xy / (m * n)

    observed = float(of((np.arange(m + n) < m).astype(np.float64)[:, None])[0])
    null = of(_labels(m + n, m, draw))
    p_value = (1.0 + float((null >= observed - 1e-12).sum())) / (1.0 + len(null))
    first = kernel[:m, :m].sum(axis=1) / (m - 1) - kernel[:m, m:].mean(axis=1)
    second = kernel[m:, m:].sum(axis=1) / (n - 1) - kernel[:m, m:].mean(axis=0)
    asymptotic = 2.0 * math.sqrt(first.var(ddof=1) / m + second.var(ddof=1) / n)
    se = max(asymptotic, float(null.std(ddof=1)))
    return Estimate(observed, se, "unbiased", "squared distance", m + n), p_value


def _neighbours(squared: np.ndarray, m: int, draw: np.random.Generator) -> Estimate:
    """Leave-one-out 1-NN accuracy with as many of the one side as of the other; ties count by their shares."""
    size = min(m, len(squared) - m)
    keep = np.concatenate([draw.permutation(m)[:size], m + draw.permutation(len(squared) - m)[:size]])
    distance = squared[np.ix_(keep, keep)].copy()
    np.fill_diagonal(distance, np.inf)
    nearest = distance.min(axis=1, keepdims=True)
    # Equal distances differ in their last bits after the matrix product.
    tied = (distance <= nearest * (1.0 + 1e-9)).astype(np.float64)
    vote = tied / tied.sum(axis=1, keepdims=True)

    def of(labels: np.ndarray) -> np.ndarray:
        to_first = vote @ labels
        return np.mean(labels * to_first + (1.0 - labels) * (1.0 - to_first), axis=0)

    value = float(of((np.arange(2 * size) < size).astype(np.float64)[:, None])[0])
    null = of(_labels(2 * size, size, draw))
    se = max(math.sqrt(value * (1.0 - value) / (2 * size)), float(null.std(ddof=1)))
    return Estimate(value, se, "unbiased", "share", 2 * size)
