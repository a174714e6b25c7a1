"""Passes up and down a stack of machines."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.capabilities import HasBeliefStack
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.kernel import Chains, Gibbs, move_all
from reverie.samplers.sampler import Draw, Sampler, Tick


class Passes(NamedTuple):
    """Layers (x, h_1, …, h_{L−1}), an array [batch, size] each.

    Attributes:
        up: upwards from the rows.
        particles: at the level that is learned, sweeps of its machine from there, or from where they were; elsewhere
            `up`.
        down: of a belief net, once all levels have been learned, downwards from the top's particles; else `up`.
    """

    up: tuple[Array, ...]
    particles: tuple[Array, ...]
    down: tuple[Array, ...]


def turn(step: Array, pretrain: int, depth: int) -> tuple[Array, Array]:
    """The level that is learned at a step, and whether all have had their turn and the whole is tuned."""
    level = step // max(pretrain, 1) if pretrain else jnp.full_like(step, depth)
    return jnp.minimum(level, depth - 1), step >= pretrain * depth


class StackPasses(Sampler):
    """Upwards from the data, some sweeps of one machine, and downwards from the highest.

    For `pretrain` steps each the machines take their turns, the lowest first. Then the highest goes on from where the
    recognition of the data leads, and what it dreams is passed down; a model that is no such stack only takes turns.
    With `persist` particles are never reset to the data, one for each row of a batch; they begin where the recognition
    takes the first.

    Args:
        moves: sweeps of a machine.
        pretrain: steps for each machine.
        persist: whether particles go on from where they were.

    Example:
        >>> from reverie.samplers import StackPasses
        >>> StackPasses(moves=1, pretrain=1000).exactness
        'biased'

    Reference: Hinton, Osindero & Teh 2006, *A fast learning algorithm for deep belief nets*, §4, §5 and appendix B.
    """

    gives = ("passes",)
    exactness = "biased"
    moves: int
    pretrain: int
    persist: bool = False

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> tuple[Array, ...] | None:
        """The particles of every machine, if they are to last."""
        return self._risen(key, parts["model"], batch) if self.persist else None

    def draw(
        self, tick: Tick, parts: Parts, batch: Batch, chain: tuple[Array, ...] | None
    ) -> tuple[Draw, tuple[Array, ...] | None, dict[str, Array]]:
        """The passes of this step."""
        model = parts["model"]
        count = batch.index.shape[0]
        key_up, key_move, key_down = jax.random.split(tick.key, 3)
        level, tuning = turn(tick.step, self.pretrain, model.depth)
        up = self._risen(key_up, model, batch)
        stack = isinstance(model, HasBeliefStack)
        due = [(level == place) & (stack | ~tuning) for place in range(model.depth)]
        pairs = enumerate(zip(chain or up, due, strict=True))
        particles = tuple(self._moved(key_move, model.machine(place), h, now) for place, (h, now) in pairs)
        fallen = lambda top: jax.vmap(model.fall)(jax.random.split(key_down, count), top)
        down = jax.lax.cond(tuning, fallen, lambda top: up, particles[-1]) if stack else up
        told = {"level": jnp.asarray(level + tuning, jnp.float32)}
        return {"passes": Passes(up, particles, down)}, particles if self.persist else None, told

    def _risen(self, key: Key[Array, ""], model: Any, batch: Batch) -> tuple[Array, ...]:
        return jax.vmap(model.rise)(jax.random.split(key, batch.index.shape[0]), batch.x)

    def _moved(self, key: Key[Array, ""], machine: Any, x: Array, due: Array) -> Array:
        moved = lambda x: move_all(Gibbs(), key, machine, Chains(x, None), self.moves)[0].x
        return jax.lax.cond(due, moved, lambda x: x, x)
