"""The aggregate posterior q(h) = 1/N Σ_n q(h | x_n): how much a code says of its row, and how far q(h) is from p(h).

    E_x KL[q(h | x) ‖ p(h)]  =  I_q(x; h)  +  KL[q(h) ‖ p(h)]

(Hoffman & Johnson 2016, *ELBO surgery*, Eq. 13.) With codes h_i of row x_i and all densities q(h_i | x_j)

    I ≥ E 1/N Σ_i log q(h_i | x_i) − log 1/N Σ_j q(h_i | x_j)             and never more than log N
    I ≤ E 1/N Σ_i log q(h_i | x_i) − log 1/(N − 1) Σ_{j≠i} q(h_i | x_j)

(Poole, Ozair, van den Oord, Alemi & Tucker 2019, *On variational bounds of mutual information*, §2.2 and §2.3.) The
divergence of q(h) is what the lower of the two leaves, and so an upper bound.
"""

import math
from typing import NamedTuple

import numpy as np

from reverie.estimate import Estimate, failed


class Aggregate(NamedTuple):
    """Figures of the aggregate posterior, in nats.

    Attributes:
        below: I_q(x; h), a lower bound.
        above: the same, an upper bound.
        divergence: KL[q(h) ‖ p(h)], an upper bound.
    """

    below: Estimate
    above: Estimate
    divergence: Estimate


def _log_mean(log_q: np.ndarray, count: int) -> np.ndarray:
    top = log_q.max(axis=1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return top[:, 0] + np.log(np.exp(log_q - top).sum(axis=1) / count)


def _mean(values: np.ndarray, shared: np.ndarray, kind: str) -> Estimate:
    """The mean over rows and codes; a row is in it as the origin of its codes and as a part of q(h) for others."""
    n = len(values)
    if not np.isfinite(values).all():
        return failed("the densities of the codes are not finite", n=n)
    influence = values.mean(axis=1) + shared
    return Estimate(float(values.mean()), float(influence.std(ddof=1)) / math.sqrt(n), kind, n=n)


def aggregate(log_q: np.ndarray, log_prior: np.ndarray) -> Aggregate:
    """The figures from log q(h_ik | x_j), [rows i, codes k, rows j], and log p(h_ik), [rows, codes]."""
    n, count = log_prior.shape
    own = log_q[np.arange(n), :, np.arange(n)]
    rest = np.where(np.eye(n, dtype=bool)[:, None, :], -np.inf, log_q)
    every, others = (
        _log_mean(one.reshape(n * count, n), of).reshape(n, count) for one, of in ((log_q, n), (rest, n - 1))
    )
    with np.errstate(invalid="ignore", over="ignore"):
        # What row j adds to log q(h) for the codes of other rows.
        shared = np.exp(rest - every[:, :, None]).mean(axis=1).mean(axis=0)
        return Aggregate(
            _mean(own - every, -shared, "lower bound"),
            _mean(own - others, -shared, "upper bound"),
            _mean(every - log_prior, shared, "upper bound"),
        )
