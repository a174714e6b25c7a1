"""Fields of sequences: log Z of each length by importance sampling from the field's own reference.

    log Z_l = log E_{r(x | l)} exp t(x) ≈ log 1/N Σ_n exp t(x_n),    x_n ~ r(x | l)

The mean is unbiased and its logarithm too small on average, by about half of its squared standard error. It is as good
as the reference is near to the field: draws that carry all of the weight make it fail. A length is not believed where

1. a weight is not finite;
2. the weights' effective number is below a fiftieth of the draws, or below 32;
3. the two halves of the draws disagree by more than 4 of their standard errors;
4. chains of the field find rows that the reference never drew.

What the reference hardly ever draws, and the field likes, leaves the weights as even as can be: a trigram that the
field wants repeated, and a reference of even odds, gave a log Z a nat too small with 70 of 256 draws effective. So
chains of the field begin at scattered rows (`scatter`), make up to a hundred sweeps (fewer of long rows, which keep
their lengths), and the share of them that end above the largest weight is what the draws left out of Z. Rule 4 is
broken where that is more than two standard errors of log Z and more than chance, one in a thousand over all lengths,
would have it: draws that miss nothing in particular leave out about as much as their largest weight has of all. A mode
that no chain comes to stays unseen.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import betainc
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasLengthNormalisers
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation.annealing import FURTHEST, ROUNDING, SWEEPS, log_mean
from reverie.evaluation.scatter import scattered_rows

LOWEST_SHARE, LOWEST_ESS = 0.02, 32.0
PIECE = 256
"""Draws at once."""
CHAINS = 128
"""Of the field, over all lengths."""
READ = 2**22
"""Places that these read in all, as far as that leaves them a sweep; a visit to one place reads the whole row."""
RARE = 1e-3


@eqx.filter_jit
def _tilts(model: Any, key: Key[Array, ""], length: Array) -> Array:
    """t of some draws of one length."""

    def one(key: Key[Array, ""]) -> Array:
        return model.tilt(model.base_sample_of(key, length))

    return jax.vmap(one)(jax.random.split(key, PIECE)) + model.length_normalisers()[length - model.lengths[0]]


@eqx.filter_jit
def scattered_lengths(model: Any, key: Key[Array, ""], lengths: Array, each: int) -> Array:
    """So many rows of each length, scattered among themselves, [lengths · each, …]."""

    def one(key: Key[Array, ""], length: Array) -> Array:
        key_draw, key_scatter = jax.random.split(key)
        drawn = jax.vmap(lambda key: model.base_sample_of(key, length))(jax.random.split(key_draw, each))
        return scattered_rows(model, key_scatter, drawn)

    rows = jax.vmap(one)(jax.random.split(key, lengths.shape[0]), lengths)
    return rows.reshape(-1, *rows.shape[2:])


@eqx.filter_jit
def _settled(model: Any, key: Key[Array, ""], x: Array, sweeps: Array) -> Array:
    """t at the end of chains of the field from these rows."""

    def sweep(t: Array, x: Array) -> Array:
        keys = jax.random.split(jax.random.fold_in(key, t), x.shape[0])
        return jax.vmap(model.gibbs)(keys, x)

    x = jax.lax.fori_loop(0, sweeps, sweep, x)
    places = jax.vmap(model.length_of)(x) - model.lengths[0]
    return jax.vmap(model.tilt)(x) + model.length_normalisers()[places]


def weighted_normalisers(model: Any, *, seed: int = 0, draws: int = 1024, chains: int = CHAINS) -> tuple[Estimate, ...]:
    """log Z_l of each length by draws of the reference: lower bounds on average, or failed, with the reason.

    Args:
        model: a filled model that `HasLengthNormalisers`.
        seed: of the draws.
        draws: of each length, rounded up to whole pieces of 256.
        chains: of the field, over all lengths and at least one for each, that look for what was not drawn; 0: none do,
            and nothing vouches for the figure.
    """
    if not isinstance(model, HasLengthNormalisers):
        raise InputError(f"{type(model).__name__} has no normaliser for each length: that needs HasLengthNormalisers")
    if draws < 1 or chains < 0:
        raise InputError(
            f"importance sampling needs at least one draw of each length and chains >= 0, not {draws} and {chains}"
        )
    shortest, longest = model.lengths
    key, found, every = noise.make_key(seed), [], jnp.arange(shortest, longest + 1, dtype=jnp.int32)
    seen = np.full((len(every), 0), np.nan)
    if chains:
        # Lengths have keys by their numbers, and none is 0.
        key_start, key_sweep = jax.random.split(jax.random.fold_in(key, 0))
        x = scattered_lengths(model, key_start, every, -(-chains // len(every)))
        sweeps = np.clip(READ // (len(x) * longest * max(longest // 2, 1)), 1, SWEEPS)
        seen = np.asarray(_settled(model, key_sweep, x, jnp.asarray(sweeps)), np.float64).reshape(len(every), -1)
    for length in range(shortest, longest + 1):
        keys = jax.random.split(jax.random.fold_in(key, length), -(-draws // PIECE))
        told = [np.asarray(_tilts(model, one, jnp.asarray(length, jnp.int32)), np.float64) for one in keys]
        found.append(weighed(np.concatenate(told), seen[length - shortest], length, RARE / len(every)))
    return tuple(found)


def total_normaliser(model: Any, *, seed: int = 0, draws: int = 256, chains: int = CHAINS) -> Estimate:
    """log Z of all lengths together, log Σ_l π_l exp(log Z_l − ζ_l), by as many draws of each; failed where one is.

    Args:
        model: a filled model that `HasLengthNormalisers`.
        seed: of the draws.
        draws: of each length.
        chains: of the field, that look for what was not drawn.
    """
    found = weighted_normalisers(model, seed=seed, draws=draws, chains=chains)
    wrong = [one.warnings[0] for one in found if one.failed]
    if wrong:
        return failed(wrong[0])
    told = np.log(np.asarray(model.length_shares(), np.float64)) - np.asarray(model.length_normalisers(), np.float64)
    each = told + np.array([one.value for one in found])
    value = float(np.logaddexp.reduce(each))
    se = float(np.linalg.norm(np.exp(each - value) * np.array([one.se for one in found])))
    return Estimate(value, se, "lower bound", ess=min(one.ess or 0.0 for one in found))


def weighed(log_w: np.ndarray, seen: np.ndarray, length: int, rare: float = RARE) -> Estimate:
    """The log of the mean weight of one length, or why it must not be believed.

    Args:
        log_w: t of draws of the reference.
        seen: t at the ends of chains of the field.
        length: which, for the words.
        rare: how seldom chance alone may refuse it.
    """
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
    found = int((~(seen <= log_w.max())).sum())
    largest = math.exp(log_w.max() - value) / n
    missed = -math.log1p(-found / (seen.size + 1))
    if found and missed > 2 * se and float(betainc(found, seen.size - found + 1, largest)) < rare:
        return failed(
            f"{why}{found} of {seen.size} chains of the field end at rows whose weight is above any that was drawn, by "
            f"up to {float(seen.max() - log_w.max()):.1f} nats",
            ess=ess,
        )
    return Estimate(value, math.hypot(se, ROUNDING * value), "lower bound", ess=ess)
