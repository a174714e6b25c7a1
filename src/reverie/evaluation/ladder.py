"""Where the temperatures of annealing lie: close together where a step costs much.

β_k goes from 0 to 1 through 65 knots, with as many of the T steps between any two of them:

    β_k = (1 − f) κ_i + f κ_{i+1},    i + f = 64 k / T

Of log w = Σ_j W_j, the sum of what chains gain between the knots of an even ladder, a pilot measures what each part
adds to the variance of log w, neighbours with which it goes together included,

    v_j = max(Var W_j, Σ_{|i − j| ≤ 4} Cov(W_j, W_i)),

and the steps are given to the parts in proportion to v_j^0.75, a tenth of them evenly. Were the gains of a part's steps
independent, v_j would fall as one over their number, and its root would be best: the thermodynamic length (Gelman &
Meng 1998, *Simulating normalizing constants*, §4; Grosse, Maddison & Salakhutdinov 2013, *Annealing between
distributions by averaging moments*, §3). Where chains are slow, gains go together, and v_j falls more slowly: so the
power is above a half. It is below one, at which chains that mix would gain nothing over an even ladder.

The pilot's chains are its own: given the ladder, the chains that are weighed know nothing of them, and E w = Z / Z_0
holds whatever the knots are. It has half as many chains and a tenth of the temperatures, a twentieth of the work or
less; where that tenth would be fewer than the parts, the ladder is even.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PyTree

from reverie.evaluation.sweeps import base_of, sweeper

PARTS = 64
PILOT = 10
"""One over the share of the temperatures that a pilot has."""
NEAR, POWER, EVEN = 4, 0.75, 0.1
"""Parts on each side whose covariance counts, the power of v, and the share of the steps that is given out evenly."""


class Ladder(NamedTuple):
    """The temperatures of a path.

    Attributes:
        steps: T.
        knots: κ, from 0 to 1.
    """

    steps: Array
    knots: Float[Array, " knots"]

    def at(self, k: Array) -> Array:
        """β_k."""
        place = PARTS * k
        part = jnp.minimum(place // self.steps, PARTS - 1)
        share = (place - part * self.steps) / self.steps
        return (1.0 - share) * self.knots[part] + share * self.knots[part + 1]


def gain_of(model: Any, x: PyTree, k: Array, ladder: Ladder) -> Array:
    """What each chain's log weight gains at the k-th temperature."""
    before, beta = ladder.at(k - 1), ladder.at(k)
    return jax.vmap(lambda row: model.tempered_potential(row, beta) - model.tempered_potential(row, before))(x)


def even(temperatures: int) -> Ladder:
    """β_k = k / T."""
    return Ladder(jnp.asarray(temperatures), jnp.linspace(0.0, 1.0, PARTS + 1))


@eqx.filter_jit
def gains_of(model: Any, key: Key[Array, ""], chains: int, ladder: Ladder) -> Array:
    """What chains gain between knots, W [parts, chains]."""
    key_start, key_path = jax.random.split(key)
    sweep = sweeper(model, jax.random.fold_in(key, 2))

    def step(k: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, gains = state
        part = PARTS * (k - 1) // ladder.steps
        gains = gains.at[part].add(gain_of(model, x, k, ladder))
        return sweep(jax.random.fold_in(key_path, k), x, ladder.at(k)), gains

    start = (base_of(model, key_start, chains), jnp.zeros((PARTS, chains)))
    return jax.lax.fori_loop(1, ladder.steps + 1, step, start)[1]


def knots_of(gains: np.ndarray) -> np.ndarray:
    """The knots, from what chains gained in each part of an even ladder, [parts, chains]; even ones if not finite."""
    evenly = np.linspace(0.0, 1.0, PARTS + 1)
    with np.errstate(invalid="ignore", over="ignore"):
        moments = np.cov(gains.astype(np.float64))
    if not np.isfinite(moments).all() or not moments.any():
        return evenly
    places = np.arange(PARTS)
    together = np.where(np.abs(places[:, None] - places) <= NEAR, moments, 0.0).sum(1)
    cost = np.maximum(together, moments.diagonal()) ** POWER
    shares = (1.0 - EVEN) * cost / cost.sum() + EVEN / PARTS
    return np.interp(evenly, np.append(0.0, np.cumsum(shares) / shares.sum()), evenly)


def placed(model: Any, key: Key[Array, ""], chains: int, temperatures: int) -> Ladder:
    """A ladder for that many chains, by a pilot where it is cheap, else an even one."""
    if temperatures < PILOT * PARTS:
        return even(temperatures)
    gains = gains_of(model, key, max(chains // 2, 2), even(temperatures // PILOT))
    return even(temperatures)._replace(knots=jnp.asarray(knots_of(np.asarray(gains)), jnp.float32))
