"""Annealed importance sampling of log Z, and the rules by which it says that it failed.

Forward, chains go from the base (β_0 = 0) to the model (β_T = 1) in T steps (Neal 2001, *Annealed importance
sampling*):

    log w = log Z_0 + Σ_k u_{β_k}(x_{k−1}) − u_{β_{k−1}}(x_{k−1}),   x_k ~ a sweep at β_k from x_{k−1}

and E w = Z, so that the log of their mean underestimates log Z on average. Where the β_k lie is `ladder`'s to say. A
run is not believed where

1. a weight is not finite;
2. the weights' effective number is below a tenth of the chains, or below 8;
3. the two halves of the chains disagree by more than 4 of their standard errors;
4. chains that come *back* say that a mode was missed.

The first three see a spread of the weights. A mode that no forward chain enters leaves the weights as even as can be,
and log Z too small without a sign of it: on machines whose two modes are all bits off and all bits on, all 256 chains
agreed on the one, with 92 % of the mass in the other. So chains also start at β = 1, from scattered states (`scatter`)
and from rows where some are given, make a hundred sweeps, and are annealed to the base along the same path, the other
half of bidirectional Monte Carlo (Grosse, Ghahramani & Adams 2015, *Sandwiching the marginal likelihood using
bidirectional Monte Carlo*, §3).
Where sweeps are reversible, chains that start in a set B of states, distributed there as p is, have

    E 1/w = (share of forward chains that end in B) / (Z · share of B under p),

so that log w above log Z by r means that forward chains reach B e^r times too seldom. A start that is no likely state
errs the other way. Rule 4 is broken where more than 2 % of the chains back lie above log Z by 1 and 2.5 standard
deviations of the forward log w. A mode that is missed and has no mass breaks it too: the run is then called failed
though its number was good, which is the better mistake. A mode that neither direction finds stays unseen.
"""

import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.evaluation.ladder import Ladder, gain_of, placed
from reverie.evaluation.scatter import scattered_base
from reverie.evaluation.sweeps import base_of, sweeper

LOWEST_SHARE, LOWEST_ESS = 0.1, 8.0
FURTHEST = 4.0
ABOVE, SPREADS, FEW = 1.0, 2.5, 0.02
SWEEPS = 100
LOOKS = 16
"""How often a quarter of the settling is looked at."""
ROUNDING = 2.0**-20
"""Of log Z: about what summing float32 potentials over the path may add to its error."""


class Annealed(NamedTuple):
    """What AIS found.

    Attributes:
        log_z: the log of the mean weight.
        se: its standard error, by the delta method.
        ess: the effective number of chains.
        wrong: why it must not be believed, or `None`.
    """

    log_z: float
    se: float
    ess: float
    wrong: str | None


class Returned(NamedTuple):
    """What chains did that settled and came back.

    Attributes:
        log_w: the log weight of each, less log Z_0.
        looks: u of each at evenly spaced sweeps of the second half of settling, [looks, chains]; not numbers where
            there were fewer sweeps, or nobody looked.
    """

    log_w: Array
    looks: Array


@eqx.filter_jit
def forward(model: Any, key: Key[Array, ""], chains: int, ladder: Ladder) -> tuple[Array, Array]:
    """log Z at β = 0, and log w / Z_0 of each chain from the base to the model."""
    key_start, key_path = jax.random.split(key)
    sweep = sweeper(model, jax.random.fold_in(key, 2))

    def step(k: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, log_w = state
        gain = gain_of(model, x, k, ladder)
        return sweep(jax.random.fold_in(key_path, k), x, ladder.at(k)), log_w + gain

    start = (base_of(model, key_start, chains), jnp.zeros(chains))
    return model.base_log_normaliser(), jax.lax.fori_loop(1, ladder.steps + 1, step, start)[1]


@eqx.filter_jit
def backward(
    model: Any,
    key: Key[Array, ""],
    chains: int,
    ladder: Ladder,
    settle: Array | int = SWEEPS,
    x: PyTree = None,
    *,
    every_other: bool = True,
    looking: bool = False,
) -> Returned:
    """Chains that settle at β = 1 and are annealed to the base: from scattered states, and from x where there are such.

    Args:
        model: one that `HasTempering`.
        key: of the chains.
        chains: how many.
        ladder: the temperatures.
        settle: sweeps at β = 1.
        x: states that are known, one for each chain.
        every_other: whether only every other chain begins at x, and not all.
        looking: whether u is looked at while they settle.
    """
    key_start, key_settle, key_path = jax.random.split(key, 3)
    if x is None or every_other:
        own, known = jnp.arange(chains) % 2 == 1, x
        x = scattered_base(model, key_start, chains)
        if known is not None:
            pick = lambda a, b: jnp.where(own.reshape(-1, *(1,) * (a.ndim - 1)), a, b)
            x = jax.tree.map(pick, known, x)
    sweep = sweeper(model, jax.random.fold_in(key, 3))
    potential = jax.vmap(model.tempered_potential, (0, None))
    looks = jnp.full((2 * LOOKS, chains), jnp.nan)

    def calm(t: Array, x: PyTree) -> PyTree:
        return sweep(jax.random.fold_in(key_settle, t), x, 1.0)

    def seen(t: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, looks = calm(t, state[0]), state[1]
        every = jnp.maximum(jnp.asarray(settle) // (4 * LOOKS), 1)
        # Looks go back from the last sweep.
        left = settle - 1 - t
        place = 2 * LOOKS - 1 - left // every
        look = (place >= 0) & (left % every == 0)
        return x, jax.lax.cond(look, lambda: looks.at[place].set(potential(x, jnp.ones(()))), lambda: looks)

    if looking:
        x, looks = jax.lax.fori_loop(0, settle, seen, (x, looks))
    else:
        x = jax.lax.fori_loop(0, settle, calm, x)

    def step(i: Array, state: tuple[PyTree, Array]) -> tuple[PyTree, Array]:
        x, log_w = state
        k = ladder.steps - i
        x = sweep(jax.random.fold_in(key_path, k), x, ladder.at(k))
        return x, log_w + gain_of(model, x, k, ladder)

    return Returned(jax.lax.fori_loop(0, ladder.steps, step, (x, jnp.zeros(chains)))[1], looks)


def chosen(key: Key[Array, ""], start: PyTree, count: int) -> PyTree:
    """So many of the states [n, …], some of them more than once; nothing of nothing."""
    if start is None:
        return None
    places = jax.random.choice(key, len(jax.tree.leaves(start)[0]), (count,))
    return jax.tree.map(lambda leaf: jnp.asarray(leaf)[places], start)


def log_mean(log_w: np.ndarray) -> tuple[float, float, float]:
    """log mean w, its standard error by the delta method, and the effective number of weights."""
    top = float(log_w.max())
    w = np.exp(log_w - top)
    mean = float(w.mean())
    return top + math.log(mean), float(w.std(ddof=1)) / (mean * math.sqrt(w.size)), float(w.sum() ** 2 / (w @ w))


def diagnose(log_w: np.ndarray, back: np.ndarray, spread: float | None = None) -> Annealed:
    """The estimate from the weights of forward chains, and which of the four rules they and those back break.

    Args:
        log_w: of chains (or populations of them) that went forward.
        back: of chains that came back.
        spread: the standard deviation of a chain's log weight, where it is not that of `log_w`.
    """
    n = log_w.size
    bad = int((~np.isfinite(log_w)).sum()) + int((~np.isfinite(back)).sum())
    if bad:
        return Annealed(math.nan, math.nan, 0.0, f"{bad} of {n + back.size} annealed weights are not finite")
    value, se, ess = log_mean(log_w)
    found = Annealed(value, math.hypot(se, ROUNDING * value), ess, None)
    if ess < max(LOWEST_SHARE * n, LOWEST_ESS):
        return found._replace(wrong=f"the annealed weights collapsed (ESS {ess:.1f} of {n} chains)")
    (a, se_a, _), (b, se_b, _) = log_mean(log_w[: n // 2]), log_mean(log_w[n // 2 :])
    if abs(a - b) > FURTHEST * math.hypot(se_a, se_b, ROUNDING * value):
        return found._replace(wrong=f"two halves of the chains disagree on log Z ({a:.2f} and {b:.2f})")
    above = back > value + ABOVE + SPREADS * (float(log_w.std()) if spread is None else spread)
    if above.mean() > FEW:
        return found._replace(
            wrong=f"annealing missed a mode: {int(above.sum())} of {back.size} chains that were annealed back from it "
            f"put log Z up to {float(back.max() - value):.1f} higher"
        )
    return found


def anneal(model: Any, key: Key[Array, ""], chains: int, temperatures: int, start: PyTree = None) -> Annealed:
    """One run: `chains` forward, half as many back, half of these from states of `start` where there are such."""
    key_forward, key_back, key_pilot = jax.random.split(key, 3)
    ladder = placed(model, key_pilot, chains, temperatures)
    base, log_w = forward(model, key_forward, chains, ladder)
    count = max(chains // 2, 2)
    states = chosen(jax.random.fold_in(key_back, 1), start, count)
    back = backward(model, key_back, count, ladder, SWEEPS, states).log_w
    log_z_0 = float(base)
    return diagnose(np.asarray(log_w, np.float64) + log_z_0, np.asarray(back, np.float64) + log_z_0)
