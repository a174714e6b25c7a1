"""The likelihood of rows between the two ends of a bracket of log Z, from a run's folder."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from reverie import noise
from reverie.capabilities import HasPotential, HasPotentialBound, HasTempering, whole_of
from reverie.data import Rows, load_again, to_model_rows
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation import Bracket, normaliser_bracket, score
from reverie.evaluation.likelihood import mean_score
from reverie.runs.run import Run

STARTS = 2000
"""Training rows from which the chains that return begin."""


class Bracketed(NamedTuple):
    """log Z between a lower and an upper bound, and the rows' likelihood with each.

    Attributes:
        log_z: the bounds; the width is failed, in words, where they do not close or have changed places.
        with_lower: log-likelihood with the lower bound on log Z, which errs to the better side.
        with_upper: the same with the upper bound, which errs to the worse side as far as the chains had settled.
        start: where the chains that return began, in words.
    """

    log_z: Bracket
    with_lower: Estimate
    with_upper: Estimate
    start: str

    @property
    def used(self) -> Estimate:
        """What stands for log Z elsewhere: the lower bound, failed where the bracket says nothing."""
        gap = self.log_z.gap
        return failed("; ".join(gap.warnings)) if gap.failed else self.log_z.lower

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {name: value if name == "start" else value.to_dict() for name, value in self._asdict().items()}


def unbracketed(model: Any) -> str | None:
    """Why there is no bracket of log Z, in words; `None` where there is one."""
    if not isinstance(model, HasPotential | HasPotentialBound):
        return "it has no single log Z"
    return None if isinstance(whole_of(model), HasTempering) else "its log Z is not to be annealed"


def bracketed(run: Run, rows: Rows, key: Any, *, seed: int, samples: int, **settings: Any) -> Bracketed:
    """Bracket log Z, and give the likelihood of rows with both ends.

    Chains that return begin at training rows, or at the rows themselves where the training rows came from memory.

    Args:
        run: an opened run whose model has a log Z that can be annealed.
        rows: those whose likelihood is wanted.
        key: of the noise of a random measure, and of codes.
        seed: of the chains.
        samples: codes for each row, where its potential is a bound of that many.
        settings: chains, temperatures and settle, as `normaliser_bracket` has them.
    """
    start, where = _states(run, rows, seed)
    found = normaliser_bracket(run.parts["model"], start=start, seed=seed, **settings)
    ends = [failed("; ".join(found.gap.warnings))] * 2 if found.gap.failed else [found.lower, found.upper]
    with_ends = []
    for log_z in ends:
        scores = score(run.parts, run.measure, rows.raw, key, samples=samples, log_z=log_z)
        if scores is None:
            raise InputError(f"{run.model} has no likelihood that a log Z would complete")
        with_ends.append(mean_score(scores, samples))
    return Bracketed(found, with_ends[0], with_ends[1], where)


def _states(run: Run, rows: Rows, seed: int) -> tuple[PyTree, str]:
    """States of the whole that go with training rows."""
    recipe, where = run.config.data.recipe, "training rows"
    if recipe is None:
        taken, where = rows, "the rows themselves: the run's training rows came from memory"
    else:
        taken = load_again(recipe, run.schema, run.config.data.fingerprint, run.config.data.name).train
    x = jax.tree.map(jnp.asarray, to_model_rows(run.measure, taken[:STARTS].raw, seed))
    model = run.parts["model"]
    if not isinstance(model, HasPotentialBound):
        return x, where
    keys = jax.random.split(noise.make_key(seed), len(jax.tree.leaves(x)[0]))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(model.state_of))(keys, x)), where
