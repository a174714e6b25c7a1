"""log Z = log Σ_x exp u(x): by enumeration, or by annealed importance sampling that says when it failed."""

import math
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import HasEnumeration, HasTempering
from reverie.errors import InputError
from reverie.estimate import Estimate, failed

MOST_BITS = 25
AUTO_BITS = 18
STATES = 2**12
"""States that are summed at once."""


@eqx.filter_jit
def _log_sum(model: Any, chunks: int, width: int) -> Array:
    """The log of the sum over each chunk of `width` states."""
    bits = jnp.arange(model.enumeration_bits, dtype=jnp.uint32)

    def one(number: Array) -> Array:
        return model.enumerated_term((number >> bits) & 1 == 1)

    def chunk(start: Array) -> Array:
        return jax.nn.logsumexp(jax.vmap(one)(start + jnp.arange(width, dtype=jnp.uint32)))

    return jax.lax.map(chunk, jnp.arange(chunks, dtype=jnp.uint32) * jnp.uint32(width))


def _enumerated(model: Any) -> Estimate:
    bits = model.enumeration_bits
    if bits > MOST_BITS:
        raise InputError(f"exact log Z sums over 2^{bits} states and the most is 2^{MOST_BITS}: try method='ais'")
    width = min(2**bits, STATES)
    sums = np.asarray(_log_sum(model, 2**bits // width, width), np.float64)
    value = float(np.logaddexp.reduce(sums))
    if not math.isfinite(value):
        return failed("log Z is not finite: the model's potential overflows")
    return Estimate(value, 0.0, "exact")


@eqx.filter_jit
def _anneal(model: Any, key: Key[Array, ""], chains: int, temperatures: Array) -> Array:
    """The log weight of each chain."""

    def lower(k: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, log_w = state
        before, beta = (k - 1) / temperatures, k / temperatures
        gain = jax.vmap(lambda row: model.tempered_potential(row, beta) - model.tempered_potential(row, before))(x)
        keys = jax.random.split(jax.random.fold_in(key, k), chains)
        return jax.vmap(lambda one, row: model.tempered_gibbs(one, row, beta))(keys, x), log_w + gain

    x = jax.vmap(model.base_sample)(jax.random.split(jax.random.fold_in(key, 0), chains))
    start = jnp.broadcast_to(model.base_log_normaliser(), (chains,))
    return jax.lax.fori_loop(1, temperatures + 1, lower, (x, start))[1]


class Weights(NamedTuple):
    """What the log weights of one AIS run say: the log of their mean, its standard error, their ESS, and what is wrong."""

    log_mean: float
    se: float
    ess: float
    wrong: str | None


def _log_mean(log_w: np.ndarray) -> tuple[float, float, float]:
    """log mean w, its standard error by the delta method, and the ESS."""
    top = float(log_w.max())
    w = np.exp(log_w - top)
    mean = float(w.mean())
    se = float(w.std(ddof=1)) / (mean * math.sqrt(w.size))
    return top + math.log(mean), se, float(w.sum() ** 2 / np.square(w).sum())


LOWEST_SHARE = 0.1
FURTHEST = 4.0


def diagnose(log_w: np.ndarray) -> Weights:
    """The estimate from one run's log weights, and whether they collapsed."""
    log_w = np.asarray(log_w, np.float64)
    n = log_w.size
    if not np.isfinite(log_w).all():
        bad = int((~np.isfinite(log_w)).sum())
        return Weights(math.nan, math.nan, 0.0, f"{bad} of {n} AIS weights are not finite")
    value, se, ess = _log_mean(log_w)
    if ess < LOWEST_SHARE * n:
        return Weights(value, se, ess, f"AIS weights collapsed: ESS {ess:.1f} of {n} chains")
    (a, se_a, _), (b, se_b, _) = _log_mean(log_w[: n // 2]), _log_mean(log_w[n // 2 :])
    if abs(a - b) > FURTHEST * math.hypot(se_a, se_b) + 1e-3:
        return Weights(value, se, ess, f"two halves of the AIS chains disagree: log Z {a:.2f} and {b:.2f}")
    return Weights(value, se, ess, None)


def log_normaliser(
    model: Any,
    *,
    method: Literal["auto", "ais", "exact"] = "auto",
    seed: int = 0,
    chains: int = 256,
    temperatures: int = 1000,
) -> Estimate:
    """log Z in nats.

    Args:
        model: a filled model that `HasEnumeration` or `HasTempering`.
        method: `exact` sums over all states, up to 2^25 of them; `ais` anneals; `auto` sums where that is quick and
            otherwise anneals, four times as slowly after each failure, twice at most.
        seed: of the chains.
        chains: how many.
        temperatures: steps from the base to the model.
    """
    if method not in ("auto", "ais", "exact"):
        raise InputError(f"method must be auto, ais or exact, not {method!r}")
    if chains < 8 or temperatures < 1:
        raise InputError(f"AIS needs at least 8 chains and 1 temperature, not {chains} and {temperatures}")
    name = type(model).__name__
    if isinstance(model, HasEnumeration):
        if method == "exact" or (method == "auto" and model.enumeration_bits <= AUTO_BITS):
            return _enumerated(model)
    elif method == "exact":
        raise InputError(f"{name} has no exact log Z: that needs HasEnumeration")
    if not isinstance(model, HasTempering):
        raise InputError(f"{name} has no log Z to estimate: that needs HasEnumeration or HasTempering")
    levels = (1, 4, 16) if method == "auto" else (1,)
    key = noise.make_key(seed)
    for level in levels:
        count = temperatures * level
        found = diagnose(np.asarray(_anneal(model, jax.random.fold_in(key, level), chains, jnp.asarray(count))))
        if found.wrong is None:
            return Estimate(found.log_mean, found.se, "lower bound", ess=found.ess)
    return failed(f"{found.wrong} after {count} temperatures", ess=found.ess)
