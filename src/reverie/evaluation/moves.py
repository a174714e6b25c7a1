"""Markov kernels over the codes of one row that leave a density of h invariant, for annealing.

Blocks of reals are moved by Hamiltonian Monte Carlo (Neal 2011, *MCMC using Hamiltonian dynamics*, §2 and §5.3),

    v ~ N(0, I),   L leapfrog steps of size ε from (h, v),   accepted with probability min{1, exp(−ΔH)},

blocks of bits and categories by one Metropolis proposal for each site, in a random order: another value, uniformly,
accepted with probability min{1, p(h') / p(h)}. Each kernel is reversible, so that doing them in the opposite order is
the reversal of doing them in order.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import Code, Latent

KINDS = ("reals", "bits", "categories")
JITTER = 0.2
"""ε is scaled by a number uniform within this share of 1, so that no trajectory is a whole period."""


class Moved(NamedTuple):
    """A code after its moves, and the mean acceptance probability of each kernel: Hamiltonian, then flips."""

    h: Code
    acceptance: Array


def _hamiltonian(
    key: Key[Array, ""], h: Code, log_p: Callable[[Code], Array], reals: tuple[bool, ...], step: Array, leaps: int
) -> tuple[Code, Array]:
    """One Hamiltonian move of the blocks of reals, and its acceptance probability."""

    def joined(moving: tuple[Array, ...]) -> Code:
        rest = iter(moving)
        return tuple(next(rest) if real else block for block, real in zip(h, reals, strict=True))

    value_and_slope = jax.value_and_grad(lambda moving: log_p(joined(moving)))
    here = tuple(block for block, real in zip(h, reals, strict=True) if real)
    key_speed, key_jitter, key_accept = jax.random.split(key, 3)
    keys = jax.random.split(key_speed, len(here))
    speed = tuple(noise.normal(one, block.shape) for one, block in zip(keys, here, strict=True))
    size = step * (1.0 - JITTER + 2.0 * JITTER * noise.uniform(key_jitter))

    def leap(_: Array, state: tuple[Any, ...]) -> tuple[Any, ...]:
        place, speed, _, slope = state
        half = jax.tree.map(lambda v, g: v + 0.5 * size * g, speed, slope)
        place = jax.tree.map(lambda x, v: x + size * v, place, half)
        value, slope = value_and_slope(place)
        return place, jax.tree.map(lambda v, g: v + 0.5 * size * g, half, slope), value, slope

    value, slope = value_and_slope(here)
    there, after, found, _ = jax.lax.fori_loop(0, leaps, leap, (here, speed, value, slope))

    def kinetic(speed: tuple[Array, ...]) -> Array:
        return 0.5 * sum((jnp.sum(jnp.square(v)) for v in speed), start=jnp.zeros(()))

    log_ratio = found - value - kinetic(after) + kinetic(speed)
    rate = jnp.where(jnp.isfinite(log_ratio), jnp.exp(jnp.minimum(log_ratio, 0.0)), 0.0)
    accept = noise.uniform(key_accept) < rate
    return joined(jax.tree.map(lambda new, old: jnp.where(accept, new, old), there, here)), rate


def _flips(
    key: Key[Array, ""], h: Code, log_p: Callable[[Code], Array], block: int, latent: Latent
) -> tuple[Code, Array]:
    """One proposal for each site of a discrete block, and their mean acceptance probability."""
    key_order, key_turn, key_accept = jax.random.split(key, 3)
    order = jax.random.permutation(key_order, latent.size)
    log_u = jnp.log(noise.uniform(key_accept, (latent.size,)))
    turns = jax.random.randint(key_turn, (latent.size,), 1, max(2, latent.levels))

    def one(i: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        here, value, rates = state
        site = order[i]
        other = ~here[site] if latent.kind == "bits" else (here[site] + turns[i]) % latent.levels
        there = here.at[site].set(other)
        found = log_p((*h[:block], there, *h[block + 1 :]))
        log_ratio = found - value
        accept = log_u[i] < log_ratio
        rates = rates + jnp.where(jnp.isfinite(log_ratio), jnp.exp(jnp.minimum(log_ratio, 0.0)), 0.0)
        return jnp.where(accept, there, here), jnp.where(accept, found, value), rates

    here, _, rates = jax.lax.fori_loop(0, latent.size, one, (h[block], log_p(h), jnp.zeros(())))
    return (*h[:block], here, *h[block + 1 :]), rates / latent.size


def move(
    key: Key[Array, ""],
    h: Code,
    log_p: Callable[[Code], Array],
    latents: tuple[Latent, ...],
    step: Array,
    leaps: int,
    *,
    backwards: bool = False,
) -> Moved:
    """Every block once.

    Args:
        key: of the moves.
        h: the code.
        log_p: the log of the density that is left invariant, up to a constant.
        latents: what the blocks are.
        step: ε.
        leaps: L.
        backwards: the reversed kernel: the blocks in the opposite order.
    """
    reals = tuple(latent.kind == "reals" for latent in latents)
    kernels: list[str | int] = [*(["reals"] if any(reals) else []), *(i for i, real in enumerate(reals) if not real)]
    keys = jax.random.split(key, len(kernels))
    rates: dict[Any, Array] = {}
    for one, kernel in list(zip(keys, kernels, strict=True))[:: -1 if backwards else 1]:
        if isinstance(kernel, int):
            h, rates[kernel] = _flips(one, h, log_p, kernel, latents[kernel])
        else:
            h, rates[kernel] = _hamiltonian(one, h, log_p, reals, step, leaps)
    flips = [rate for kernel, rate in rates.items() if isinstance(kernel, int)]
    nothing = jnp.ones(())
    return Moved(h, jnp.stack([rates.get("reals", nothing), sum(flips) / len(flips) if flips else nothing]))
