"""How well a model's scores tell rows of one kind from rows of another: the area under the ROC curve.

    A = P(s(x) > s(x')) + ½ P(s(x) = s(x')),    x a row that should belong, x' one that should not

A = ½ says nothing, 1 tells all; below ½ the rows that should not belong are the likelier, as happens with likelihoods
of pictures (Nalisnick, Matsukawa, Teh, Gorur & Lakshminarayanan 2019, *Do deep generative models know what they don't
know?*). Its standard error is that of DeLong, DeLong & Clarke-Pearson 1988, *Comparing the areas under two or more
correlated receiver operating characteristic curves*, Eq. 3–6.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from reverie import noise
from reverie.capabilities import ConditionsOnClass, HasLogProb, HasPotential
from reverie.data import Rows
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation import score
from reverie.runs import Run

FREE = Estimate(0.0, 0.0, "exact")
"""A normaliser that is left out: no comparison of rows of one model depends on it."""


class Separation(NamedTuple):
    """Two sets of rows by their scores.

    Attributes:
        own: scores of the rows that should belong.
        other: scores of those that should not.
        area: how well the two are told apart.
        score: what the scores are: `log-likelihood` or `potential`.
        kind: of a log-likelihood, what it is to the truth, as an `Estimate` has it; of a potential, `exact`.
    """

    own: NDArray[np.float64]
    other: NDArray[np.float64]
    area: Estimate
    score: str
    kind: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        said = {"rows": self.own.size, "against": self.other.size, "score": self.score, "kind": self.kind}
        return said | {"area": self.area.to_dict()}


def potentials(run: Run, data: Any, *, seed: int = 0) -> NDArray[np.float64]:
    """u(x) of each row with the measure's correction: log p(x) up to log Z, which is the same for all rows."""
    model = run.parts["model"]
    if not isinstance(model, HasPotential) or isinstance(model, ConditionsOnClass):
        raise InputError(f"{run.model} has no potential: score it by its log-likelihood")
    rows = data if isinstance(data, Rows) else run.read(data)
    found = score(run.parts, run.measure, rows.raw, noise.make_key(seed, run.config.prng), log_z=FREE)
    assert found is not None, "a model with a potential has scores"
    return found.values


def separation(run: Run, data: Any, against: Any, *, samples: int = 1000, seed: int = 0) -> Separation:
    """How well the scores of a run tell its own rows from others.

    Scores are potentials of models that have them, which need no log Z, and log-likelihoods of others.

    Args:
        run: an opened run.
        data: rows that should belong: `Rows`, or anything that `load` reads with the run's columns.
        against: rows that should not.
        samples: codes for each row, where the likelihood is bounded by importance weighting.
        seed: of those codes.
    """
    model = run.parts["model"]
    free = isinstance(model, HasPotential) and not isinstance(model, HasLogProb | ConditionsOnClass)
    if free:
        own, other = (potentials(run, rows, seed=seed) for rows in (data, against))
        return Separation(own, other, roc_area(own, other), "potential", "exact")
    one, two = (run.score(rows, samples=samples, seed=seed) for rows in (data, against))
    return Separation(one.values, two.values, roc_area(one.values, two.values), "log-likelihood", one.kind)


def roc_area(own: Any, other: Any) -> Estimate:
    """A and its standard error, from scores of rows that belong and of rows that do not; −∞ is a score.

    Args:
        own: scores of rows that should belong.
        other: scores of rows that should not.

    Example:
        >>> roc_area([3.0, 2.0, 1.0], [0.5, 2.0]).value
        0.75
    """
    a, b = (np.asarray(scores, np.float64).reshape(-1) for scores in (own, other))
    if min(a.size, b.size) < 2:
        raise InputError(f"an area needs at least 2 rows of either kind, and there are {a.size} and {b.size}")
    if np.isnan(a).any() or np.isnan(b).any():
        return failed("some rows have no score", unit="ROC area", n=a.size + b.size)
    below, upto = (np.searchsorted(np.sort(b), a, side=side) for side in ("left", "right"))
    each = (below + upto) / (2 * b.size)
    above, least = (a.size - np.searchsorted(np.sort(a), b, side=side) for side in ("left", "right"))
    every = (above + least) / (2 * a.size)
    se = math.sqrt(float(each.var(ddof=1)) / a.size + float(every.var(ddof=1)) / b.size)
    return Estimate(float(each.mean()), se, "unbiased", "ROC area", a.size + b.size)
