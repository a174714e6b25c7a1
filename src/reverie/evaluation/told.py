"""What a model that tells some columns given the others says of rows."""

import math
from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    MOST_TOLD,
    ConditionsOnColumns,
    HasEnumeration,
    SplitsColumns,
    TellsColumns,
    TellsLevels,
    log_sum,
    states_of,
)
from reverie.data import Measure
from reverie.errors import InputError
from reverie.estimate import Estimate, failed, mean_of
from reverie.evaluation.chunks import count_rows, fingerprints, in_chunks, seen
from reverie.evaluation.normaliser import log_normaliser
from reverie.samplers import kernel_for

ROWS = 256
"""Rows in a chunk."""
MOVES = 1000
"""Of a chain that draws told columns whose values together are too many to write out."""
How = Literal["likeliest", "sample"]


def reference_of(model: Any, measure: Measure) -> str:
    """The space and base measure of a likelihood; of columns told given the rest, which they are.

    Told categories and bits have a mass. Told reals have a density in the units that the model sees: the measure's
    correction is of all columns together and is left out.
    """
    if not isinstance(model, SplitsColumns):
        return measure.reference
    discrete = isinstance(model, TellsColumns | TellsLevels)
    return f"{model.told_words}: {'mass on levels' if discrete else 'density in units of the model'}"


def _each(
    model: SplitsColumns,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    of_row: Callable[[Any, Array, PyTree], Any],
) -> Any:
    @eqx.filter_jit
    def piece(model: SplitsColumns, rows: PyTree) -> Any:
        def one(words: Array, raw: PyTree) -> Any:
            x, _, key_row = seen(measure, key, words, raw)
            return of_row(model, key_row, x)

        # A sum over told values for each row would be large for all of them at once.
        each = jax.vmap(one) if isinstance(model, TellsColumns) else lambda *rows: jax.lax.map(lambda r: one(*r), rows)
        return each(*rows)

    raw = jax.tree.map(np.asarray, raw)
    return in_chunks(lambda rows: piece(model, rows), (fingerprints(raw), raw), ROWS)


def writes_out(model: Any, measure: Measure, raw: PyTree, key: Key[Array, ""]) -> tuple[bool, bool]:
    """Whether log Z given a row's columns, and whether its told columns' values, are few enough to be written out."""
    if not isinstance(model, TellsLevels):
        return False, False
    first = jax.tree.map(lambda leaf: np.asarray(leaf)[:1], raw)
    x, _, _ = seen(measure, key, fingerprints(first)[0], jax.tree.map(lambda leaf: leaf[0], first))
    field: HasEnumeration = model.conditioned(x)
    return math.prod(field.enumeration_levels) <= MOST_TOLD, math.prod(model.told_levels) <= MOST_TOLD


def _table(model: TellsLevels, x: PyTree) -> tuple[Array, Array]:
    """Every value of the told columns, and log p of it given the row's others."""
    every = states_of(model.told_levels)
    return every, jax.nn.log_softmax(jax.vmap(model.conditioned(x).potential)(every))


def _walked(model: ConditionsOnColumns, key: Array, x: PyTree) -> Array:
    """The told columns after a chain from where the field says that one may begin."""
    field = model.conditioned(x)
    kernel = kernel_for(field)
    key_start, key_begin, key_move = jax.random.split(key, 3)
    y = field.start(key_start)

    def step(t: Array, state: tuple[Array, Any]) -> tuple[Array, Any]:
        return kernel.move(jax.random.fold_in(key_move, t), field, *state)[:2]

    found: Array = jax.lax.fori_loop(0, MOVES, step, (y, kernel.begin(key_begin, field, y)))[0]
    return found


def retold(model: Any, measure: Measure, raw: PyTree, key: Key[Array, ""], how: How = "likeliest") -> PyTree:
    """Raw rows with their told columns told anew, whatever they were: the likeliest together, or a draw.

    A row's draw is keyed by the row's own values, as its score is.

    Args:
        model: one that `TellsColumns` or `ConditionsOnColumns`; of the latter, where the values are too many to write
            out, a draw is where a chain of a thousand moves ends, and the likeliest is not to be had.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the draws.
        how: `likeliest` or `sample`.
    """
    if not isinstance(model, SplitsColumns):
        raise InputError(
            f"{type(model).__name__} tells no columns given others: that needs a model such as crf or conditional-field"
        )
    if how not in ("likeliest", "sample"):
        raise InputError(f"how must be likeliest or sample, not {how!r}")
    few = isinstance(model, TellsColumns) or writes_out(model, measure, raw, key)[1]
    if how == "likeliest" and not few:
        raise InputError(f"the values of {model.told_words} are too many to find the likeliest: ask for how=sample")

    def one(model: Any, key_row: Array, x: PyTree) -> PyTree:
        if isinstance(model, TellsColumns):
            y = model.likeliest_told(x) if how == "likeliest" else model.sample_told(key_row, x)
        elif few:
            every, log_p = _table(model, x)
            y = every[jnp.argmax(log_p) if how == "likeliest" else noise.categorical(key_row, log_p)]
        else:
            y = _walked(model, key_row, x)
        return measure.from_model(model.with_told(x, y))

    return _each(model, measure, raw, key, one)


def told_accuracy(model: Any, measure: Measure, raw: PyTree, key: Key[Array, ""]) -> Estimate | None:
    """The share of told columns whose own likeliest value is the row's, as a mean over the rows.

    `None` where the values are too many to write out, and where what is told are reals.
    """
    if not isinstance(model, TellsColumns) and not writes_out(model, measure, raw, key)[1]:
        return None

    def one(model: Any, key_row: Array, x: PyTree) -> Array:
        if isinstance(model, TellsColumns):
            each = model.told_log_probs(x)
        else:
            every, log_p = _table(model, x)
            corners = jax.nn.one_hot(every.astype(jnp.int32), max(model.told_levels))
            each = jnp.einsum("y,ytk->tk", jnp.exp(log_p), corners)
        right = jnp.argmax(each, axis=-1) == model.told(x)
        return jnp.mean(right, dtype=jnp.float32)

    return mean_of(_each(model, measure, raw, key, one), "exact", unit="of told columns")


def told_scores(model: TellsLevels, measure: Measure, raw: PyTree, key: Key[Array, ""]) -> np.ndarray:
    """log p(told | given) of each row, log Z of each being written out as a sum."""

    def one(model: Any, key_row: Array, x: PyTree) -> Array:
        field = model.conditioned(x)
        return field.potential(model.told(x)) - log_sum(field)

    return np.asarray(_each(model, measure, raw, key, one), np.float64)


@eqx.filter_jit
def _of_row(
    model: ConditionsOnColumns, measure: Measure, key: Key[Array, ""], words: Array, raw: PyTree
) -> tuple[Any, Array]:
    x, _, _ = seen(measure, key, words, raw)
    field = model.conditioned(x)
    return field, field.potential(model.told(x))


def annealed_told(
    model: ConditionsOnColumns, measure: Measure, raw: PyTree, key: Key[Array, ""], *, seed: int = 0, **settings: Any
) -> Estimate:
    """The mean of log p(told | given) over the rows, log Z of each by annealing chains of its own, which is slow.

    Failed where that of any row is: its log Z is known of no other row.

    Args:
        model: one that `ConditionsOnColumns`.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the noise of a random measure.
        seed: of the chains.
        settings: chains and temperatures, as `log_normaliser` has them.
    """
    raw = jax.tree.map(np.asarray, raw)
    words, count = fingerprints(raw), count_rows(raw)
    values, errors = [], []
    for i in range(count):
        field, u = _of_row(model, measure, key, words[i], jax.tree.map(lambda leaf, i=i: leaf[i], raw))
        log_z = log_normaliser(field, method="ais", seed=seed + i, **settings)
        if log_z.failed:
            return failed(f"row {i + 1} of {count}: {'; '.join(log_z.warnings)}", n=count)
        values.append(float(u) - log_z.value)
        errors.append(log_z.se)
    # The spread over rows has their own annealing in it.
    found = mean_of(np.array(values), "optimistic")
    return found if count > 1 else found._replace(se=errors[0])
