"""Work on many rows in pieces of one fixed size, and noise that belongs to a row.

A float32 result changes in its last bits with the size of the batch that it was computed in, so rows are padded to
a size that depends on nothing but the kind of work. Noise drawn for the third row of a batch would change when the
batch does, so it is keyed by what the row holds.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.data import Measure

BLOCK = 512
"""Rows that are hashed at once."""


def count_rows(rows: PyTree) -> int:
    """How many rows there are."""
    return len(jax.tree.leaves(rows)[0])


def in_chunks(function: Callable[[PyTree], PyTree], rows: PyTree, size: int) -> Any:
    """`function` of `size` rows at a time, its results laid end to end as NumPy arrays.

    The last piece is filled up with copies of its last row, whose results are dropped.
    """
    count = count_rows(rows)
    pieces = [function(_filled(_taken(rows, start, size), size)) for start in range(0, count, size)]
    return jax.tree.map(lambda *leaves: np.concatenate([np.asarray(leaf) for leaf in leaves])[:count], *pieces)


def _taken(rows: PyTree, start: int, size: int) -> PyTree:
    return jax.tree.map(lambda leaf: leaf[start : start + size], rows)


def _filled(rows: PyTree, size: int) -> PyTree:
    short = size - count_rows(rows)
    return (
        jax.tree.map(lambda leaf: np.concatenate([leaf, np.repeat(leaf[-1:], short, axis=0)]), rows) if short else rows
    )


def fingerprints(rows: PyTree) -> np.ndarray:
    """Two 32-bit words for each row that depend on its values alone, [n, 2].

    The values as float32, whatever the type they came in, are hashed by Σ_i a_i w_i mod 2⁶⁴ with fixed odd a_i (a
    multilinear hash) and mixed by the finaliser of SplitMix64 (Steele, Lea & Flood 2014, Fig. 14).
    """
    # Block by block: the words of 60,000 pictures at once would not fit any cache.
    starts = range(0, count_rows(rows), BLOCK)
    return np.concatenate([_hashed(_taken(rows, start, BLOCK)) for start in starts])


def _hashed(rows: PyTree) -> np.ndarray:
    count = count_rows(rows)
    flat = np.concatenate([np.asarray(leaf, np.float32).reshape(count, -1) for leaf in jax.tree.leaves(rows)], axis=1)
    # Adding zero turns −0 into 0: equal values, equal words. Bits and small whole numbers end in zeros as floats;
    # turned, they use the whole width of a product.
    words = (flat + np.float32(0.0)).view(np.uint32)
    words = ((words << np.uint32(9)) | (words >> np.uint32(23))).astype(np.uint64)
    factors = np.random.Generator(np.random.Philox(5)).integers(0, 2**64, words.shape[1], np.uint64) | np.uint64(1)
    mixed = words @ factors
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    return np.stack([mixed >> np.uint64(32), mixed & np.uint64(0xFFFFFFFF)], axis=1).astype(np.uint32)


def row_key(key: Key[Array, ""], words: Array) -> Key[Array, ""]:
    """The key of the row with these words."""
    return jax.random.fold_in(jax.random.fold_in(key, words[0]), words[1])


def seen(measure: Measure, key: Key[Array, ""], words: Array, raw: PyTree) -> tuple[PyTree, Array, Key[Array, ""]]:
    """The model's row, the correction of its density, and a key for codes: all from the row's own key."""
    key_measure, key_codes = jax.random.split(row_key(key, words))
    return measure.to_model(key_measure, raw), measure.log_density_correction(key_measure, raw), key_codes
