"""The likelihood of rows between the two ends of a bracket of log Z, from a run's folder."""

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from reverie.capabilities import ConditionsOnClass, HasPotential, HasPotentialBound, HasTempering, whole_of
from reverie.data import Rows, load_again
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation import Bracket, normaliser_bracket, score
from reverie.evaluation.likelihood import mean_score
from reverie.runs.run import Run
from reverie.runs.starts import states_of


class Bracketed(NamedTuple):
    """log Z between a lower and an upper bound, and the rows' likelihood with each.

    Attributes:
        log_z: the bounds, or those of each class of a model of rows given a class; the width is failed, in words, where
            they do not close or have changed places.
        with_lower: log-likelihood with the lower bound on log Z, which errs to the better side.
        with_upper: the same with the upper bound, which errs to the worse side as far as the chains had settled.
        start: where the chains that return began, in words.
    """

    log_z: tuple[Bracket, ...]
    with_lower: Estimate
    with_upper: Estimate
    start: str

    @property
    def used(self) -> tuple[Estimate, ...]:
        """What stands for log Z elsewhere: each lower bound, failed where its bracket says nothing."""
        return _ends(self.log_z, "lower")

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        ends = {"log_z": [one.to_dict() for one in self.log_z]}
        return (
            ends
            | {"with_lower": self.with_lower.to_dict(), "with_upper": self.with_upper.to_dict()}
            | {"start": self.start}
        )


def _ends(brackets: tuple[Bracket, ...], which: str) -> tuple[Estimate, ...]:
    return tuple(
        failed("; ".join(one.gap.warnings)) if one.gap.failed else (one.lower if which == "lower" else one.upper)
        for one in brackets
    )


def unbracketed(model: Any) -> str | None:
    """Why there is no bracket of log Z, in words; `None` where there is one."""
    if isinstance(model, ConditionsOnClass):
        model = model.given(jnp.asarray(0))
    if not isinstance(model, HasPotential | HasPotentialBound):
        return "it has none"
    return None if isinstance(whole_of(model), HasTempering) else "it is not to be annealed"


def unannealed(name: str, model: Any) -> str:
    """What is said where annealing was asked for of a model without latent variables."""
    why = unbracketed(model) if isinstance(model, HasPotential | HasPotentialBound | ConditionsOnClass) else None
    beside = "" if why is None else f", and its log Z has no bracket: {why}"
    return f"{name} has no latent variables to anneal{beside}"


def bracketed(run: Run, rows: Rows, key: Any, *, seed: int, samples: int, **settings: Any) -> Bracketed:
    """Bracket log Z, and give the likelihood of rows with both ends.

    Chains that return begin at training rows (of a class, where there is a log Z for each), or at the rows themselves
    where the training rows came from memory.

    Args:
        run: an opened run whose model has a log Z that can be annealed.
        rows: those whose likelihood is wanted.
        key: of the noise of a random measure, and of codes.
        seed: of the chains.
        samples: codes for each row, where its potential is a bound of that many.
        settings: chains, temperatures and settle, as `normaliser_bracket` has them.
    """
    model = run.parts["model"]
    taken, where = _taken(run, rows)
    if isinstance(model, ConditionsOnClass):
        found = tuple(
            normaliser_bracket(
                model.given(jnp.asarray(y)), start=_states(run, _of_class(taken, y), seed), seed=seed + y, **settings
            )
            for y in range(model.given_classes)
        )
    else:
        found = (normaliser_bracket(model, start=_states(run, taken, seed), seed=seed, **settings),)
    with_ends = []
    for which in ("lower", "upper"):
        ends = _ends(found, which)
        known = {"class_log_z": ends} if isinstance(model, ConditionsOnClass) else {"log_z": ends[0]}
        scores = score(run.parts, run.measure, rows.raw, key, samples=samples, **known)
        if scores is None:
            raise InputError(f"{run.model} has no likelihood that a log Z would complete")
        with_ends.append(mean_score(scores, samples))
    return Bracketed(found, with_ends[0], with_ends[1], where)


def _taken(run: Run, rows: Rows) -> tuple[Rows, str]:
    recipe = run.config.data.recipe
    if recipe is None:
        return rows, "the rows themselves: the run's training rows came from memory"
    return load_again(recipe, run.schema, run.config.data.fingerprint, run.config.data.name).train, "training rows"


def _of_class(rows: Rows, y: int) -> Rows:
    """The rows of a class; all of them where it has none."""
    places = np.flatnonzero(rows.y == y) if rows.y is not None else np.arange(0)
    return rows[places] if places.size else rows


def _states(run: Run, taken: Rows, seed: int) -> PyTree:
    return states_of(run.parts["model"], run.measure, taken, seed)
