"""Fields of sequences: log Z of each length by annealing, or as stochastic approximation left it, and what rows get.

    log p(l, x) = log π_l + u(x) − log Z_l,    log Z_l = log Σ_x exp u(x) over the rows of length l

First by importance sampling from the reference (see `reference_weights`), which is enough where that is near the field.
Else by annealed importance sampling (see `annealing`) of each length by itself: sweeps leave the length as it is, and
all lengths go by one ladder of temperatures, placed by a pilot. Both kinds of log Z_l are too small on average, and so
likelihoods by them optimistic. Or by chains that jump between lengths (see `length_walks`): stochastic approximation's
errors have no sign. What it left in ζ while the field still learned has no standard error, and nothing vouches for it.
"""

from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import HasLengthNormalisers
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation.adjusted_mixture import GROUPS
from reverie.evaluation.annealing import SWEEPS, diagnose
from reverie.evaluation.ladder import PARTS, PILOT, Ladder, even, gain_of, knots_of
from reverie.evaluation.length_walks import walked_normalisers
from reverie.evaluation.normaliser import LEVELS
from reverie.evaluation.reference_weights import scattered_lengths, weighted_normalisers

MOST_ROWS = 2**18
"""Rows of one length that are summed."""
ROWS = 2**12
"""Rows in a chunk."""


@eqx.filter_jit
def _annealed(model: Any, key: Key[Array, ""], x: PyTree, ladder: Ladder) -> Array:
    """The log weight of each chain from base draws x to the model."""

    def step(k: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, log_w = state
        return _swept(model, key, k, x, ladder.at(k)), log_w + gain_of(model, x, k, ladder)

    return jax.lax.fori_loop(1, ladder.steps + 1, step, (x, jnp.zeros(x.shape[0])))[1]


@eqx.filter_jit
def _gains(model: Any, key: Key[Array, ""], x: PyTree, ladder: Ladder) -> Array:
    """What chains gain in each part of the ladder, [parts, chains]."""

    def step(k: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, gains = state
        gains = gains.at[PARTS * (k - 1) // ladder.steps].add(gain_of(model, x, k, ladder))
        return _swept(model, key, k, x, ladder.at(k)), gains

    return jax.lax.fori_loop(1, ladder.steps + 1, step, (x, jnp.zeros((PARTS, x.shape[0]))))[1]


def _placed(model: Any, key: Key[Array, ""], every: Array, chains: int, temperatures: int) -> Ladder:
    """One ladder for all of the lengths: by how gains vary within a length, on average over these."""
    if temperatures < PILOT * PARTS:
        return even(temperatures)
    key_start, key_path = jax.random.split(key)
    start = _drawn(model, key_start, jnp.repeat(every, chains))
    gains = np.asarray(_gains(model, key_path, start, even(temperatures // PILOT)), np.float64)
    by_length = gains.reshape(PARTS, every.size, chains)
    within = (by_length - by_length.mean(axis=2, keepdims=True)).reshape(PARTS, -1)
    return even(temperatures)._replace(knots=jnp.asarray(knots_of(within), jnp.float32))


@eqx.filter_jit
def _annealed_back(model: Any, key: Key[Array, ""], x: PyTree, ladder: Ladder) -> Array:
    """What the chains say of log Z that settle at the model and go back to the base."""
    key_settle, key_path = jax.random.split(key)
    x = jax.lax.fori_loop(0, SWEEPS, lambda t, x: _swept(model, key_settle, t, x, 1.0), x)

    def step(i: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, log_w = state
        k = ladder.steps - i
        x = _swept(model, key_path, k, x, ladder.at(k))
        return x, log_w + gain_of(model, x, k, ladder)

    return jax.lax.fori_loop(0, ladder.steps, step, (x, jnp.zeros(x.shape[0])))[1]


def _swept(model: Any, key: Key[Array, ""], k: Array, x: PyTree, beta: Array | float) -> PyTree:
    keys = jax.random.split(jax.random.fold_in(key, k), x.shape[0])
    return jax.vmap(lambda one, row: model.tempered_gibbs(one, row, jnp.asarray(beta, jnp.float32)))(keys, x)


@eqx.filter_jit
def _drawn(model: Any, key: Key[Array, ""], lengths: Array) -> PyTree:
    return jax.vmap(model.base_sample_of)(jax.random.split(key, lengths.shape[0]), lengths)


def length_normalisers(
    model: Any,
    *,
    method: Literal["auto", "importance", "ais", "sa"] = "auto",
    seed: int = 0,
    draws: int = 1024,
    chains: int = 64,
    temperatures: int = 500,
) -> tuple[Estimate, ...]:
    """log Z_l of each length: lower bounds on average, of `sa` consistent, or failed, with the reason.

    Args:
        model: a filled model that `HasLengthNormalisers`.
        method: `importance` weighs draws of the reference, `ais` anneals, `sa` lets chains jump between lengths;
            `auto` anneals the lengths whose weights collapse.
        seed: of the draws and the chains.
        draws: of the reference, for each length.
        chains: how many go forward for each length; half as many come back, as a check. Of `sa`, how many jump.
        temperatures: steps from the base to the model; lengths that fail are tried with four times as many, and then
            with sixteen times. Of `sa`, steps of the recursion.
    """
    _checked(model)
    if method not in ("auto", "importance", "ais", "sa"):
        raise InputError(f"method must be auto, importance, ais or sa, not {method!r}")
    if method == "sa":
        if chains < GROUPS or temperatures < 1:
            raise InputError(
                f"stochastic approximation needs at least {GROUPS} chains and 1 step, not {chains} and {temperatures}"
            )
        return walked_normalisers(model, noise.make_key(seed), chains, temperatures, _anchor(model))
    if chains < 16 or temperatures < 1:
        raise InputError(f"AIS needs at least 16 chains and 1 temperature, not {chains} and {temperatures}")
    shortest, longest = model.lengths
    found: dict[int, Estimate] = {}
    if method != "ais":
        found = dict(enumerate(weighted_normalisers(model, seed=seed, draws=draws), shortest))
    for level in LEVELS if method != "importance" else ():
        again = [length for length in range(shortest, longest + 1) if length not in found or found[length].failed]
        if again:
            key = jax.random.fold_in(noise.make_key(seed), level)
            found |= _tried(model, key, again, chains, temperatures * level)
    return tuple(found[length] for length in range(shortest, longest + 1))


def _tried(model: Any, key: Key[Array, ""], lengths: list[int], chains: int, temperatures: int) -> dict[int, Estimate]:
    """One run, for some of the lengths."""
    keys, every = jax.random.split(key, 5), jnp.asarray(lengths, jnp.int32)
    ladder = _placed(model, keys[4], every, chains // 2, temperatures)
    start = _drawn(model, keys[0], jnp.repeat(every, chains))
    log_w = np.asarray(_annealed(model, keys[2], start, ladder), np.float64).reshape(len(lengths), -1)
    start = scattered_lengths(model, keys[1], every, chains // 2)
    back = np.asarray(_annealed_back(model, keys[3], start, ladder), np.float64).reshape(len(lengths), -1)
    zeta = np.asarray(model.length_normalisers(), np.float64)[np.array(lengths) - model.lengths[0]]
    found = {}
    for length, forth, home in zip(lengths, log_w + zeta[:, None], back + zeta[:, None], strict=True):
        one = diagnose(forth, home)
        why = f"log Z of length {length} failed with {temperatures} temperatures: {one.wrong}"
        good = Estimate(one.log_z, one.se, "lower bound", ess=one.ess)
        found[length] = good if one.wrong is None else failed(why, ess=one.ess)
    return found


def summed_normaliser(model: Any, length: int) -> float:
    """log Z_l of one length by a sum over all of its rows, up to 2^18 of them."""
    _checked(model)
    count = model.symbol_count**length
    if not model.lengths[0] <= length <= model.lengths[1] or count > MOST_ROWS:
        raise InputError(f"length {length} has {count:.3g} rows or none, and the most that are summed is {MOST_ROWS}")
    strides = model.symbol_count ** np.minimum(np.arange(model.lengths[1]), length)
    sums = []
    for numbers in np.array_split(np.arange(count), -(-count // ROWS)):
        symbols = jnp.asarray(numbers[:, None] // strides % model.symbol_count, jnp.int32)
        rows = jax.vmap(model.row_of, (0, None))(symbols, jnp.asarray(length))
        sums.append(np.logaddexp.reduce(np.asarray(_told(model, rows), np.float64)))
    place = length - model.lengths[0]
    # The potential holds log π_l − ζ_l.
    held = float(model.length_normalisers()[place] - jnp.log(model.length_shares()[place]))
    return float(np.logaddexp.reduce(sums)) + held


def approximated_normalisers(model: Any) -> np.ndarray:
    """log Z_l of each length as stochastic approximation left it, in ζ, which is known up to a constant.

    The constant comes from a sum over all rows of one length: of those with at most 2^18 rows, the most frequent.
    """
    _checked(model)
    place, value = _anchor(model)
    zeta = np.asarray(model.length_normalisers(), np.float64)
    return zeta - zeta[place] + value


def _anchor(model: Any) -> tuple[int, float]:
    """The most frequent length whose rows are summed, counted from the shortest, and its log Z."""
    shortest, longest = model.lengths
    few = [length for length in range(shortest, longest + 1) if model.symbol_count**length <= MOST_ROWS]
    if not few:
        raise InputError(f"no length has at most {MOST_ROWS} rows: log Z_l is not known for any, and ζ has no zero")
    anchor = max(few, key=lambda length: float(model.length_shares()[length - shortest]))
    return anchor - shortest, summed_normaliser(model, anchor)


def log_likelihoods_by_length(model: Any, rows: Any, normalisers: Any) -> np.ndarray:
    """log p(l, x) of each row, given log Z_l of each length."""
    _checked(model)
    pieces = np.array_split(np.asarray(rows), -(-len(rows) // ROWS))
    potential = np.concatenate([np.asarray(_told(model, jnp.asarray(piece)), np.float64) for piece in pieces])
    places = np.concatenate([np.asarray(_lengths(model, jnp.asarray(piece))) for piece in pieces]) - model.lengths[0]
    # The potential holds −ζ_l, in the place of which comes −log Z_l.
    zeta = np.asarray(model.length_normalisers(), np.float64)
    return potential + (zeta - np.asarray(normalisers, np.float64))[places]


def _checked(model: Any) -> None:
    if not isinstance(model, HasLengthNormalisers):
        raise InputError(f"{type(model).__name__} has no normaliser for each length: that needs HasLengthNormalisers")


@eqx.filter_jit
def _told(model: Any, rows: Array) -> Array:
    return jax.vmap(model.potential)(rows)


@eqx.filter_jit
def _lengths(model: Any, rows: Array) -> Array:
    return jax.vmap(model.length_of)(rows)
