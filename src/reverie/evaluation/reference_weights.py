"""Fields of sequences: log Z of each length by importance sampling from the field's own reference.

    log Z_l = log E_{r(x | l)} exp t(x) ≈ log 1/N Σ_n exp t(x_n),    x_n ~ r(x | l)

The mean is unbiased and its logarithm too small on average, by about half of its squared standard error. It is as good
as the reference is near to the field: draws that carry all of the weight make it fail. A length is not believed where

1. a weight is not finite;
2. the weights' effective number is below a fiftieth of the draws, or below 32;
3. the two halves of the draws disagree by more than 4 of their standard errors.

What the reference never draws, and the field likes, none of these can see.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasLengthNormalisers
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation.annealing import FURTHEST, ROUNDING, log_mean

LOWEST_SHARE, LOWEST_ESS = 0.02, 32.0
PIECE = 256
"""Draws at once."""


@eqx.filter_jit
def _tilts(model: Any, key: Key[Array, ""], length: Array) -> Array:
    """t of some draws of one length."""

    def one(key: Key[Array, ""]) -> Array:
        return model.tilt(model.base_sample_of(key, length))

    return jax.vmap(one)(jax.random.split(key, PIECE)) + model.length_normalisers()[length - model.lengths[0]]


def weighted_normalisers(model: Any, *, seed: int = 0, draws: int = 1024) -> tuple[Estimate, ...]:
    """log Z_l of each length by draws of the reference: lower bounds on average, or failed, with the reason.

    Args:
        model: a filled model that `HasLengthNormalisers`.
        seed: of the draws.
        draws: of each length, rounded up to whole pieces of 256.
    """
    if not isinstance(model, HasLengthNormalisers):
        raise InputError(f"{type(model).__name__} has no normaliser for each length: that needs HasLengthNormalisers")
    if draws < 1:
        raise InputError(f"importance sampling needs at least one draw of each length, not {draws}")
    shortest, longest = model.lengths
    key, found = noise.make_key(seed), []
    for length in range(shortest, longest + 1):
        keys = jax.random.split(jax.random.fold_in(key, length), -(-draws // PIECE))
        told = [np.asarray(_tilts(model, one, jnp.asarray(length, jnp.int32)), np.float64) for one in keys]
        found.append(_weighed(np.concatenate(told), length))
    return tuple(found)


def total_normaliser(model: Any, *, seed: int = 0, draws: int = 256) -> Estimate:
    """log Z of all lengths together, log Σ_l π_l exp(log Z_l − ζ_l), by as many draws of each; failed where one is.

    Args:
        model: a filled model that `HasLengthNormalisers`.
        seed: of the draws.
        draws: of each length.
    """
    found = weighted_normalisers(model, seed=seed, draws=draws)
    wrong = [one.warnings[0] for one in found if one.failed]
    if wrong:
        return failed(wrong[0])
    told = np.log(np.asarray(model.length_shares(), np.float64)) - np.asarray(model.length_normalisers(), np.float64)
    each = told + np.array([one.value for one in found])
    value = float(np.logaddexp.reduce(each))
    se = float(np.linalg.norm(np.exp(each - value) * np.array([one.se for one in found])))
    return Estimate(value, se, "lower bound", ess=min(one.ess or 0.0 for one in found))


def _weighed(log_w: np.ndarray, length: int) -> Estimate:
    """The log of the mean weight of one length, or why it must not be believed."""
    n = log_w.size
    why = f"log Z of length {length} failed with {n} draws of the reference: "
    if not np.isfinite(log_w).all():
        return failed(f"{why}a weight is not finite")
    value, se, ess = log_mean(log_w)
    if ess < max(LOWEST_SHARE * n, LOWEST_ESS):
        return failed(f"{why}the weights collapsed (ESS {ess:.1f})", ess=ess)
    (a, se_a, _), (b, se_b, _) = log_mean(log_w[: n // 2]), log_mean(log_w[n // 2 :])
    if abs(a - b) > FURTHEST * math.hypot(se_a, se_b, ROUNDING * value):
        return failed(f"{why}two halves of them disagree ({a:.2f} and {b:.2f})", ess=ess)
    return Estimate(value, math.hypot(se, ROUNDING * value), "lower bound", ess=ess)
