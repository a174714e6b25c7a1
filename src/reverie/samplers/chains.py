"""Chains on x: where they begin, and what of them persists. How they move is a kernel's."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.capabilities import HasGibbs, HasLengths, HasRealPotential
from reverie.data import Batch
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers.informed import GibbsWithGradients
from reverie.samplers.kernel import Chains, Gibbs, Kernel, begin_all, move_all
from reverie.samplers.langevin import Langevin
from reverie.samplers.length_jumps import LengthJumps
from reverie.samplers.sampler import Draw, Exactness, Sampler, Tick


def kernel_for(model: Any) -> Kernel:
    """The usual kernel of a model: its own sweep, Langevin moves of reals, informed flips of what is discrete.

    Sequences change their length besides.
    """
    if isinstance(model, HasLengths):
        return LengthJumps()
    if isinstance(model, HasGibbs):
        return Gibbs()
    return Langevin() if isinstance(model, HasRealPotential) else GibbsWithGradients()


class ChainsFromData(Sampler):
    """k moves from the batch itself: biased towards the data for any finite k (Hinton 2002).

    Geometrically less in k: of what the rows were off the share λᵏ is left in the mean of the function that the kernel
    forgets last, λ being the kernel's second largest eigenvalue.

    Args:
        moves: k.
        kernel: how they move; the model's usual where not given.

    Example:
        >>> from reverie.samplers import ChainsFromData
        >>> ChainsFromData(moves=25).exactness
        'biased'

    Reference: Hinton 2002, *Training products of experts by minimizing contrastive divergence*.
    """

    gives = ("particles",)
    exactness = "biased"
    moves: int
    kernel: Kernel | None = None

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: None) -> tuple[Draw, None, dict[str, Array]]:
        """The chains' last states."""
        kernel = self.kernel or kernel_for(parts["model"])
        key_begin, key_move = jax.random.split(tick.key)
        memory = begin_all(kernel, key_begin, parts["model"], batch.x)
        (x, _), rate = move_all(kernel, key_move, parts["model"], Chains(batch.x, memory), self.moves)
        return {"particles": x}, None, {"acceptance": rate}


class PersistentChains(Sampler):
    """Particles that are never reset between steps: as exact as their kernel, as the step size falls (Ou 2019, Alg. 7).

    Where no kernel is given the model chooses it, and with it how exact the particles are: sweeps, flips and jumps
    leave p invariant, Langevin moves of reals do not. So `exactness` is then `biased`, which holds of every model, and
    `exactness_with` says what holds of one.

    Args:
        moves: moves a step.
        particles: how many chains.
        kernel: how they move; the model's usual where not given.

    Example:
        >>> from reverie.samplers import Gibbs, Langevin, PersistentChains
        >>> PersistentChains(moves=1, particles=100, kernel=Gibbs()).exactness
        'asymptotic'
        >>> PersistentChains(moves=1, particles=100, kernel=Langevin()).exactness
        'biased'
    """

    gives = ("particles",)
    moves: int
    particles: int
    kernel: Kernel | None = None

    @property
    def exactness(self) -> Exactness:
        """The kernel's."""
        return self.kernel.exactness if self.kernel else "biased"

    def exactness_with(self, parts: Parts) -> Exactness:
        """That of the kernel which moves this model."""
        return (self.kernel or kernel_for(parts["model"])).exactness_with(parts["model"])

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chains:
        """Particles where the model says that a chain may start."""
        key_start, key_begin = jax.random.split(key)
        return _started(self.kernel, key_start, key_begin, parts["model"], self.particles)

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chains) -> tuple[Draw, Chains, dict[str, Array]]:
        """The particles after some more moves."""
        kernel = self.kernel or kernel_for(parts["model"])
        after, rate = move_all(kernel, tick.key, parts["model"], chain, self.moves)
        moved = [jnp.mean(a != b) for a, b in zip(jax.tree.leaves(after.x), jax.tree.leaves(chain.x), strict=True)]
        said = {"particles_moved": jnp.mean(jnp.stack(moved)), "acceptance": rate}
        return {"particles": after.x}, after, said


class ReplayBuffer(Sampler):
    """A store of chains, some of which move at each step; now and then one begins anew.

    At each step as many chains as the batch has rows are taken from the store at random; each begins anew with a
    probability, all make their moves, and go back into the store. Biased towards where chains begin: with restarts of
    probability r and k moves that leave λᵏ of what a chain was off, by the share r λᵏ / (1 − (1 − r) λᵏ) of what the
    start is off, which is of the first order in r and geometric in k.

    Args:
        moves: moves a step.
        size: of the store.
        restart: the probability with which a chain begins anew.
        kernel: how they move; the model's usual where not given.

    Example:
        >>> from reverie.samplers import ReplayBuffer
        >>> ReplayBuffer(moves=60).restart
        0.05

    Reference: Du & Mordatch 2019, *Implicit generation and modeling with energy-based models*, §3.2 and Alg. 1.
    """

    gives = ("particles",)
    exactness = "biased"
    moves: int
    size: int = 10_000
    restart: float = 0.05
    kernel: Kernel | None = None

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chains:
        """A store of chains that have just begun."""
        key_start, key_begin = jax.random.split(key)
        return _started(self.kernel, key_start, key_begin, parts["model"], self.size)

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chains) -> tuple[Draw, Chains, dict[str, Array]]:
        """The chains whose turn it was."""
        model = parts["model"]
        kernel = self.kernel or kernel_for(model)
        count = batch.index.shape[0]
        if count > self.size:
            raise InputError(f"a store of {self.size} chains is too small for batches of {count} rows: make it larger")
        key_place, key_again, key_start, key_begin, key_move = jax.random.split(tick.key, 5)
        # An offset and a stride: no chain twice, without a permutation of the whole store.
        first = jax.random.randint(key_place, (), 0, self.size)
        places = (first + jnp.arange(count) * max(1, self.size // count)) % self.size
        again = jax.random.bernoulli(key_again, self.restart, (count,))
        kept = jax.tree.map(lambda leaf: leaf[places], chain)
        fresh = _started(kernel, key_start, key_begin, model, count)
        taken = jax.tree.map(
            lambda new, old: jnp.where(again.reshape(-1, *(1,) * (new.ndim - 1)), new, old), fresh, kept
        )
        moved, rate = move_all(kernel, key_move, model, taken, self.moves)
        after = jax.tree.map(lambda store, new: store.at[places].set(new), chain, moved)
        return {"particles": moved.x}, after, {"acceptance": rate}


def _started(kernel: Kernel | None, key_start: Array, key_begin: Array, model: Any, count: int) -> Chains:
    x = jax.vmap(model.start)(jax.random.split(key_start, count))
    return Chains(x, begin_all(kernel or kernel_for(model), key_begin, model, x))
