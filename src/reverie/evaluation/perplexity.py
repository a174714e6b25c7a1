"""Perplexity: by how many equally likely tokens a model of text is as surprised, at each token, as it is by rows."""

import math

import numpy as np
from numpy.typing import NDArray

from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation.likelihood import Scores

SWAPPED = {"lower bound": "upper bound", "upper bound": "lower bound"}


def token_counts(raw: NDArray[np.integer], marks: tuple[int, int] | None) -> NDArray[np.float64]:
    """How many tokens each row of text has, its end mark among them; every place of a window counts."""
    rows = np.asarray(raw)
    if marks is None:
        return np.full(len(rows), float(rows.shape[1]))
    ends = rows == marks[0]
    return np.where(ends.any(axis=1), ends.argmax(axis=1) + 1, rows.shape[1]).astype(np.float64)


def perplexity(scores: Scores, counts: NDArray[np.float64], unit: str) -> Estimate:
    """exp(−Σ_i log p(x_i) / Σ_i n_i), with its standard error by the delta method.

    The error of the ratio r = Σ l_i / Σ n_i is that of the mean of (l_i − r n_i) / n̄, that of the perplexity e^{−r} as
    large as that times e^{−r}. Where the rows share an error (of log Z) it is added in quadrature.

    Args:
        scores: log p(x_i), or a bound on it.
        counts: n_i, tokens of each row.
        unit: `a word` or `a character`.
    """
    n = scores.values.size
    if counts.shape != scores.values.shape or n < 1 or not np.all(counts > 0):
        raise InputError("a perplexity needs rows of text with at least one token each")
    if scores.kind == "failed" or not np.isfinite(scores.values).all():
        return failed("; ".join(scores.warnings) or "the log-likelihoods are not finite", n=n)
    mean = float(counts.mean())
    rate = float(scores.values.sum() / counts.sum())
    spread = (scores.values - rate * counts) / mean
    own = float(spread.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0
    value = math.exp(min(-rate, 700.0))
    se = value * math.hypot(own, scores.shared_se / mean)
    return Estimate(value, se, SWAPPED.get(scores.kind, scores.kind), unit, n, scores.ess, scores.warnings)
