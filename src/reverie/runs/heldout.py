"""Held-out likelihoods of a run: quick ones to stop by, and the full one at its end."""

import time
from typing import Any

from reverie import noise
from reverie.capabilities import ConditionsOnClass, HasLengthNormalisers, HasPotential, HasPotentialBound
from reverie.data import Measure, Rows
from reverie.estimate import Estimate
from reverie.evaluation import class_normalisers, log_likelihood, log_normaliser
from reverie.evaluation.normaliser import sums_out
from reverie.evaluation.reference_weights import CHAINS, total_normaliser
from reverie.parts import Parts
from reverie.runs.config import Config
from reverie.runs.starts import states_of

MOST_ROWS = 500
QUICK_SAMPLES = 100
QUICK_TEMPERATURES = 300
QUICK_CHAINS, CLASS_CHAINS = 128, 64
"""Of annealing; the second for each class, where every class has a log Z."""
SHARE = 0.2
"""Under a time budget, the largest share of the time that validation may take."""


class Heldout:
    """Quick estimates on the validation rows.

    Args:
        rows: the validation rows; at most `MOST_ROWS` of them are used.
        measure: how a raw row becomes the model's.
        key: of the codes and the dequantisation noise, the same at every validation.
    """

    def __init__(self, rows: Rows, measure: Measure, key: Any) -> None:
        self.rows, self.measure, self.key = rows[:MOST_ROWS], measure, key
        self.spent = 0.0

    def warm_up(self, parts: Parts) -> None:
        """Compile now what validations need, so that no budget pays for it."""
        self.estimate(parts)
        self.spent = 0.0

    def affordable(self, config: Config, seconds: float) -> bool:
        """Whether another validation fits; always, unless the budget is a time."""
        return config.seconds is None or self.spent <= SHARE * max(seconds, 1.0)

    def estimate(self, parts: Parts) -> Estimate | None:
        """The mean log-likelihood; `None` where there are no rows, or no likelihood."""
        if not len(self.rows):
            return None
        began = time.perf_counter()
        model, log_z, class_log_z = parts["model"], None, None
        if isinstance(model, HasPotential | HasPotentialBound):
            annealing = {"chains": QUICK_CHAINS, "temperatures": QUICK_TEMPERATURES, "attempts": 1}
            log_z = _log_z(model, looking=0, **annealing)
        if isinstance(model, ConditionsOnClass):
            class_log_z = class_normalisers(model, chains=CLASS_CHAINS, temperatures=QUICK_TEMPERATURES, attempts=1)
        known: dict[str, Any] = {"log_z": log_z, "class_log_z": class_log_z}
        found = log_likelihood(parts, self.measure, self.rows.raw, self.key, samples=QUICK_SAMPLES, **known)
        self.spent += time.perf_counter() - began
        return found


def _log_z(model: Any, seed: int = 0, looking: int = CHAINS, **annealing: Any) -> Estimate:
    """By a sum; of sequences by draws of the field's own reference, unless they fail; else by annealing.

    Args:
        model: one that has a log Z.
        seed: of draws and chains.
        looking: chains that look for rows which the reference did not draw; none in a quick estimate.
        annealing: how, where it comes to that.
    """
    if isinstance(model, HasLengthNormalisers) and not sums_out(model):
        found = total_normaliser(model, seed=seed, chains=looking)
        if not found.failed:
            return found
    return log_normaliser(model, seed=seed, **annealing)


def final_estimates(
    parts: Parts, measure: Measure, rows: Rows, config: Config
) -> tuple[Estimate | None, Estimate | None]:
    """The held-out log-likelihood at the end of a run, and log Z where the model has one.

    Half of the chains that come back from the model begin at the rows: a mode that they know is not missed in silence.
    """
    if not len(rows):
        return None, None
    model, log_z = parts["model"], None
    if isinstance(model, HasPotential | HasPotentialBound):
        start = None if sums_out(model) else states_of(model, measure, rows, config.seed)
        log_z = _log_z(model, seed=config.seed, start=start)
    key = noise.make_key(config.seed, config.prng)
    return log_likelihood(parts, measure, rows.raw, key, log_z=log_z), log_z
