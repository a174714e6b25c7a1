"""Whether Markov chains of a model mix: several from scattered starts, what they pass through, and R-hat.

R-hat is the rank-normalised one of halves of chains, the larger of that of the potential and that of its distance from
the median (Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021, *Rank-normalization, folding, and localization: an
improved R-hat*, §4): near 1 where chains that began apart have come to agree in location and in scale. A potential may
agree where rows do not, as between two modes of equal depth, so the columns of the rows have an R-hat too, of which the
worst counts.
"""

from statistics import NormalDist
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree
from numpy.typing import NDArray

from reverie.capabilities import HasGibbs, HasPotential, MarginalOf, StartsChains, whole_of
from reverie.errors import InputError
from reverie.evaluation.walks import begun, scale_of, stepped, tuned, walkable

SWEEPS, MOVES = 1000, 400
"""Of chains with sweeps of their own, and of others, whose every move is a trajectory."""
HIGHEST, HIGHEST_COLUMN, FEWEST = 1.1, 1.3, 5.0
"""R-hat of the potential and of a column, and effective draws for each chain, beyond which chains do not mix."""
ROUNDING = 2.0**-18
"""Of the largest potential: what two potentials may differ by and be equal."""
MOST = 2**23
"""Numbers that are kept of the states."""
SHOWN = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


class Mixing(NamedTuple):
    """What several chains of a model passed through.

    Attributes:
        rows: x at each of `times`, [times, chains, …] a leaf, in the model's space.
        times: moves before each of these.
        potentials: u of each chain before each move, [chains, moves + 1], in nats.
        kernel: how the chains move, in words.
        acceptance: the mean rate at which moves were accepted, in the second half; `None` of Gibbs sweeps.
        r_hat: of the potential, in the second half.
        r_hat_column: of the worst column of x, in the second half; `None` where no column varies.
        ess: the effective number of draws of the potential among those of the second half.
        alarm: what is wrong, in a sentence; empty where nothing is.
    """

    rows: PyTree
    times: tuple[int, ...]
    potentials: NDArray[np.float64]
    kernel: str
    acceptance: float | None
    r_hat: float
    r_hat_column: float | None
    ess: float
    alarm: str


def mixing(
    model: Any, key: Key[Array, ""], *, chains: int = 8, moves: int | None = None, start: PyTree = None
) -> Mixing | None:
    """Chains from the model's own starts, and whether they mix; `None` for a model without chains or potential.

    Args:
        model: a filled model; of one whose x is part of a larger state, the chains are the state's.
        key: of starts and moves.
        chains: how many, at least 2.
        moves: of each; 1,000 sweeps, or 400 moves of chains without sweeps of their own, where not given.
        start: states [chains, …] to begin at, in place of the model's starts.
    """
    if chains < 2 or (moves is not None and moves < 8):
        raise InputError(f"mixing needs at least 2 chains and 8 moves, not {chains} and {moves}")
    whole = whole_of(model)
    if not (walkable(whole) and isinstance(whole, HasPotential) and isinstance(whole, StartsChains)):
        return None
    gibbs = isinstance(whole, HasGibbs)
    count = moves if moves is not None else SWEEPS if gibbs else MOVES
    key_start, key_walk, key_row = jax.random.split(key, 3)
    x = (
        jax.vmap(whole.start)(jax.random.split(key_start, chains))
        if start is None
        else jax.tree.map(jnp.asarray, start)
    )
    size = sum(leaf.size for leaf in jax.tree.leaves(x))
    every = max(1, -(-size * count // MOST))
    count = -(-count // every) * every
    traced, accepted, states = _traced(whole, key_walk, x, count // every, every)
    potentials, rates = np.asarray(traced, np.float64).T, np.asarray(accepted, np.float64)
    # Equal potentials may differ in their last bits, which ranks would take for a difference.
    known = np.nan_to_num(potentials, posinf=0.0, neginf=0.0)
    grain = ROUNDING * max(1.0, float(np.abs(known).max()))
    later = np.round(potentials[:, potentials.shape[1] // 2 :] / grain) * grain
    column, r_hat, ess = _worst_column(states), np.inf, np.nan
    if np.isfinite(potentials).all():
        r_hat, ess = rank_r_hat(later), effective(later)
    acceptance = None if gibbs else float(rates[len(rates) // 2 :].mean())
    times = tuple(sorted({min(-(-time // every) * every, count) for time in (*SHOWN, count) if time <= count}))
    places = np.array(times) // every
    shown = jax.tree.map(lambda leaf: leaf[places], states)
    if isinstance(model, MarginalOf):
        keys = jax.random.split(key_row, (len(times), chains))
        shown = eqx.filter_jit(lambda model, keys, shown: jax.vmap(jax.vmap(model.row))(keys, shown))(
            model, keys, shown
        )
    return Mixing(
        jax.tree.map(np.asarray, shown),
        times,
        potentials,
        "Gibbs sweeps" if gibbs else "Hamiltonian trajectories" if _real(x) else "Metropolis proposals at each site",
        acceptance,
        r_hat,
        column,
        ess,
        alarm_of(r_hat, column, ess, chains, count, acceptance),
    )


def _real(x: PyTree) -> bool:
    return all(jnp.issubdtype(leaf.dtype, jnp.floating) for leaf in jax.tree.leaves(x))


@eqx.filter_jit
def _traced(model: Any, key: Key[Array, ""], x: PyTree, blocks: int, every: int) -> tuple[Array, Array, PyTree]:
    """u before each move and after the last, [moves + 1, chains]; acceptance, [moves]; states at each block's edge."""
    scale = scale_of(model, jax.random.fold_in(key, 1))
    count = jax.tree.leaves(x)[0].shape[0]
    half = jnp.asarray(blocks * every // 2)
    potential = jax.vmap(model.potential)

    def move(walkers: Any, t: Array) -> tuple[Any, tuple[Array, Array]]:
        keys = jax.random.split(jax.random.fold_in(key, t + 2), count)
        before = potential(walkers.x)
        moved = jax.vmap(lambda one, walker: tuned(stepped(model, one, walker, scale=scale), t, half))(keys, walkers)
        return moved, (before, jnp.mean(moved.acceptance))

    def block(walkers: Any, first: Array) -> tuple[Any, tuple[Array, Array, PyTree]]:
        after, (before, rates) = jax.lax.scan(move, walkers, first + jnp.arange(every))
        return after, (before, rates, walkers.x)

    last, (u, rates, states) = jax.lax.scan(block, jax.vmap(begun)(x), jnp.arange(blocks) * every)
    u = jnp.concatenate([u.reshape(-1, count), potential(last.x)[None]])
    states = jax.tree.map(lambda kept, end: jnp.concatenate([kept, end[None]]), states, last.x)
    return u, rates.reshape(-1), states


def rank_r_hat(draws: NDArray[Any]) -> float:
    """The rank-normalised split R-hat of draws [chains, n]; 1 where nothing varies, infinite where chains are stuck."""
    folded = np.abs(draws - np.median(draws))
    return max(_split_r_hat(_normal_scores(one)) for one in (draws, folded))


def _normal_scores(draws: NDArray[Any]) -> NDArray[np.float64]:
    """Φ⁻¹((rank − 3/8) / (S + 1/4)); equal values share the mean of their ranks."""
    _, place, counts = np.unique(draws, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    normal = NormalDist()
    scores = np.array([normal.inv_cdf(share) for share in (ranks - 0.375) / (draws.size + 0.25)])
    return scores[place.reshape(draws.shape)]


def _split_r_hat(draws: NDArray[Any]) -> float:
    from numpyro.diagnostics import split_gelman_rubin

    found = float(split_gelman_rubin(draws))
    return 1.0 if np.isnan(found) else found


def effective(draws: NDArray[Any]) -> float:
    """The effective number of draws [chains, n]; all of them where nothing varies."""
    from numpyro.diagnostics import effective_sample_size

    with np.errstate(invalid="ignore", divide="ignore"):
        found = float(effective_sample_size(draws))
    return float(draws.size) if np.isnan(found) else min(found, float(draws.size))


def _worst_column(states: PyTree) -> float | None:
    from numpyro.diagnostics import split_gelman_rubin

    later = [np.asarray(leaf[len(leaf) // 2 :], np.float32) for leaf in jax.tree.leaves(states)]
    draws = np.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in later], axis=2)
    if draws.shape[0] < 4:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.asarray(split_gelman_rubin(np.swapaxes(draws, 0, 1)))
    found = found[~np.isnan(found)]
    return float(found.max()) if found.size else None


def alarm_of(
    r_hat: float, column: float | None, ess: float, chains: int, moves: int, acceptance: float | None = None
) -> str:
    """A sentence where chains do not mix; empty where nothing says so."""
    so = "draws of the model still depend on where chains began"
    if not np.isfinite(ess):
        return "The chains reached potentials that are not finite: this model cannot be drawn from."
    if acceptance is not None and acceptance < 0.05:
        return f"The chains do not move: {100 * acceptance:.1f} % of their moves are accepted."
    if r_hat > HIGHEST:
        return (
            f"The chains do not mix: after {moves:,} moves the R-hat of the potential is {r_hat:.2f}, where 1 is "
            f"agreement, and {so}."
        )
    if column is not None and column > HIGHEST_COLUMN:
        return (
            f"The chains do not mix: after {moves:,} moves they agree on the potential and not on the rows (the worst "
            f"column has an R-hat of {column:.2f}, where 1 is agreement), and {so}."
        )
    if ess < FEWEST * chains:
        worth = f"{chains} chains of {moves:,} moves are worth {ess:.0f} independent draws"
        return f"The chains mix slowly: {worth}, and {so}."
    return ""
