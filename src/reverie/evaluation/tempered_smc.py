"""log Z by sequential Monte Carlo along the path from the base to the model.

A population of chains goes through the temperatures as in annealed importance sampling, and is resampled whenever the
effective number of its weights falls below half: chains that have gone astray end, and others are doubled.

    Ẑ = Z_0 Π_k Σ_i W_i^{k−1} exp(u_{β_k}(x_i) − u_{β_{k−1}}(x_i)),   W the normalised weights since the last resampling

(Del Moral, Doucet & Jasra 2006, *Sequential Monte Carlo samplers*, §3.) E Ẑ = Z for each population, so that several
populations, which know nothing of each other, give a mean with a standard error, and its log underestimates log Z on
average. What forbids belief is what forbids it there: see `annealing`.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.evaluation.annealing import SWEEPS, Annealed, backward, chosen, diagnose
from reverie.evaluation.ladder import Ladder, gain_of, placed
from reverie.evaluation.sweeps import base_of, sweeper

POPULATIONS = 16
"""How many populations the chains are dealt to."""


@eqx.filter_jit
def forward(model: Any, key: Key[Array, ""], populations: int, each: int, ladder: Ladder) -> tuple[Array, Array]:
    """log Z at β = 0, and log Ẑ / Z_0 of each population."""
    sweep = sweeper(model, jax.random.fold_in(key, 2))

    def one(key: Key[Array, ""]) -> Array:
        key_start, key_path = jax.random.split(key)

        def step(k: Array, state: tuple[PyTree, Array, Array]) -> tuple[PyTree, Array, Array]:
            x, log_w, log_z = state
            key_choose, key_sweep = jax.random.split(jax.random.fold_in(key_path, k))
            log_w = log_w + gain_of(model, x, k, ladder)
            total = jax.nn.logsumexp(log_w)
            ess = jnp.exp(2.0 * total - jax.nn.logsumexp(2.0 * log_w))
            tired = ess < each / 2
            chosen = jnp.where(tired, systematic(key_choose, jnp.exp(log_w - total)), jnp.arange(each))
            x = jax.tree.map(lambda leaf: leaf[chosen], x)
            log_z = log_z + jnp.where(tired, total - math.log(each), 0.0)
            log_w = jnp.where(tired, jnp.zeros(each), log_w)
            return sweep(key_sweep, x, ladder.at(k)), log_w, log_z

        start = (base_of(model, key_start, each), jnp.zeros(each), jnp.zeros(()))
        _, log_w, log_z = jax.lax.fori_loop(1, ladder.steps + 1, step, start)
        return log_z + jax.nn.logsumexp(log_w) - math.log(each)

    return model.base_log_normaliser(), jax.vmap(one)(jax.random.split(key, populations))


def systematic(key: Key[Array, ""], weights: Array) -> Array:
    """The places of n draws with E count_i = n w_i, by one uniform number (Kitagawa 1996, appendix)."""
    n = weights.shape[0]
    points = (jnp.arange(n) + noise.uniform(key)) / n
    return jnp.clip(jnp.searchsorted(jnp.cumsum(weights), points), 0, n - 1)


def anneal_populations(
    model: Any, key: Key[Array, ""], chains: int, temperatures: int, start: PyTree = None
) -> Annealed:
    """One run: `chains` forward in populations, half as many back, each alone, half of these from `start` if given."""
    key_forward, key_back, key_pilot = jax.random.split(key, 3)
    ladder = placed(model, key_pilot, chains, temperatures)
    each = max(2, chains // POPULATIONS)
    base, log_z = forward(model, key_forward, POPULATIONS, each, ladder)
    count = max(chains // 2, 2)
    states = chosen(jax.random.fold_in(key_back, 1), start, count)
    back = np.asarray(backward(model, key_back, count, ladder, SWEEPS, states).log_w, np.float64)
    log_z_0 = float(base)
    # A chain alone varies by that much more than a population: their mean's error, times the root of their number.
    spread = float(np.std(np.asarray(log_z, np.float64))) * math.sqrt(each)
    return diagnose(np.asarray(log_z, np.float64) + log_z_0, back + log_z_0, spread)
