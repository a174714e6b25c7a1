"""`evaluate`: what a run is worth on rows that it did not learn from."""

from typing import Any, NamedTuple

import jax
import numpy as np

from reverie import noise
from reverie.data import Dataset, Rows, load_again, to_model_rows
from reverie.errors import InputError
from reverie.estimate import Estimate
from reverie.evaluation import TwoSample, log_likelihood, samples_of, two_sample
from reverie.networks.features import layouts
from reverie.runs.run import Run

MOST = 1000
"""Rows, and samples, of the two-sample figures."""


class Evaluation(NamedTuple):
    """Figures about a run.

    Attributes:
        run: the folder.
        rows: how many rows it was evaluated on.
        log_likelihood: a row's, in nats, in raw space; `None` for implicit models.
        bits_per_dim: the same in bits per dimension, for images.
        log_normaliser: log Z, for models that have one.
        two_sample: the model's draws against the rows.
        reference: the space and base measure in which the likelihood lives.
    """

    run: str
    rows: int
    log_likelihood: Estimate | None
    bits_per_dim: Estimate | None
    log_normaliser: Estimate | None
    two_sample: TwoSample | None
    reference: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        found = self._asdict()
        for name in ("log_likelihood", "bits_per_dim", "log_normaliser", "two_sample"):
            found[name] = None if found[name] is None else found[name].to_dict()
        return found


def evaluate(run: Run, data: Any = None, *, samples: int = 1000, seed: int = 0) -> Evaluation:
    """Evaluate a run on rows: its own test rows, or any of the same columns.

    Args:
        run: an opened run.
        data: `Rows`, a `Dataset` (its test rows), anything that `load` reads; the run's own test rows when `None`.
        samples: codes for each row, where the likelihood is bounded by importance weighting.
        seed: of the codes and the draws.

    Example:
        >>> rv.evaluate(run, data.test).log_likelihood  # doctest: +SKIP
    """
    if samples < 1:
        raise InputError(f"samples must be at least 1, not {samples}")
    rows = _rows(run, data)
    key = noise.make_key(seed, run.config.prng)
    found = log_likelihood(run.parts, run.measure, rows.raw, key, samples=samples, log_z=run.log_z)
    image = run.spec.image
    held = to_model_rows(run.measure, rows[:MOST].raw, seed)
    drawn = samples_of(run.parts, len(jax.tree.leaves(held)[0]), jax.random.fold_in(key, 1))
    figures = two_sample(drawn, held, layouts(run.spec), seed=seed) if len(rows) > 1 else None
    return Evaluation(
        run=str(run.path),
        rows=len(rows),
        log_likelihood=found,
        bits_per_dim=None if found is None or image is None else found.bits_per_dim(int(np.prod(image))),
        log_normaliser=run.log_z,
        two_sample=figures,
        reference=run.measure.reference,
    )


def _rows(run: Run, data: Any) -> Rows:
    if isinstance(data, Rows):
        return data
    if isinstance(data, Dataset):
        return data.test
    if data is not None:
        return run.read(data)
    recipe = run.config.data.recipe
    if recipe is None:
        raise InputError("this run's data came from memory: say which rows to evaluate it on")
    again = load_again(recipe, run.schema, run.config.data.fingerprint, run.config.data.name)
    return again.test if len(again.test) else again.valid
