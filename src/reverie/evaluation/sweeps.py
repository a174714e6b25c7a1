"""What moves chains along a model's path: its own sweeps, or general moves on the scale of the base."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasTemperedGibbs, Latent
from reverie.evaluation.moves import move

SCALING, STEP, LEAPS = 256, 0.3, 5
"""Of a model without sweeps of its own: draws of the base that give its scale, and the Hamiltonian moves' ε and L."""


def sweeper(model: Any, key: Key[Array, ""]) -> Callable[..., PyTree]:
    """(key, x, β) → x after a sweep of each chain."""
    if isinstance(model, HasTemperedGibbs):
        own: Callable[..., PyTree] = model.tempered_gibbs
    else:
        scale = jnp.std(base_of(model, key, SCALING).astype(jnp.float32), axis=0)
        own = functools.partial(_moved, model, scale)

    def sweep(key: Key[Array, ""], x: PyTree, beta: Array | float) -> PyTree:
        keys = jax.random.split(key, len(jax.tree.leaves(x)[0]))
        return jax.vmap(lambda one, row: own(one, row, jnp.asarray(beta, jnp.float32)))(keys, x)

    return sweep


def _moved(model: Any, scale: Array, key: Key[Array, ""], x: Array, beta: Array) -> Array:
    """A Hamiltonian move of reals in units of the base's spread, or a proposal for each bit or category."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        latents = (Latent("reals", x.size),)

        def log_p(h: tuple[Array, ...]) -> Array:
            return model.tempered_potential(h[0] * scale, beta)

        return move(key, (x / scale,), log_p, latents, jnp.asarray(STEP / x.size**0.25), LEAPS).h[0] * scale
    bits = x.dtype == jnp.bool_
    latents = (Latent("bits", x.size) if bits else Latent("categories", x.size, model.levels),)
    return move(key, (x,), lambda h: model.tempered_potential(h[0], beta), latents, jnp.ones(()), 1).h[0]


def base_of(model: Any, key: Key[Array, ""], chains: int) -> PyTree:
    """Exact draws at β = 0."""
    return jax.vmap(model.base_sample)(jax.random.split(key, chains))
