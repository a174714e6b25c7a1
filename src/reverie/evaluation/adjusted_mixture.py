"""log Z by stochastic approximation along the path: chains that wander between temperatures, and what evens out visits.

Chains are of p(j, x) ∝ exp(u_{β_j}(x) − ζ_j) at the 65 knots of a ladder. Each step sweeps x at β_j, draws j given x
among all knots, and moves ζ by the mean over chains of those probabilities (their Rao-Blackwellisation):

    ζ_i ← ζ_i + γ_t 65 mean p(i | x),    γ_t = min{1/65, t^{−0.6}} up to t₀ = T/5, then min{1/65, 1/(t − t₀ + t₀^0.6)}

after which ζ is shifted so that ζ_0 = log Z_0 (Tan 2017, *Optimally adjusted mixture sampling and locally weighted
histogram analysis*, §3.2 and Eq. 8–10; the recursion of Liang, Liu & Carroll 2007, *Stochastic approximation in Monte
Carlo computation*). ζ_64 tends to log Z, erring to neither side in the limit of many steps. ζ starts at what chains of
a short annealing gain.

16 groups of chains have a ζ each and know nothing of each other: their mean has a standard error. The odd groups begin
at the model, scattered and settled, the even ones at the base. The number is not believed where

1. a ζ is not finite;
2. more than 2 % of the chains never went from one end of the ladder to the other;
3. knots were visited unevenly: the shares of a knot and of all together differ by half and more;
4. the groups' standard deviation is more than a nat;
5. groups that began at the base and groups that began at the model disagree by more than 4 standard errors.

A mode that no chain finds stays unseen.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PyTree

from reverie.evaluation.annealing import FEW, FURTHEST, SWEEPS, Annealed
from reverie.evaluation.ladder import PARTS, PILOT, Ladder, gains_of, placed
from reverie.evaluation.scatter import scattered_base
from reverie.evaluation.sweeps import base_of, sweeper

GROUPS = 16
DECAY, FIRST = 0.6, 5
"""The exponent of γ at first, and one over the share of the steps that it holds for."""
UNEVEN, APART = 0.5, 1.0
"""How far a knot's share may be off, relative to an even one, and nats that groups may be apart."""
KNOTS = PARTS + 1


class Wandered(NamedTuple):
    """What the groups found.

    Attributes:
        zeta: log Z at each knot, less that of the base.
        shares: of the steps after the first fifth, at each knot; they sum to 1.
        crossings: how often each chain went from one end of the ladder to the other.
    """

    zeta: Float[Array | np.ndarray, "groups knots"]
    shares: Float[Array | np.ndarray, "groups knots"]
    crossings: Float[Array | np.ndarray, "groups chains"]


@eqx.filter_jit
def _wandered(
    model: Any, key: Key[Array, ""], groups: int, each: int, knots: Array, zeta: Array, steps: Array
) -> Wandered:
    """All steps of all groups."""
    sweep = sweeper(model, jax.random.fold_in(key, 2))
    potential = jax.vmap(jax.vmap(model.tempered_potential, (None, 0)), (0, None))

    def alone(key: Key[Array, ""], row: PyTree, beta: Array) -> PyTree:
        """A sweep; at the base a draw, which changes what no sweep may change, such as a length."""
        swept = sweep(key, jax.tree.map(lambda leaf: leaf[None], row), beta)
        fresh = base_of(model, jax.random.fold_in(key, 1), 1)
        return jax.tree.map(lambda drawn, leaf: jnp.where(beta > 0.0, leaf[0], drawn[0]), fresh, swept)

    def settled(key: Key[Array, ""]) -> PyTree:
        keys = jax.random.split(key)
        x = scattered_base(model, keys[0], each)
        return jax.lax.fori_loop(0, SWEEPS, lambda t, x: sweep(jax.random.fold_in(keys[1], t), x, 1.0), x)

    def one(key: Key[Array, ""], top: Array) -> Wandered:
        key_base, key_top, key_path = jax.random.split(key, 3)
        low, high = base_of(model, key_base, each), settled(key_top)
        x = jax.tree.map(lambda a, b: jnp.where(top, b, a), low, high)
        label = jnp.full(each, jnp.where(top, KNOTS - 1, 0))
        first = steps // FIRST

        def step(t: Array, state: tuple[Any, ...]) -> tuple[Any, ...]:
            x, label, zeta, shares, end, crossings = state
            key_x, key_label = jax.random.split(jax.random.fold_in(key_path, t))
            x = jax.vmap(alone)(jax.random.split(key_x, each), x, knots[label])
            logits = potential(x, knots) - zeta
            label = jax.random.categorical(key_label, logits)
            found = jnp.mean(jax.nn.softmax(logits), axis=0)
            late = 1.0 / (jnp.maximum(t - first, 0) + first**DECAY)
            gain = jnp.minimum(1.0 / KNOTS, jnp.where(t <= first, t**-DECAY, late))
            zeta = zeta + gain * KNOTS * found
            now = jnp.where(label == 0, -1, jnp.where(label == KNOTS - 1, 1, 0))
            crossings = crossings + ((now != 0) & (end == -now))
            shares = shares + jnp.where(t > first, found, 0.0)
            return x, label, zeta - zeta[0], shares, jnp.where(now == 0, end, now), crossings

        start = (x, label, zeta, jnp.zeros(KNOTS), jnp.where(label == 0, -1, 1), jnp.zeros(each))
        _, _, found, shares, _, crossings = jax.lax.fori_loop(1, steps + 1, step, start)
        return Wandered(found, shares / jnp.sum(shares), crossings)

    return jax.vmap(one)(jax.random.split(key, groups), jnp.arange(groups) % 2 == 1)


def wander(model: Any, key: Key[Array, ""], chains: int, steps: int) -> Annealed:
    """One run: a ladder, a first ζ, and `steps` steps of `chains` chains in groups."""
    key_ladder, key_first, key_path = jax.random.split(key, 3)
    knots = placed(model, key_ladder, chains, steps).knots
    quick = Ladder(jnp.asarray(max(steps // PILOT, PARTS)), knots)
    log_w = jnp.cumsum(gains_of(model, key_first, chains, quick), axis=0)
    zeta = jnp.append(0.0, jax.nn.logsumexp(log_w, axis=1) - math.log(chains))
    each = max(1, chains // GROUPS)
    found = _wandered(model, key_path, GROUPS, each, knots, zeta, jnp.asarray(steps))
    return judged(jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), found), float(model.base_log_normaliser()))


def judged(found: Wandered, log_z_0: float) -> Annealed:
    """The groups' mean and its standard error, and which of the five rules they break; no weights, no effective number.

    Args:
        found: of the groups.
        log_z_0: of the base.
    """
    log_z = found.zeta[:, -1] + log_z_0
    if not np.isfinite(found.zeta).all() or not np.isfinite(found.shares).all():
        return Annealed(math.nan, math.nan, 0.0, "stochastic approximation met a potential that is not finite")
    spread = float(log_z.std(ddof=1))
    told = Annealed(float(log_z.mean()), spread / math.sqrt(log_z.size), math.nan, None)
    count, stuck = found.crossings.size, int((found.crossings == 0).sum())
    shares = KNOTS * found.shares.mean(axis=0)
    worst = int(np.argmax(np.abs(shares - 1.0)))
    sides = [log_z[0::2], log_z[1::2]]
    low, high = (float(side.mean()) for side in sides)
    wrong = None
    if stuck > FEW * count:
        wrong = f"temperatures do not mix: {stuck} of {count} chains never went from one end of the ladder to the other"
    elif abs(shares[worst] - 1.0) > UNEVEN:
        often = f"{shares[worst]:.2g} times as often as all of them on average"
        wrong = f"temperatures were visited unevenly: number {worst + 1} of {KNOTS} {often}"
    elif spread > APART:
        wrong = f"groups of chains disagree on log Z, by a standard deviation of {spread:.1f}"
    elif abs(low - high) > FURTHEST * math.sqrt(sum(float(side.var(ddof=1)) / side.size for side in sides)):
        wrong = f"chains from the base and chains from the model disagree on log Z ({low:.2f} and {high:.2f})"
    return told._replace(wrong=wrong)
