"""How many rows the parts of a semi-supervised model give their right class."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Classifies, ClassifiesCodes, Encodes, posterior_of
from reverie.data import Measure
from reverie.errors import InputError
from reverie.estimate import Estimate, mean_of
from reverie.evaluation.chunks import count_rows, fingerprints, in_chunks, seen
from reverie.parts import Parts

ROWS = 256
"""Rows in a chunk."""


def _classify(parts: Parts) -> Callable[[Array, PyTree], Array] | None:
    """From a key and a row to the log-probabilities of its classes: by the code, the inference model or the model."""
    if "inference" not in parts:
        model = parts["model"]
        return model.class_log_probs if isinstance(model, Classifies) else None
    posterior, classifier = posterior_of(parts), parts.get("classifier")
    if isinstance(classifier, ClassifiesCodes) and isinstance(posterior, Encodes):
        return lambda key, x: jax.nn.log_softmax(classifier.class_logits(posterior.encode(x)))
    return posterior.class_log_probs if isinstance(posterior, Classifies) else None


@eqx.filter_jit
def _told(parts: Parts, measure: Measure, key: Key[Array, ""], rows: PyTree) -> Array:
    classify = _classify(parts)
    assert classify is not None, "the caller has asked"

    def one(words: Array, raw: PyTree) -> Array:
        x, _, key_codes = seen(measure, key, words, raw)
        return classify(key_codes, x)

    return jax.vmap(one)(*rows)


def class_log_probs(parts: Parts, measure: Measure, raw: PyTree, key: Key[Any, ""]) -> np.ndarray | None:
    """log q(y | x) for each row and class, [n, classes]; `None` where the parts tell no classes.

    Args:
        parts: the filled parts: a classifier of codes, or an inference model or a model that `Classifies`.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of what is drawn on the way to a class; a row's is a function of the key and the row alone.
    """
    if _classify(parts) is None:
        return None
    raw = jax.tree.map(np.asarray, raw)
    if not jax.tree.leaves(raw) or not count_rows(raw):
        raise InputError("there are no rows to classify")
    found: np.ndarray = in_chunks(lambda piece: _told(parts, measure, key, piece), (fingerprints(raw), raw), ROWS)
    return found


def accuracy(parts: Parts, measure: Measure, raw: PyTree, y: np.ndarray, key: Key[Any, ""]) -> Estimate | None:
    """The share of rows whose likeliest class is their label; `None` where no class is told or no row has a label.

    Args:
        parts: as `class_log_probs` has them.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        y: the labels, −1 where a row has none.
        key: as `class_log_probs` has it.
    """
    if not np.any(y >= 0):
        return None
    told = class_log_probs(parts, measure, raw, key)
    if told is None:
        return None
    right = np.argmax(told, axis=1) == y
    return mean_of(right[y >= 0], "exact", unit="of rows")
