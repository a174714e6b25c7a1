"""The evidence lower bound and its two terms, and the importance-weighted bound as its codes grow in number.

    ELBO  = E_q [log p(x | h)] − E_q [log q(h | x) − log p(h)]        fit − divergence
    IW(k) = E log 1/k Σ_{j≤k} p(x, h_j) / q(h_j | x)                  Burda, Grosse & Salakhutdinov 2016, Eq. 8

All of them from the same codes: of K codes, IW(k) is the mean over ⌊K/k⌋ disjoint groups of k. IW(1) is then the ELBO,
and where each k divides the next the curve of every single row rises, as its expectation does (their Theorem 1).
"""

from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Key, PyTree

from reverie.capabilities import HasLogJoint, HasPosterior, Proposes, posterior_of
from reverie.data import Measure
from reverie.errors import InputError
from reverie.estimate import Estimate, mean_of
from reverie.evaluation.chunks import count_rows
from reverie.evaluation.likelihood import Scores, ess_warnings, mean_score
from reverie.evaluation.weights import Weighed, log_mean_weight, weigh
from reverie.parts import Parts


class Bounds(NamedTuple):
    """Bounds on the log-likelihood of rows, in nats a row, in raw space.

    Attributes:
        elbo: the evidence lower bound.
        fit: its first term, E_q log p(x | h).
        divergence: its second, E_q [log q(h | x) − log p(h)]. For an inference model that knows no q(h | x), only
            draws that can be weighed, it lies above KL[q(h | x) ‖ p(h)], and the bound below the true one.
        curve: (k, IW(k)) for growing k.
    """

    elbo: Estimate
    fit: Estimate
    divergence: Estimate
    curve: tuple[tuple[int, Estimate], ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        terms = {name: getattr(self, name).to_dict() for name in ("elbo", "fit", "divergence")}
        return terms | {"curve": [{"k": k} | found.to_dict() for k, found in self.curve]}


class RowBounds(NamedTuple):
    """The same for each row: arrays [rows], the curve and its effective numbers of codes [rows, places of k]."""

    fit: np.ndarray
    divergence: np.ndarray
    curve: np.ndarray
    ess: np.ndarray

    @property
    def elbo(self) -> np.ndarray:
        """fit − divergence, [rows]."""
        return self.fit - self.divergence


def steps_to(samples: int) -> tuple[int, ...]:
    """The k of a curve: powers of ten, and the number of codes itself."""
    return (*(10**power for power in range(len(str(samples))) if 10**power < samples), samples)


def row_bounds(
    parts: Parts, measure: Measure, raw: PyTree, key: Key[Any, ""], *, samples: int = 1000, ks: tuple[int, ...] = ()
) -> RowBounds | None:
    """`bounds`, row by row; a row's figures depend on the key and the row alone."""
    model, posterior = parts["model"], posterior_of(parts) if "inference" in parts else None
    if not (isinstance(model, HasLogJoint) and isinstance(posterior, Proposes)):
        return None
    if samples < 1 or not all(1 <= k <= samples for k in ks):
        raise InputError(f"a bound needs at least one code and no more than there are; these are {(*ks, samples)}")
    raw = jax.tree.map(np.asarray, raw)
    if not jax.tree.leaves(raw) or not count_rows(raw):
        raise InputError("there are no rows to evaluate")
    groups = ks or steps_to(samples)

    def reduce(codes: Weighed) -> RowBounds:
        fit, divergence = codes.fit.mean(axis=1), codes.divergence.mean(axis=1)
        found = [_grouped(codes.log_weight, k) for k in groups]
        return RowBounds(fit, divergence, *(np.stack(one, axis=1) for one in zip(*found, strict=True)))

    return weigh(model, posterior, measure, raw, key, samples, reduce)


def _grouped(log_w: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean over disjoint groups of k codes of the log of their mean weight, and of their effective number."""
    rows, count = log_w.shape
    value, ess = log_mean_weight(log_w[:, : count // k * k].reshape(rows, -1, k))
    return value.mean(axis=1), ess.mean(axis=1)


def bounds(
    parts: Parts, measure: Measure, raw: PyTree, key: Key[Any, ""], *, samples: int = 1000, ks: tuple[int, ...] = ()
) -> Bounds | None:
    """Lower bounds on the mean log-likelihood of rows; `None` where the parts give no codes that can be weighed.

    Args:
        parts: the filled parts: a model that `HasLogJoint`, and an inference model that `Proposes`.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the codes, and of the noise of a random measure.
        samples: K, codes for each row.
        ks: the k of the curve; 1, 10, 100, … and K when not given.
    """
    found = row_bounds(parts, measure, raw, key, samples=samples, ks=ks)
    return None if found is None else means_of(found, parts, samples, ks or steps_to(samples))


def means_of(found: RowBounds, parts: Parts, samples: int, ks: tuple[int, ...]) -> Bounds:
    """The means over the rows."""
    exact = isinstance(posterior_of(parts), HasPosterior)
    curve = []
    for place, k in enumerate(ks):
        ess = float(found.ess[:, place].mean())
        scores = Scores(found.curve[:, place], "lower bound", ess, ess_warnings(ess, k))
        curve.append((k, mean_score(scores, k)))
    return Bounds(
        elbo=mean_of(found.elbo, "lower bound"),
        fit=mean_of(found.fit, "unbiased"),
        divergence=mean_of(found.divergence, "unbiased" if exact else "upper bound"),
        curve=tuple(curve),
    )
