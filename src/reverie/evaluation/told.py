"""What a model that tells some columns given the others says of rows."""

from collections.abc import Callable
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import TellsColumns
from reverie.data import Measure
from reverie.errors import InputError
from reverie.estimate import Estimate, mean_of
from reverie.evaluation.chunks import fingerprints, in_chunks, seen

ROWS = 256
"""Rows in a chunk."""
How = Literal["likeliest", "sample"]


def reference_of(model: Any, measure: Measure) -> str:
    """The space and base measure of a likelihood; of categories told given the rest, which they are, and no density."""
    return f"{model.told_words}: mass on levels" if isinstance(model, TellsColumns) else measure.reference


def _each(
    model: TellsColumns, measure: Measure, raw: PyTree, key: Key[Array, ""], of_row: Callable[[Any, Array, PyTree], Any]
) -> Any:
    @eqx.filter_jit
    def piece(model: TellsColumns, rows: PyTree) -> Any:
        def one(words: Array, raw: PyTree) -> Any:
            x, _, key_row = seen(measure, key, words, raw)
            return of_row(model, key_row, x)

        return jax.vmap(one)(*rows)

    raw = jax.tree.map(np.asarray, raw)
    return in_chunks(lambda rows: piece(model, rows), (fingerprints(raw), raw), ROWS)


def retold(model: Any, measure: Measure, raw: PyTree, key: Key[Array, ""], how: How = "likeliest") -> PyTree:
    """Raw rows with their told columns told anew, whatever they were: the likeliest together, or a draw.

    A row's draw is keyed by the row's own values, as its score is.

    Args:
        model: one that `TellsColumns`.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the draws.
        how: `likeliest` or `sample`.
    """
    if not isinstance(model, TellsColumns):
        raise InputError(f"{type(model).__name__} tells no columns given others: that needs TellsColumns")
    if how not in ("likeliest", "sample"):
        raise InputError(f"how must be likeliest or sample, not {how!r}")

    def one(model: TellsColumns, key_row: Array, x: PyTree) -> PyTree:
        y = model.likeliest_told(x) if how == "likeliest" else model.sample_told(key_row, x)
        return measure.from_model(model.with_told(x, y))

    return _each(model, measure, raw, key, one)


def told_accuracy(model: TellsColumns, measure: Measure, raw: PyTree, key: Key[Array, ""]) -> Estimate:
    """The share of told columns whose own likeliest level is the row's, as a mean over the rows."""

    def one(model: TellsColumns, key_row: Array, x: PyTree) -> Array:
        right = jnp.argmax(model.told_log_probs(x), axis=-1) == model.told(x)
        return jnp.mean(right, dtype=jnp.float32)

    return mean_of(_each(model, measure, raw, key, one), "exact", unit="of told columns")
