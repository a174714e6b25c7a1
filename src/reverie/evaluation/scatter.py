"""Where chains that are annealed back begin, when nobody knows the modes: far apart, in every direction."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasLengths
from reverie.evaluation.sweeps import base_of

NEAREST, FURTHEST = 0.5, 16.0
"""Of reals: the least and the largest distance from the middle of the base's draws, in units of the draws' own."""


def scattered_base(model: Any, key: Key[Array, ""], chains: int) -> PyTree:
    """States made of draws of a model's base; sequences keep their lengths, and ever more symbols are alike."""
    key_base, key_scatter = jax.random.split(key)
    return scattered_rows(model, key_scatter, base_of(model, key_base, chains))


def scattered_rows(model: Any, key: Key[Array, ""], x: PyTree) -> PyTree:
    """The same of draws that there are, a chain each along the leading axis."""
    if not isinstance(model, HasLengths):
        return scattered(key, x)
    key_which, key_place = jax.random.split(key)
    chains, lengths = x.shape[0], jax.vmap(model.length_of)(x)
    symbols = x[:, : model.lengths[1]]
    own = x[jnp.arange(chains), jax.random.randint(key_place, (chains,), 0, lengths)]
    return jax.vmap(model.row_of)(jnp.where(_changed(key_which, symbols), own[:, None], symbols), lengths)


def scattered(key: Key[Array, ""], x: PyTree) -> PyTree:
    """States made of draws of the base, a chain each along the leading axis.

    Bits are of every density from all off to all on; of categories ever more are alike, all in the end, each chain by a
    level of its own; reals lie from half as far to sixteen times as far from the middle as they were.
    """
    leaves, shape = jax.tree.flatten(x)
    return jax.tree.unflatten(shape, [_leaf(jax.random.fold_in(key, i), leaf) for i, leaf in enumerate(leaves)])


def _changed(key: Key[Array, ""], leaf: Array) -> Array:
    """Places, of the first chain none, of the last all."""
    chains = leaf.shape[0]
    return jax.random.uniform(key, leaf.shape) < jnp.linspace(0.0, 1.0, chains).reshape(-1, *(1,) * (leaf.ndim - 1))


def _leaf(key: Key[Array, ""], leaf: Array) -> Array:
    key_which, key_level = jax.random.split(key)
    chains = leaf.shape[0]
    column = (chains, *(1,) * (leaf.ndim - 1))
    if jnp.issubdtype(leaf.dtype, jnp.floating):
        middle = jnp.mean(leaf, axis=0)
        return middle + jnp.geomspace(NEAREST, FURTHEST, chains).reshape(column) * (leaf - middle)
    changed = _changed(key_which, leaf)
    if leaf.dtype == jnp.bool_:
        return changed
    flat = leaf.reshape(chains, -1)
    own = flat[jnp.arange(chains), jax.random.randint(key_level, (chains,), 0, flat.shape[1])]
    return jnp.where(changed, own.reshape(column), leaf)
