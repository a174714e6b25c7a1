"""Sums, maxima and draws over all label sequences of a linear chain, by dynamic programming in O(T K²).

    u(y) = Σ_t a_t(y_t) + Σ_{t<T} B(y_t, y_{t+1}),    a [T, K], B [K, K]

Reference: Rabiner 1989, *A tutorial on hidden Markov models*, §III; Sutton & McCallum 2012, *An introduction to
conditional random fields*, §4.1. That the gradient of log Z is the marginals: Eisner 2016, *Inside-outside and
forward-backward algorithms are just backprop*.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from reverie import noise

Places = Float[Array, "places labels"]
Pairs = Float[Array, "labels labels"]


def potential(places: Places, pairs: Pairs, y: Int[Array, " places"]) -> Float[Array, ""]:
    """u(y)."""
    return jnp.sum(jnp.take_along_axis(places, y[:, None], axis=1)) + jnp.sum(pairs[y[:-1], y[1:]])


def forwards(places: Places, pairs: Pairs) -> Places:
    """α_t(k): the log of the sum over y_1, …, y_{t−1} of what of u(y) is known at y_t = k."""

    def step(before: Array, here: Array) -> tuple[Array, Array]:
        after = here + jax.nn.logsumexp(before[:, None] + pairs, axis=0)
        return after, after

    return jnp.concatenate([places[:1], jax.lax.scan(step, places[0], places[1:])[1]])


def log_normaliser(places: Places, pairs: Pairs) -> Float[Array, ""]:
    """log Σ_y exp u(y)."""
    return jax.nn.logsumexp(forwards(places, pairs)[-1])


def log_marginals(places: Places, pairs: Pairs) -> Places:
    """log p(y_t = k): α_t(k) + β_t(k) − log Z, β being what comes after t."""
    alpha = forwards(places, pairs)
    # Backwards is forwards on the chain turned round, which counts a_t too.
    beta = forwards(places[::-1], pairs.T)[::-1] - places
    return alpha + beta - jax.nn.logsumexp(alpha[-1])


def likeliest(places: Places, pairs: Pairs) -> Int[Array, " places"]:
    """argmax_y u(y) (Viterbi 1967)."""

    def step(before: Array, here: Array) -> tuple[Array, Array]:
        through = before[:, None] + pairs
        return here + jnp.max(through, axis=0), jnp.argmax(through, axis=0)

    last, came_from = jax.lax.scan(step, places[0], places[1:])
    end = jnp.argmax(last)

    def back(y: Array, came: Array) -> tuple[Array, Array]:
        return came[y], came[y]

    before = jax.lax.scan(back, end, came_from, reverse=True)[1]
    return jnp.append(before, end).astype(jnp.int32)


def draw(key: Key[Array, ""], places: Places, pairs: Pairs) -> Int[Array, " places"]:
    """y ~ exp(u(y))/Z: the last label first, then each given the one after it."""
    alpha = forwards(places, pairs)
    keys = jax.random.split(key, alpha.shape[0])
    end = noise.categorical(keys[-1], alpha[-1])

    def back(after: Array, given: tuple[Array, Array]) -> tuple[Array, Array]:
        one, here = given
        y = noise.categorical(one, here + pairs[:, after])
        return y, y

    before = jax.lax.scan(back, end, (keys[:-1], alpha[:-1]), reverse=True)[1]
    return jnp.append(before, end).astype(jnp.int32)
