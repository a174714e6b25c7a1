"""Where chains that are annealed back begin, when nobody knows the modes: far apart, in every direction."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

NEAREST, FURTHEST = 0.5, 16.0
"""Of reals: the least and the largest distance from the middle of the base's draws, in units of the draws' own."""


def scattered(key: Key[Array, ""], x: PyTree) -> PyTree:
    """States made of draws of the base, a chain each along the leading axis.

    Bits are of every density from all off to all on; of categories ever more are alike, all in the end, each chain by a
    level of its own; reals lie from half as far to sixteen times as far from the middle as they were.
    """
    leaves, shape = jax.tree.flatten(x)
    return jax.tree.unflatten(shape, [_leaf(jax.random.fold_in(key, i), leaf) for i, leaf in enumerate(leaves)])


def _leaf(key: Key[Array, ""], leaf: Array) -> Array:
    key_which, key_level = jax.random.split(key)
    chains = leaf.shape[0]
    column = (chains, *(1,) * (leaf.ndim - 1))
    if jnp.issubdtype(leaf.dtype, jnp.floating):
        middle = jnp.mean(leaf, axis=0)
        return middle + jnp.geomspace(NEAREST, FURTHEST, chains).reshape(column) * (leaf - middle)
    changed = jax.random.uniform(key_which, leaf.shape) < jnp.linspace(0.0, 1.0, chains).reshape(column)
    if leaf.dtype == jnp.bool_:
        return changed
    flat = leaf.reshape(chains, -1)
    own = flat[jnp.arange(chains), jax.random.randint(key_level, (chains,), 0, flat.shape[1])]
    return jnp.where(changed, own.reshape(column), leaf)
