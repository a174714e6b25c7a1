"""Where mixtures begin: k-means from centres that lie far apart."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from reverie import noise

ITERATIONS = 100
"""Most passes over the rows; it seldom needs a tenth of them."""


def _distances(x: Float[Array, "n d"], centres: Float[Array, "k d"]) -> Float[Array, "n k"]:
    """‖x − c‖² without ‖x‖², which is the same for all centres; rows are taken from their mean, for its digits."""
    return jnp.sum(centres**2, axis=1) - 2.0 * x @ centres.T


def _spread(key: Key[Array, ""], x: Float[Array, "n d"], count: int) -> Float[Array, "k d"]:
    """Centres among the rows: each drawn by the squared distance from those before it, the best of a few draws."""
    trials = 2 + int(math.log(count))
    squares = jnp.sum(x**2, axis=1)
    key_first, key_rest = jax.random.split(key)
    first = x[jax.random.randint(key_first, (), 0, x.shape[0])]
    centres = jnp.zeros((count, x.shape[1])).at[0].set(first)
    nearest = jnp.sum((x - first) ** 2, axis=1)

    def place(i: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        centres, nearest = state
        weight = jnp.broadcast_to(jnp.log(jnp.maximum(nearest, 0.0) + 1e-30), (trials, x.shape[0]))
        candidates = x[noise.categorical(jax.random.fold_in(key_rest, i), weight)]
        each = jnp.minimum(nearest[:, None], squares[:, None] + _distances(x, candidates))
        best = jnp.argmin(jnp.sum(each, axis=0))
        return centres.at[i].set(candidates[best]), each[:, best]

    return jax.lax.fori_loop(1, count, place, (centres, nearest))[0]


def k_means(key: Key[Array, ""], x: Float[Array, "n d"], count: int, iterations: int = ITERATIONS) -> Int[Array, " n"]:
    """The cluster of each row.

    Lloyd's iterations, at most so many and until no row changes its cluster, from the start of Arthur & Vassilvitskii
    2007 (k-means++), each centre the best of 2 + ⌊log k⌋ draws. A cluster that loses all its rows keeps its centre.
    """
    x = x - jnp.mean(x, axis=0)

    def go_on(state: tuple[Array, Array, Array, Array]) -> Array:
        i, _, _, changed = state
        return (i < iterations) & changed

    def iterate(state: tuple[Array, Array, Array, Array]) -> tuple[Array, Array, Array, Array]:
        i, centres, old, _ = state
        labels = jnp.argmin(_distances(x, centres), axis=1)
        member = jax.nn.one_hot(labels, count)
        sizes = jnp.sum(member, axis=0)[:, None]
        centres = jnp.where(sizes > 0, member.T @ x / jnp.maximum(sizes, 1.0), centres)
        return i + 1, centres, labels, jnp.any(labels != old)

    nobody = jnp.full(x.shape[0], -1, jnp.int32)
    start = (jnp.zeros((), jnp.int32), _spread(key, x, count), nobody, jnp.ones((), bool))
    return jax.lax.while_loop(go_on, iterate, start)[2]
