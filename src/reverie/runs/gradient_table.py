"""`gradients`: what the directions of learners are like on a run's parts and rows."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from reverie.data import Batch, Rows, Spec, to_model_rows
from reverie.errors import InputError
from reverie.evaluation import GradientStatistics, gradient_statistics
from reverie.learners import Learner
from reverie.runs.evaluating import rows_of
from reverie.runs.files import write_whole
from reverie.runs.run import Run


class Gradients(NamedTuple):
    """Gradient statistics, and whose they are.

    Attributes:
        run: the folder; empty for parts that are in none.
        statistics: the table.
    """

    run: str
    statistics: GradientStatistics

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {"run": self.run} | self.statistics.to_dict()

    def plot(self, path: str | Path) -> None:
        """Write a picture of the table, a PNG."""
        from reverie.runs.pictures import draw_gradients

        write_whole(Path(path), draw_gradients(self.statistics))


def gradients(
    run: Run | Mapping[str, Any],
    learners: Iterable[str | Learner] | None = None,
    data: Any = None,
    *,
    rows: int = 10,
    reference: str | Learner | None = None,
    draws: int = 1000,
    settle: int = 100,
    seed: int = 0,
    spec: Spec | None = None,
    heard: Callable[[str], None] = lambda doing: None,
) -> Gradients:
    """Bias, variance, cosine and signal to noise of learners' directions, part by part, on the same parts and rows.

    Args:
        run: an opened run, or filled parts by role.
        learners: values or words, such as `"nvil"`, `"rws:k=10"`; the run's own when not given.
        data: rows for a run, as `evaluate` takes them; for parts, rows as the model sees them.
        rows: how many of them, the first ones; a direction is a mean over these.
        reference: the learner that all are compared with; each with the gradient that it estimates when not given, by
            enumeration where codes are few, else by a long run of the first learner that is unbiased for it.
        draws: directions of each learner.
        settle: steps of chains and memories before the first.
        seed: of everything random.
        spec: of the data, for parts that are in no run and learners that require others besides.
        heard: called with what goes on, in words.

    Example:
        >>> rv.gradients(run, ["reinforce", "nvil", "vimco:k=5"]).plot("gradients.png")  # doctest: +SKIP
    """
    if rows < 1:
        raise InputError(f"rows must be at least 1, not {rows}")
    if isinstance(run, Run):
        parts, spec, step, name = run.parts, run.spec, run.step, str(run.path)
        learners = [run.config.make_learner()] if learners is None else learners
        found: Rows = rows_of(run, data)[:rows]
        x = to_model_rows(run.measure, found.raw, seed)
        y = None if found.y is None else jnp.asarray(found.y)
    elif data is None or learners is None:
        raise InputError("parts that are in no run need rows and learners: gradients(parts, learners, rows)")
    else:
        parts, step, name, y = dict(run), None, "", None
        x = jax.tree.map(lambda leaf: leaf[:rows], data)
    x = jax.tree.map(jnp.asarray, x)
    batch = Batch(jnp.arange(len(jax.tree.leaves(x)[0])), x, y)
    settings: dict[str, Any] = {} if step is None else {"step": step}
    statistics = gradient_statistics(
        parts,
        learners,
        batch,
        reference=reference,
        draws=draws,
        settle=settle,
        seed=seed,
        spec=spec,
        heard=heard,
        **settings,
    )
    return Gradients(name, statistics)
