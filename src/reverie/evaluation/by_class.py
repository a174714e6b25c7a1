"""Likelihoods of rows and their labels under a model of rows given a class.

    log p(x | y) = u(x, y) − log Z(y),    log p(x) = log Σ_y p(y) p(x | y),    p(y | x) = p(y) p(x | y) / p(x)

All of them with the log Z of every class: where each is exact so are they; where any is annealed, a Z(y) that is
underestimated on average makes a likelihood that errs to the better side.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import ConditionsOnClass
from reverie.data import Measure
from reverie.estimate import Estimate, failed, mean_of
from reverie.evaluation.chunks import fingerprints, in_chunks, seen
from reverie.evaluation.normaliser import log_normaliser

ROWS = 256
"""Rows in a chunk."""


class ClassScores(NamedTuple):
    """What a model of rows given a class says of each row with each class.

    Attributes:
        log_joint: log p(x, y) in raw space, float64 [n, classes].
        log_prior: log p(y), [classes].
        kind: of each likelihood, as `Estimate.kind`.
        se: the standard error of log Z of each class, [classes].
        ess: the smallest effective sample size of those log Z, where they were annealed.
        warnings: sentences for people.
    """

    log_joint: np.ndarray
    log_prior: np.ndarray
    kind: str
    se: np.ndarray
    ess: float | None
    warnings: tuple[str, ...]


def class_normalisers(model: ConditionsOnClass, *, seed: int = 0, **settings: Any) -> tuple[Estimate, ...]:
    """log Z of each class, as `log_normaliser` has it, each by chains of its own.

    Args:
        model: a filled model.
        seed: of the chains.
        settings: chains, temperatures and attempts, as `log_normaliser` has them.
    """
    return tuple(
        log_normaliser(model.given(jnp.asarray(y)), seed=seed + y, **settings) for y in range(model.given_classes)
    )


@eqx.filter_jit
def _potentials(model: ConditionsOnClass, measure: Measure, key: Key[Array, ""], rows: PyTree) -> tuple[Array, Array]:
    """u(x, y) of each row and class, and the row's correction."""
    classes = jnp.arange(model.given_classes)

    def one(words: Array, raw: PyTree) -> tuple[Array, Array]:
        x, correction, _ = seen(measure, key, words, raw)
        return jax.vmap(lambda y: model.given(y).potential(x))(classes), correction

    return jax.vmap(one)(*rows)


def class_scores(
    model: ConditionsOnClass,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    log_z: tuple[Estimate, ...] | None = None,
) -> ClassScores:
    """log p(x, y) of each raw row with each class.

    Args:
        model: a filled model.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the noise of a random measure.
        log_z: that of each class; estimated when not given.
    """
    raw = jax.tree.map(np.asarray, raw)
    log_z = class_normalisers(model) if log_z is None else log_z
    potentials, correction = in_chunks(
        lambda piece: _potentials(model, measure, key, piece), (fingerprints(raw), raw), ROWS
    )
    prior = np.asarray(model.log_class_prior(), np.float64)
    values = np.array([one.value for one in log_z])
    log_joint = prior + potentials.astype(np.float64) + correction.astype(np.float64)[:, None] - values
    said = tuple(f"class {y}: {said}" for y, one in enumerate(log_z) for said in one.warnings)
    if any(one.failed for one in log_z):
        kind = "failed"
    elif any(one.kind != "exact" for one in log_z):
        # Only where no Z(y) is underestimated on average do all likelihoods err to the worse side.
        above = all(one.kind in ("exact", "upper bound") for one in log_z)
        kind = "pessimistic" if above else "approximate" if measure.bound else "optimistic"
    else:
        kind = "lower bound" if measure.bound else "exact"
    sizes = [one.ess for one in log_z if one.ess is not None]
    return ClassScores(log_joint, prior, kind, np.array([one.se for one in log_z]), min(sizes, default=None), said)


def log_marginal(scores: ClassScores) -> tuple[np.ndarray, float]:
    """log p(x) of each row, and the error of their mean that comes of log Z: Σ_y (p̄(y | x) se_y)² to first order."""
    values = np.logaddexp.reduce(scores.log_joint, axis=1)
    share = np.exp(scores.log_joint - values[:, None]).mean(axis=0)
    return values, float(np.linalg.norm(share * scores.se))


def likelihood_given_label(scores: ClassScores, y: np.ndarray) -> Estimate | None:
    """The mean of log p(x | y) over the rows that have a label; `None` where none has.

    Its standard error is that of a mean over rows, and in quadrature what each class's log Z brings in by its share.
    """
    known = y >= 0
    if not known.any():
        return None
    if scores.kind == "failed":
        return failed("; ".join(scores.warnings), n=int(known.sum()), ess=scores.ess)
    values = (scores.log_joint - scores.log_prior)[known, y[known]]
    mean = mean_of(values, scores.kind, ess=scores.ess, warnings=scores.warnings)
    share = np.bincount(y[known], minlength=scores.se.size) / known.sum()
    return mean if mean.failed else mean._replace(se=math.hypot(mean.se, float(np.linalg.norm(share * scores.se))))


def class_accuracy(scores: ClassScores, y: np.ndarray) -> Estimate | None:
    """The share of labelled rows whose likeliest class, by Bayes' rule, is their label; `None` where no row has one."""
    known = y >= 0
    if not known.any():
        return None
    if scores.kind == "failed":
        return failed("; ".join(scores.warnings), unit="of rows", n=int(known.sum()))
    annealed = (
        ("classes are told by the annealed log Z of each class: errors of theirs move rows between classes",)
        if scores.kind in ("optimistic", "pessimistic", "approximate")
        else ()
    )
    right = np.argmax(scores.log_joint, axis=1) == y
    return mean_of(right[known], "exact", unit="of rows", warnings=annealed)
