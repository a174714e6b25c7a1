"""log Z of each length by stochastic approximation: chains that jump between lengths, and what evens out their visits.

Chains are of p(l, x) ∝ exp(u(x) − ζ_l) over L lengths, none of which is meant to be likelier than another. Each step
jumps and sweeps (`LengthJumps`), then moves ζ by the share δ_l of the chains that are at each length:

    ζ_l ← ζ_l + γ_t (L δ_l − 1),    γ_t = min{1/L, t^{−0.6}} up to t₀ = T/5, then min{1/L, 1/(t − t₀ + t₀^0.6)}

(Wang, Ou & Tan 2018, *Learning trans-dimensional random fields with applications to language modeling*, Alg. 1, with
the field held still; the gain: Tan 2017, *Optimally adjusted mixture sampling and locally weighted histogram analysis*,
§3.) Stochastic approximation knows log Z_l up to a constant, which comes from one length whose log Z is known.

16 groups of chains have a ζ each and know nothing of each other: their mean has a standard error. The odd groups begin
at scattered sequences, the even ones at draws of the reference. No length is believed where

1. a ζ is not finite;
2. chains do not mix: of the second half of their steps, the R-hat of l or of t(x) is above 1.1, or all chains together
   are worth fewer than 25 independent draws for each length;

and a length is not where

3. it was visited half as often as the others on average, or half again as often;
4. the groups' standard deviation is more than a nat;
5. groups that began in the two ways disagree by more than 4 standard errors.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from reverie.estimate import Estimate, failed
from reverie.evaluation.adjusted_mixture import APART, DECAY, FIRST, GROUPS, UNEVEN
from reverie.evaluation.annealing import FURTHEST
from reverie.evaluation.mixing import HIGHEST, effective, rank_r_hat
from reverie.evaluation.scatter import scattered_base
from reverie.evaluation.sweeps import base_of
from reverie.samplers import LengthJumps

BLOCKS = 512
"""Times at which chains are looked at."""
FEWEST = 25
"""Independent draws for each length."""


class Walked(NamedTuple):
    """What the groups found.

    Attributes:
        zeta: log Z of each length, up to a constant.
        shares: of the steps after the first fifth, at each length; they sum to 1.
        lengths: l of each chain at evenly spaced times.
        tilts: t(x), likewise.
    """

    zeta: Float[Array | np.ndarray, "groups lengths"]
    shares: Float[Array | np.ndarray, "groups lengths"]
    lengths: Float[Array | np.ndarray, "groups times chains"]
    tilts: Float[Array | np.ndarray, "groups times chains"]


@eqx.filter_jit
def _walked(model: Any, key: Key[Array, ""], each: int, every: Array) -> Walked:
    """All steps of all groups, `every` of them in a block."""
    kernel, shortest = LengthJumps(), model.lengths[0]
    shares, began = model.length_shares(), model.length_normalisers()
    count, first = shares.shape[0], BLOCKS * every // FIRST

    def gain(t: Array) -> Array:
        late = 1.0 / (jnp.maximum(t - first, 0) + first**DECAY)
        return jnp.minimum(1.0 / count, jnp.where(t <= first, t**-DECAY, late))

    def one(key: Key[Array, ""], scatter: Array) -> Walked:
        key_base, key_scatter, key_path = jax.random.split(key, 3)
        x = jnp.where(scatter, scattered_base(model, key_scatter, each), base_of(model, key_base, each))

        def step(t: Array, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
            x, zeta, visits = state
            # The potential has log π_l − ζ_l, where all lengths are to be alike.
            level = model.with_length_normalisers(zeta + jnp.log(shares))
            keys = jax.random.split(jax.random.fold_in(key_path, t), each)
            x = jax.vmap(lambda one, x: kernel.move(one, level, x, None)[0])(keys, x)
            here = jnp.mean(jax.nn.one_hot(jax.vmap(model.length_of)(x) - shortest, count), axis=0)
            return x, zeta + gain(t) * (count * here - 1.0), visits + jnp.where(t > first, here, 0.0)

        def block(
            state: tuple[Array, Array, Array], number: Array
        ) -> tuple[tuple[Array, Array, Array], tuple[Array, Array]]:
            x, zeta, visits = jax.lax.fori_loop(1 + number * every, 1 + (number + 1) * every, step, state)
            lengths = jax.vmap(model.length_of)(x)
            return (x, zeta, visits), (lengths, jax.vmap(model.tilt)(x) + began[lengths - shortest])

        state, (lengths, tilts) = jax.lax.scan(block, (x, began, jnp.zeros(count)), jnp.arange(BLOCKS))
        return Walked(state[1], state[2] / jnp.sum(state[2]), lengths.astype(jnp.float32), tilts)

    return jax.vmap(one)(jax.random.split(key, GROUPS), jnp.arange(GROUPS) % 2 == 1)


def walked_normalisers(
    model: Any, key: Key[Array, ""], chains: int, steps: int, known: tuple[int, float]
) -> tuple[Estimate, ...]:
    """log Z_l of each length, consistent, or failed, with the reason.

    Args:
        model: a filled model that `HasLengthNormalisers`.
        key: of the chains.
        chains: how many, dealt to 16 groups.
        steps: of each, rounded up to a multiple of 512.
        known: a length, counted from the shortest, and its log Z.
    """
    found = _walked(model, key, max(1, chains // GROUPS), jnp.asarray(-(-steps // BLOCKS)))
    told = judged(jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), found), known)
    return tuple(
        failed(f"log Z of length {length} failed with {steps} steps of stochastic approximation: {one}")
        if isinstance(one, str)
        else one
        for length, one in enumerate(told, model.lengths[0])
    )


def judged(found: Walked, known: tuple[int, float]) -> list[Estimate | str]:
    """Of each length the groups' mean with its standard error, or which of the five rules is broken, in words."""
    count = found.zeta.shape[1]
    if not all(np.isfinite(part).all() for part in found):
        return ["it met a potential that is not finite"] * count
    stuck = unmixed(found)
    if stuck is not None:
        return [stuck] * count
    anchor, value = known
    log_z = np.asarray(found.zeta - found.zeta[:, [anchor]] + value)
    visits = count * found.shares.mean(axis=0)
    return [_judged(log_z[:, place], float(visits[place]), exact=place == anchor) for place in range(count)]


def unmixed(found: Walked) -> str | None:
    """What R-hat and the effective number of draws say of the second half, in words; `None` where nothing is wrong."""
    half = found.lengths.shape[1] // 2
    lengths, tilts = (
        np.swapaxes(part[:, half:], 1, 2).reshape(-1, part.shape[1] - half) for part in (found.lengths, found.tilts)
    )
    for told, of in ((lengths, "length"), (tilts, "tilt")):
        r_hat = rank_r_hat(told)
        if r_hat > HIGHEST:
            return f"chains do not mix (the R-hat of their {of} is {r_hat:.2f}, where 1 is agreement)"
    worth, count = effective(lengths), found.zeta.shape[1]
    if worth < FEWEST * count:
        return f"chains mix slowly (they are worth {worth:.0f} independent draws, for {count} lengths)"
    return None


def _judged(log_z: np.ndarray, visits: float, *, exact: bool) -> Estimate | str:
    if exact:
        return Estimate(float(log_z[0]), 0.0, "exact")
    if abs(visits - 1.0) > UNEVEN:
        return f"it was visited {visits:.2g} times as often as all lengths on average"
    spread = float(log_z.std(ddof=1))
    if spread > APART:
        return f"groups of chains disagree, by a standard deviation of {spread:.1f}"
    sides = log_z[0::2], log_z[1::2]
    low, high = (float(side.mean()) for side in sides)
    if abs(low - high) > FURTHEST * math.sqrt(sum(float(side.var(ddof=1)) / side.size for side in sides)):
        return f"chains from the reference and scattered ones disagree ({low:.2f} and {high:.2f})"
    return Estimate(float(log_z.mean()), spread / math.sqrt(log_z.size), "consistent")
