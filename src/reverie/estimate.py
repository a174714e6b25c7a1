"""`Estimate`: a number about a model, with its standard error and what kind of number it is."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

KINDS = (
    "exact",
    "lower bound",
    "upper bound",
    "optimistic",
    "pessimistic",
    "approximate",
    "unbiased",
    "consistent",
    "learned",
    "failed",
)


class Estimate(NamedTuple):
    """A reported number.

    `kind` says how it relates to the truth *in expectation*: `exact`; a `lower bound` or an `upper bound`;
    `optimistic` or `pessimistic` where it is neither a bound for each sample nor unbiased, but errs to one side on
    average (a likelihood whose normaliser comes from annealed importance sampling is optimistic); `approximate`, where
    two such errors work against each other (a lower bound of u less a lower bound of log Z); `unbiased`;
    `consistent`, where it is right in the limit of many steps and errs to neither side as far as is known;
    `learned`, where a learner found the number along with the model, or it rests on such a one, and how it errs is not
    known; or `failed`, where the diagnostics say that the number must not be used. A failed estimate has the value
    `nan`, and its warnings say why.

    Attributes:
        value: the number.
        se: its standard error.
        kind: one of `KINDS`.
        unit: `nats` a row, `bits/dim`, …
        n: how many rows it is a mean of.
        ess: the effective sample size where weights were used, else `None`.
        warnings: sentences for people.
    """

    value: float
    se: float
    kind: str
    unit: str = "nats"
    n: int = 1
    ess: float | None = None
    warnings: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether the number must not be used."""
        return self.kind == "failed"

    def to_dict(self) -> dict[str, Any]:
        """The seven fields as JSON knows them: `nan` and infinities become null."""
        fields = self._asdict()
        for name in ("value", "se", "ess"):
            number = fields[name]
            fields[name] = None if number is None or not math.isfinite(number) else float(number)
        fields["warnings"] = list(self.warnings)
        return fields

    def scaled(self, factor: float, unit: str) -> "Estimate":
        """The same estimate in another unit; a negative factor swaps the bounds."""
        swap = {"lower bound": "upper bound", "upper bound": "lower bound"}
        kind = swap.get(self.kind, self.kind) if factor < 0 else self.kind
        return self._replace(value=self.value * factor, se=self.se * abs(factor), unit=unit, kind=kind)

    def bits_per_dim(self, size: int) -> "Estimate":
        """A log-likelihood in nats a row as bits per dimension: −value / (size · log 2)."""
        return self.scaled(-1.0 / (size * math.log(2.0)), "bits/dim")

    def __str__(self) -> str:
        if self.failed:
            return "failed: " + "; ".join(self.warnings)
        error = f" ± {self.se:.3f}" if math.isfinite(self.se) else ""
        return f"{self.value:.3f}{error} {self.unit} ({self.kind})"


def failed(why: str, *, unit: str = "nats", n: int = 1, ess: float | None = None) -> Estimate:
    """An estimate that must not be used, and why."""
    return Estimate(math.nan, math.nan, "failed", unit, n, ess, (why,))


def mean_of(values: Sequence[float] | np.ndarray, kind: str, **fields: Any) -> Estimate:
    """The mean of per-row numbers with the standard error of that mean."""
    rows = np.asarray(values, dtype=np.float64)
    if not np.all(np.isfinite(rows)):
        bad = int(np.sum(~np.isfinite(rows)))
        return failed(f"{bad} of {rows.size} rows have no finite value", n=rows.size)
    se = float(rows.std(ddof=1) / math.sqrt(rows.size)) if rows.size > 1 else 0.0
    return Estimate(float(rows.mean()), se, kind, n=rows.size, **fields)
