"""Noise on the rows that an encoder reads, while the decoder must give the clean ones."""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.errors import InputError

Corruption: TypeAlias = Literal["none", "mask", "swap", "gaussian"]


def corrupt(key: Key[Array, ""], x: PyTree, corruption: Corruption, amount: float) -> PyTree:
    """A batch of rows with noise on it.

    Args:
        key: of the noise.
        x: rows [batch, …].
        corruption: `mask` sets each value to zero with probability `amount`; `swap` puts another row's value of the
            same column in its place; `gaussian` adds N(0, `amount`²) to real values.
        amount: how much.
    """
    leaves, structure = jax.tree.flatten(x)
    if corruption == "gaussian" and not any(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in leaves):
        raise InputError("Gaussian corruption needs columns of real numbers; use mask or swap for these")
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        structure, [_corrupted(one, leaf, corruption, amount) for one, leaf in zip(keys, leaves, strict=True)]
    )


def _corrupted(key: Key[Array, ""], leaf: Array, corruption: Corruption, amount: float) -> Array:
    if corruption == "none":
        return leaf
    if corruption == "gaussian":
        real = jnp.issubdtype(leaf.dtype, jnp.floating)
        return leaf + amount * noise.normal(key, leaf.shape) if real else leaf
    key_where, key_what = jax.random.split(key)
    hit = noise.uniform(key_where, leaf.shape) < amount
    other = jax.random.permutation(key_what, leaf, axis=0) if corruption == "swap" else jnp.zeros_like(leaf)
    return jnp.where(hit, other, leaf)
