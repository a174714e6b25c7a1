"""Codes of an inference model weighed against the joint density: what every bound on a likelihood is made of.

For a row x and codes h_k ~ q(h | x)

    log w_k = log p(x | h_k) − (log q(h_k | x) − log p(h_k)) = fit_k − divergence_k

The means over k of fit, divergence and their difference give the evidence lower bound and its two terms; the log of
the mean of w over K codes the importance-weighted bound (Burda, Grosse & Salakhutdinov 2016, Eq. 8). A row's codes are
a function of the key and the row's own values, so that all of these come from the same codes.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.data import Measure
from reverie.evaluation.chunks import fingerprints, in_chunks, seen
from reverie.evaluation.widths import one_row, widest

CODES = 512
"""The most codes of a row that are held on the device at once."""
ROWS = 256
"""The most rows in a chunk."""
NUMBERS = 2**20
"""About how many numbers one layer of a chunk of rows and codes may have."""
LARGEST, LEAST = 2**22, 16
"""Where one row with that many codes has more, the numbers that it may have, and the codes that it has all the same."""


class Weighed(NamedTuple):
    """Codes of a chunk of rows, float64.

    Attributes:
        fit: log p(x | h) in raw space, [rows, codes].
        divergence: log q(h | x) − log p(h), [rows, codes].
    """

    fit: np.ndarray
    divergence: np.ndarray

    @property
    def log_weight(self) -> np.ndarray:
        """log w, [rows, codes]."""
        return self.fit - self.divergence


@eqx.filter_jit
def _block(
    model: Any, posterior: Any, measure: Measure, key: Key[Array, ""], width: int, number: Array, rows: PyTree
) -> tuple[Array, Array, Array]:
    """The codes of one block: fit and divergence, [rows, width], and the measure's correction, [rows]."""

    def one(words: Array, raw: PyTree) -> tuple[Array, Array, Array]:
        x, correction, key_codes = seen(measure, key, words, raw)
        keys = jax.random.split(jax.random.fold_in(key_codes, number), width)
        fit, divergence = jax.vmap(lambda one_key: _code(model, posterior, one_key, x))(keys)
        return fit, divergence, correction

    return jax.vmap(one)(*rows)


def _code(model: Any, posterior: Any, key: Key[Array, ""], x: PyTree) -> tuple[Array, Array]:
    """One code's fit and divergence."""
    h, log_q = posterior.propose(key, x)
    return model.log_likelihood(x, h), log_q - model.log_prior(h)


def _shape(samples: int, numbers: int) -> tuple[int, int]:
    """Codes in a block and rows in a chunk, where the widest layer of a row and a code has so many numbers.

    Powers of two: few compilations serve all numbers of codes, and no row falls into a vectorised loop's remainder.
    """
    most = min(CODES, max(LEAST, 2 ** int(math.log2(max(LARGEST // numbers, 1)))))
    width = min(2 ** math.ceil(math.log2(samples)), most)
    room = NUMBERS // (width * max(numbers, 64))
    return width, 2 ** int(math.log2(min(max(room, 1), ROWS)))


def weigh(
    model: Any,
    posterior: Any,
    measure: Measure,
    raw: PyTree,
    key: Key[Array, ""],
    samples: int,
    reduce: Callable[[Weighed], Any],
) -> Any:
    """`reduce` of the weighed codes of each chunk of rows, its results [rows, …] laid end to end.

    Args:
        model: a filled model that `HasLogJoint`.
        posterior: one that `Proposes`.
        measure: how a raw row becomes the model's.
        raw: the rows, NumPy arrays.
        key: of the codes, and of the noise of a random measure.
        samples: codes for each row.
        reduce: from the codes of a chunk of rows to arrays with those rows.
    """

    def one(parts: tuple[Any, Any], words: Array, raw: PyTree) -> tuple[Array, Array]:
        x, _, key_codes = seen(measure, key, words, raw)
        return _code(*parts, key_codes, x)

    named = fingerprints(raw)
    width, size = _shape(samples, widest(one, (model, posterior), *one_row((named, raw))))

    def chunk(rows: PyTree) -> Any:
        numbers = range(-(-samples // width))
        blocks = [_block(model, posterior, measure, key, width, jnp.asarray(number), rows) for number in numbers]
        fit, divergence = (
            np.concatenate([np.asarray(block[place], np.float64) for block in blocks], axis=1)[:, :samples]
            for place in (0, 1)
        )
        return reduce(Weighed(fit + np.asarray(blocks[0][2], np.float64)[:, None], divergence))

    return in_chunks(chunk, (named, raw), size)


def log_mean_weight(log_w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """log 1/K Σ_k w_k over the last axis, and the effective number of codes (Σ w)² / Σ w²."""
    top = log_w.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    # Weights that are not finite make a value that is not: estimates say so, and NumPy need not.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        w = np.exp(log_w - top)
        total = w.sum(axis=-1)
        value = top[..., 0] + np.log(total) - math.log(log_w.shape[-1])
        ess = np.square(total) / np.square(w).sum(axis=-1)
    return value, np.where(np.isfinite(value), ess, 0.0)
