"""The log-likelihood of rows, in nats and in raw space, by the best way that the parts allow.

    the model HasLogProb                log p(x)                              exact
    it HasLogJoint, inference
        Proposes                        log 1/K Σ_k p(x, h_k) / q(h_k | x)    lower bound
    the model HasPotential              u(x) − log Z                          exact where log Z is, else optimistic
    it ConditionsOnClass                log Σ_y p(y) exp u(x, y) / Z(y)       exact where each log Z is, else optimistic
    it TellsLevels                      u(y; v) − log Σ_y exp u(y; v)         exact, where the sum has few terms
    it HasPotentialBound                log 1/K Σ_k exp b_k − log Z           lower bound where log Z is exact or an
                                                                              upper bound, else approximate

A model that `TellsColumns` has log p(told | given) in the place of log p(x). To all others the measure's correction is
added: told columns are categories as they were read. An exact value becomes a lower bound where the measure says so.
The second, with h_k ~ q(h | x), is the importance-weighted bound of Burda, Grosse & Salakhutdinov 2016, Eq. 8: it
grows with K, to log p(x).
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import (
    ConditionsOnClass,
    HasLogJoint,
    HasLogProb,
    HasMeanField,
    HasPotential,
    HasPotentialBound,
    Proposes,
    TellsColumns,
    TellsLevels,
    posterior_of,
)
from reverie.data import Measure
from reverie.errors import InputError
from reverie.estimate import Estimate, failed, mean_of
from reverie.evaluation.by_class import class_scores, log_marginal
from reverie.evaluation.chunks import count_rows, fingerprints, in_chunks, seen
from reverie.evaluation.normaliser import log_normaliser
from reverie.evaluation.told import told_scores, writes_out
from reverie.evaluation.weights import log_mean_weight, weigh
from reverie.parts import Parts

ROWS = 256
"""Rows in a chunk where nothing is drawn."""
LOW_SHARE, LOW_ESS = 0.01, 10.0


class Scores(NamedTuple):
    """A log-likelihood for each row.

    Attributes:
        values: in nats, in raw space, float64.
        kind: of each of them, as `Estimate.kind`.
        ess: the mean over the rows of the effective number of codes, where codes were weighted.
        warnings: sentences for people.
        shared_se: the standard error of what all rows share (log Z).
    """

    values: np.ndarray
    kind: str
    ess: float | None = None
    warnings: tuple[str, ...] = ()
    shared_se: float = 0.0


@eqx.filter_jit
def _densities(model: Any, measure: Measure, key: Key[Array, ""], rows: PyTree) -> tuple[Array, Array]:
    def one(words: Array, raw: PyTree) -> tuple[Array, Array]:
        x, correction, _ = seen(measure, key, words, raw)
        if isinstance(model, TellsColumns):
            return model.log_prob(x), jnp.zeros(())
        return model.log_prob(x) if isinstance(model, HasLogProb) else model.potential(x), correction

    return jax.vmap(one)(*rows)


@eqx.filter_jit
def _bounds(model: Any, measure: Measure, key: Key[Array, ""], samples: int, rows: PyTree) -> tuple[Array, ...]:
    """log 1/K Σ_k exp b_k of each row, its correction, and the effective number of the K."""

    def one(words: Array, raw: PyTree) -> tuple[Array, Array, Array]:
        x, correction, key_codes = seen(measure, key, words, raw)

        def add(sums: tuple[Array, Array], k: Array) -> tuple[tuple[Array, Array], None]:
            bound = model.potential_bound(jax.random.fold_in(key_codes, k), x)
            return (jnp.logaddexp(sums[0], bound), jnp.logaddexp(sums[1], 2.0 * bound)), None

        nothing = jnp.full((), -jnp.inf)
        (total, squares), _ = jax.lax.scan(add, (nothing, nothing), jnp.arange(samples))
        return total - math.log(samples), correction, jnp.exp(2.0 * total - squares)

    return jax.vmap(one)(*rows)


def score(
    parts: Parts,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    *,
    samples: int = 1000,
    log_z: Estimate | None = None,
    class_log_z: tuple[Estimate, ...] | None = None,
) -> Scores | None:
    """The log-likelihood of each raw row; `None` for a model that has none.

    A row's noise is keyed by the row's own values and chunks have one size, so a row's score is the same, bit for bit,
    whichever rows are scored with it and in whatever order.

    Args:
        parts: the filled parts.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the codes, and of the noise of a random measure.
        samples: K, codes for each row.
        log_z: the model's log normaliser, where it has one; it is estimated when not given.
        class_log_z: that of each class, where the model is one of rows given a class.
    """
    if samples < 1:
        raise InputError(f"samples must be at least 1, not {samples}")
    raw = jax.tree.map(np.asarray, raw)
    if not jax.tree.leaves(raw) or not count_rows(raw):
        raise InputError("there are no rows to score")
    model, posterior = parts["model"], posterior_of(parts) if "inference" in parts else None
    rows = (fingerprints(raw), raw)
    if isinstance(model, HasLogProb):
        value, correction = in_chunks(lambda piece: _densities(model, measure, key, piece), rows, ROWS)
        said = (f"this is the likelihood of {model.told_words}",) if isinstance(model, TellsColumns) else ()
        return Scores(_sum(value, correction), "lower bound" if measure.bound else model.log_prob_kind, None, said)
    if isinstance(model, TellsLevels):
        if not writes_out(model, measure, raw, key)[0]:
            return None
        said = (f"this is the likelihood of {model.told_words}",)
        return Scores(told_scores(model, measure, raw, key), "exact", None, said)
    if isinstance(model, HasLogJoint) and isinstance(posterior, Proposes):
        value, ess = weigh(
            model, posterior, measure, raw, key, samples, lambda codes: log_mean_weight(codes.log_weight)
        )
        return Scores(value, "lower bound", float(ess.mean()), ess_warnings(float(ess.mean()), samples))
    if isinstance(model, HasPotential):
        log_z = log_normaliser(model) if log_z is None else log_z
        if log_z.failed:
            return Scores(np.full(len(rows[0]), np.nan), "failed", log_z.ess, log_z.warnings)
        value, correction = in_chunks(lambda piece: _densities(model, measure, key, piece), rows, ROWS)
        # How far off a learned log Z is nobody knows: its kind says so, and no error stands for it.
        shared = 0.0 if log_z.kind == "learned" else log_z.se
        kind = _kind(log_z, bound=measure.bound)
        return Scores(_sum(value, correction) - log_z.value, kind, log_z.ess, log_z.warnings, shared)
    if isinstance(model, ConditionsOnClass):
        found = class_scores(model, measure, raw, key, class_log_z)
        values, shared = log_marginal(found)
        return Scores(values, found.kind, found.ess, found.warnings, shared)
    if isinstance(model, HasPotentialBound):
        log_z = log_normaliser(model) if log_z is None else log_z
        if log_z.failed:
            return Scores(np.full(len(rows[0]), np.nan), "failed", log_z.ess, log_z.warnings)
        draws = 1 if isinstance(model, HasMeanField) else samples
        value, correction, ess = in_chunks(lambda piece: _bounds(model, measure, key, draws, piece), rows, ROWS)
        kind = _kind(log_z, bound=True)
        kind = "lower bound" if kind == "pessimistic" else kind
        effective = None if draws == 1 else float(ess.mean())
        warned = log_z.warnings + (() if effective is None else ess_warnings(effective, draws))
        return Scores(_sum(value, correction) - log_z.value, kind, effective, warned, log_z.se)
    return None


def _kind(log_z: Estimate, *, bound: bool) -> str:
    """Of u(x) − log Z; `bound`: whether even an exact log Z gives a bound."""
    if log_z.kind in ("exact", "learned"):
        return "learned" if log_z.kind == "learned" else "lower bound" if bound else "exact"
    if log_z.kind == "consistent":
        return "lower bound" if bound else "consistent"
    if log_z.kind == "upper bound":
        return "pessimistic"
    return "approximate" if bound else "optimistic"


def _sum(value: np.ndarray, correction: np.ndarray) -> np.ndarray:
    return value.astype(np.float64) + correction.astype(np.float64)


def ess_warnings(ess: float, samples: int) -> tuple[str, ...]:
    """A warning where few of the codes carry all the weight."""
    # Among a few codes an effective number below ten says nothing; less than half of them does.
    if ess >= min(max(LOW_ESS, LOW_SHARE * samples), samples / 2):
        return ()
    return (f"ESS {ess:.1f} of {samples}: do not trust this",)


def log_likelihood(
    parts: Parts,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    *,
    samples: int = 1000,
    log_z: Estimate | None = None,
    class_log_z: tuple[Estimate, ...] | None = None,
) -> Estimate | None:
    """The mean of `score` over the rows, in nats a row.

    Its standard error is that of a mean over rows, which contains the noise of each row's codes, and in quadrature that
    of log Z, which all rows share.
    """
    scores = score(parts, measure, raw, key, samples=samples, log_z=log_z, class_log_z=class_log_z)
    if scores is None:
        return None
    return mean_score(scores, samples)


def mean_score(scores: Scores, samples: int) -> Estimate:
    """The mean over the rows, with the standard error that `log_likelihood` describes."""
    n = scores.values.size
    if scores.kind == "failed":
        return failed("; ".join(scores.warnings), n=n, ess=scores.ess)
    mean = mean_of(scores.values, scores.kind, ess=scores.ess, warnings=scores.warnings)
    if mean.failed:
        return mean
    return mean._replace(se=math.hypot(mean.se, _own_noise(scores, samples), scores.shared_se))


def _own_noise(scores: Scores, samples: int) -> float:
    """The noise of a bound on one row, which no spread over rows contains: the delta method's, from the ESS."""
    if scores.values.size > 1 or scores.kind != "lower bound" or not scores.ess:
        return 0.0
    return math.sqrt(max(0.0, 1.0 / scores.ess - 1.0 / samples))
