"""Chains on the told columns of rows, whose given columns they keep."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import missing_from
from reverie.data import Batch
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers.chains import kernel_for
from reverie.samplers.kernel import Kernel
from reverie.samplers.sampler import Draw, Sampler, Tick


class ToldChains(NamedTuple):
    """The chain of every row of the data: its told columns, what its kernel remembers, and whether it has begun."""

    y: PyTree
    memory: PyTree
    begun: Array


def kernel_given(kernel: Kernel | None, field: Any) -> Kernel:
    """The kernel that was chosen, refused where the field cannot be moved by it; else the usual one of the field."""
    if kernel is None:
        return kernel_for(field)
    lacking = missing_from(field, kernel.needs)
    if lacking:
        raise InputError(
            f"the kernel {type(kernel).__name__} needs {', '.join(lacking)}, which the model of the told columns has "
            "not: leave the kernel at auto"
        )
    return kernel


def begin_told(kernel: Kernel | None, key: Key[Array, ""], model: Any, x: PyTree) -> tuple[Array, PyTree]:
    """Chains that stand at the rows' own told columns, and what their kernel remembers of them."""

    def one(key: Array, x: PyTree) -> tuple[Array, PyTree]:
        field, y = model.conditioned(x), model.told(x)
        return y, kernel_given(kernel, field).begin(key, field, y)

    return jax.vmap(one)(jax.random.split(key, jax.tree.leaves(x)[0].shape[0]), x)


def move_told(
    kernel: Kernel | None, key: Key[Array, ""], model: Any, x: PyTree, y: Array, memory: PyTree, moves: int
) -> tuple[Array, PyTree, Array]:
    """`moves` moves of each row's chain in the model of its given columns, and the mean rate of acceptance."""

    def one(key: Array, x: PyTree, y: Array, memory: PyTree) -> tuple[Array, PyTree, Array]:
        field = model.conditioned(x)
        chosen = kernel_given(kernel, field)

        def move(state: tuple[Array, PyTree], key: Array) -> tuple[tuple[Array, PyTree], Array]:
            y, memory, rate = chosen.move(key, field, *state)
            return (y, memory), rate

        after, rates = jax.lax.scan(move, (y, memory), jax.random.split(key, moves))
        return *after, jnp.mean(rates)

    y, memory, rates = jax.vmap(one)(jax.random.split(key, y.shape[0]), x, y, memory)
    return y, memory, jnp.mean(rates)


class ToldChainsFromData(Sampler):
    """k moves from each row's own told columns, in the model of its given ones, which stay.

    Biased towards the data for any finite k, geometrically less in k, as `ChainsFromData` is. It keeps nothing between
    steps, so that rows may be as many as they like.

    Args:
        moves: k.
        kernel: how chains move; the usual one of the field of the told columns where not given.

    Example:
        >>> from reverie.samplers import ToldChainsFromData
        >>> ToldChainsFromData(moves=25).exactness
        'biased'

    Reference: Hinton 2002; Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann machines for structured
    output prediction*, §3.1.
    """

    gives = ("told_particles",)
    exactness = "biased"
    moves: int
    kernel: Kernel | None = None

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: None) -> tuple[Draw, None, dict[str, Array]]:
        """The chains' last states, one for each row."""
        key_begin, key_move = jax.random.split(tick.key)
        model = parts["model"]
        y, memory = begin_told(self.kernel, key_begin, model, batch.x)
        y, _, rate = move_told(self.kernel, key_move, model, batch.x, y, memory, self.moves)
        return {"told_particles": y}, None, {"acceptance": rate}


class PersistentToldChains(Sampler):
    """A chain for each row of the data that is never reset, on its told columns and in the model of its given ones.

    As exact as its kernel, as the step size falls; but a row's chain moves only when its row is in a batch, and lags
    behind the parameters in between. A chain begins at its row's own told columns.

    Args:
        moves: moves a visit.
        kernel: how chains move; the usual one of the field of the told columns where not given.

    Example:
        >>> from reverie.samplers import PersistentToldChains
        >>> PersistentToldChains(moves=1).gives
        ('told_particles',)

    Reference: Tieleman 2008, a chain for each condition; on its lag: Mnih, Larochelle & Hinton 2011, §3.2.
    """

    gives = ("told_particles",)
    exactness = "biased"
    moves: int
    kernel: Kernel | None = None

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> ToldChains:
        """No chain has begun."""
        shapes = eqx.filter_eval_shape(begin_told, self.kernel, key, parts["model"], batch.x)
        y, memory = jax.tree.map(lambda leaf: jnp.zeros((rows, *leaf.shape[1:]), leaf.dtype), shapes)
        return ToldChains(y, memory, jnp.zeros(rows, bool))

    def draw(
        self, tick: Tick, parts: Parts, batch: Batch, chain: ToldChains
    ) -> tuple[Draw, ToldChains, dict[str, Array]]:
        """The chains of the batch's rows after some more moves."""
        key_begin, key_move = jax.random.split(tick.key)
        model, begun = parts["model"], chain.begun[batch.index]
        fresh = begin_told(self.kernel, key_begin, model, batch.x)
        y, memory = jax.tree.map(
            lambda new, store: jnp.where(begun.reshape(-1, *(1,) * (new.ndim - 1)), store[batch.index], new),
            fresh,
            (chain.y, chain.memory),
        )
        y, memory, rate = move_told(self.kernel, key_move, model, batch.x, y, memory, self.moves)
        kept = jax.tree.map(lambda store, new: store.at[batch.index].set(new), (chain.y, chain.memory), (y, memory))
        begun = chain.begun.at[batch.index].set(True)
        return {"told_particles": y}, ToldChains(kept[0], kept[1], begun), {"acceptance": rate}
