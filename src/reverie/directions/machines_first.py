"""The machines between the layers one after the other, and then another direction."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data import Batch
from reverie.directions.direction import AnyDirection, Ascent, Combined, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Passes, Tick
from reverie.samplers.stack import turn


class MachinesFirst(Combined):
    """Machine after machine for some steps each, the lowest first; thereafter the direction.

        turn of machine l: ∇_θ [mean over h_l from the data of u_l − mean over particles of u_l]

    Until the direction has its turn, its numbers for people are zero.

    Args:
        direction: what follows.
        pretrain: steps for each machine, the same as the sampler's.

    Reference: Salakhutdinov & Hinton 2009, *Deep Boltzmann machines*, §3.1.
    """

    direction: AnyDirection
    pretrain: int

    @property
    def moves(self) -> tuple[str, ...]:
        """The model, and what the direction moves."""
        return tuple(dict.fromkeys(("model", *self.direction.moves)))

    @property
    def uses(self) -> tuple[str, ...]:
        """Passes, and what the direction uses."""
        return ("passes", *self.direction.uses)

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """The direction's memory."""
        return self.direction.init(key, parts)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The ascent of the machine whose turn it is, or the direction's."""
        level, tuning = turn(tick.step, self.pretrain, parts["model"].depth)

        def machine() -> tuple[Ascent, Memory, dict[str, Array]]:
            ascent, _ = gradient(lambda parts: (self._contrast(parts, draw["passes"], level), {}), parts, self.moves)
            return ascent, memory, {name: jnp.zeros(like.shape, like.dtype) for name, like in told.items()}

        def after() -> tuple[Ascent, Memory, dict[str, Array]]:
            return self.direction.ascend(tick, parts, batch, draw, memory)

        told = jax.eval_shape(after)[2]
        return jax.lax.cond(tuning, after, machine)

    def _contrast(self, parts: Parts, passes: Passes, level: Array) -> Array:
        def of(place: int, parts: Parts) -> Array:
            potential = jax.vmap(parts["model"].machine(place).potential)
            return jnp.mean(potential(passes.up[place])) - jnp.mean(potential(passes.particles[place]))

        turns = [jax.tree_util.Partial(of, place) for place in range(len(passes.up))]
        return jax.lax.switch(level, turns, parts)
