"""Chains of p(x | what is known of x), several for each row, and whether those of a row agree."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree
from numpy.typing import NDArray

from reverie.capabilities import (
    HasJoint,
    HasLogProb,
    HasNoisePath,
    HasPotential,
    Samplable,
    SplitsColumns,
    StartsChains,
)
from reverie.errors import InputError
from reverie.evaluation.chunks import in_chunks
from reverie.evaluation.walks import Known, Walker, begun, density_of, scale_of, stepped, tuned

ROWS = 64
"""Rows whose chains run at once."""
FURTHEST = 1.2
"""R-hat of a row's chains beyond which they do not agree."""
MANY = 0.05
"""The share of rows whose chains may disagree without a word."""
ROUNDING = 1e-5
"""Of a potential: its variance within a chain is not taken for less."""


class Completed(NamedTuple):
    """What the chains of each row came to.

    Attributes:
        ends: the last states, [rows, chains, columns], in the model's space.
        mean: of the second half of all chains, [rows, columns]; of categories the shares of each level,
            [rows, columns, levels].
        r_hat: of the log density of each row's chains, [rows].
        acceptance: the mean rate at which moves were accepted.
        warnings: sentences for people.
    """

    ends: NDArray[Any]
    mean: NDArray[np.float32]
    r_hat: NDArray[np.float64]
    acceptance: float
    warnings: tuple[str, ...]


def unsuited(model: Any) -> str | None:
    """Why chains given something cannot run on the rows of a model, in a sentence's end; `None` where they can."""
    if isinstance(model, HasNoisePath):
        return "scores a row by solving an equation, which is too slow for chains"
    if isinstance(model, HasJoint):
        return None
    if isinstance(model, SplitsColumns):
        return f"tells {model.told_words}, and nothing else of a row: ask `reverie tell`, or Run.retold"
    starts = isinstance(model, StartsChains | Samplable)
    if not (isinstance(model, HasPotential | HasLogProb) and starts):
        return "cannot be conditioned on values of x: that needs a density or a potential of x"
    x = eqx.filter_eval_shape(_started, model, jax.random.key(0))
    if len(jax.tree.leaves(x)) != 1 or isinstance(x, dict):
        return "has rows of several kinds of columns, and chains move one kind"
    return None


def conditional(
    model: Any,
    key: Key[Array, ""],
    known: Known,
    *,
    chains: int = 8,
    moves: int = 200,
    levels: int = 0,
) -> Completed:
    """Run chains of p(x | known) for each row; the second half of their moves counts.

    Args:
        model: a filled model with a potential or a density of x, or one that `HasJoint`, whose chains move the hidden
            layers too.
        key: of starts and moves; those of row i are a function of the key and i.
        known: what is known of each row, every leaf with the rows in front.
        chains: for each row.
        moves: of each chain.
        levels: of categories.

    Example:
        >>> import jax.numpy as jnp
        >>> from reverie import noise
        >>> from reverie.evaluation.walks import Known
        >>> from reverie.models import Ising
        >>> rows = Known(jnp.ones((2, 4), bool), jnp.array([[True, False, False, False]] * 2))
        >>> conditional(Ising.grid(2, 2, coupling=5.0), noise.make_key(0), rows).mean.round().tolist()
        [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]]
    """
    if chains < 2 or moves < 4:
        raise InputError(f"there must be at least 2 chains and 4 moves, not {chains} and {moves}")
    why = unsuited(model)
    if why is not None:
        raise InputError(f"{type(model).__name__} {why}")
    known = jax.tree.map(np.asarray, known)
    if isinstance(model, HasJoint):
        return _of_x(known, conditional(model.joint(), key, _with_hidden(model, known), chains=chains, moves=moves))
    run = lambda piece: _chains(model, key, chains, jnp.asarray(moves), levels, piece)
    ends, mean, means, variances, rates = in_chunks(run, (np.arange(len(known.x)), known), ROWS)
    r_hat = _r_hat(means.astype(np.float64), variances.astype(np.float64), moves - moves // 2)
    return Completed(ends, mean, r_hat, float(rates.mean()), _warnings(r_hat, float(rates.mean())))


def _with_hidden(model: HasJoint, known: Known) -> Known:
    """What is known of x and, in the columns after it, nothing of the hidden layers."""
    size = eqx.filter_eval_shape(model.joint().start, jax.random.key(0)).shape[0]
    after = [(0, 0), (0, size - known.x.shape[1])]
    return jax.tree.map(lambda leaf: np.pad(leaf, after), known)


def _of_x(known: Known, found: Completed) -> Completed:
    """Without the hidden layers."""
    size = known.x.shape[1]
    return found._replace(ends=found.ends[..., :size], mean=found.mean[:, :size])


def _started(model: Any, key: Key[Array, ""]) -> PyTree:
    return model.start(key) if isinstance(model, StartsChains) else model.sample(key)


@eqx.filter_jit
def _chains(model: Any, key: Key[Array, ""], chains: int, moves: Array, levels: int, rows: PyTree) -> tuple[Array, ...]:
    """Ends, means of x, means and variances of the log density of each chain, and rates of acceptance, of each row."""
    scale = scale_of(model, jax.random.fold_in(key, 2**31))
    density = density_of(model)
    half = moves // 2

    def seen(x: Array) -> Array:
        return jax.nn.one_hot(x, levels) if jnp.issubdtype(x.dtype, jnp.integer) else x.astype(jnp.float32)

    def chain(key: Array, known: Known) -> tuple[Array, ...]:
        key_start, key_walk = jax.random.split(key)

        def one(t: Array, state: tuple[Walker, Array, Array, Array, Array]) -> tuple[Any, ...]:
            walker, total, first, mean, squares = state
            walker = stepped(model, jax.random.fold_in(key_walk, t), walker, known, None, scale, levels)
            later = (t >= half).astype(jnp.float32)
            u = density(walker.x)
            first = jnp.where(t == half, u, first)
            # Of differences from a first value: squares of potentials would lose their digits.
            off, weight = u - first, later / jnp.maximum(t - half + 1, 1)
            gap = off - mean
            mean = mean + weight * gap
            squares = squares + later * gap * (off - mean)
            return tuned(walker, t, half), total + later * seen(walker.x), first, mean, squares

        start = begun(_started(model, key_start), known)
        nothing = jnp.zeros(())
        state = (start, jnp.zeros_like(seen(start.x)), nothing, nothing, nothing)
        walker, total, first, mean, squares = jax.lax.fori_loop(0, moves, one, state)
        kept = moves - half
        return walker.x, total / kept, first + mean, squares / jnp.maximum(kept - 1, 1), walker.acceptance

    def row(place: Array, known: Known) -> tuple[Array, ...]:
        keys = jax.random.split(jax.random.fold_in(key, place), chains)
        ends, mean, means, variances, rates = jax.vmap(lambda one: chain(one, known))(keys)
        return ends, jnp.mean(mean, axis=0), means, variances, jnp.mean(rates)

    return jax.vmap(row)(*rows)


def _r_hat(means: NDArray[np.float64], variances: NDArray[np.float64], draws: int) -> NDArray[np.float64]:
    """√(((n − 1)/n W + B/n) / W) of each row, from the means and variances of its chains (Gelman & Rubin 1992)."""
    within = np.maximum(variances.mean(axis=1), np.square(ROUNDING * np.maximum(1.0, np.abs(means).max(axis=1))))
    return np.sqrt((draws - 1) / draws + means.var(axis=1, ddof=1) / within)


def _warnings(r_hat: NDArray[np.float64], rate: float) -> tuple[str, ...]:
    found = []
    apart = int((~(r_hat <= FURTHEST)).sum())
    if apart > MANY * r_hat.size:
        found.append(
            f"the chains of {apart} of {r_hat.size} rows do not agree (R-hat beyond {FURTHEST}): take more moves, and "
            "do not trust these rows until they do"
        )
    if rate < 0.05:
        found.append(f"only {100 * rate:.1f} % of the moves were accepted: the chains hardly move")
    return tuple(found)
