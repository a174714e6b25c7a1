"""What u(x) becomes when one site of a discrete x takes another value: what objectives without log Z are made of."""

from abc import abstractmethod
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def changes(model: Any, x: Array, places: Int[Array, " places"]) -> Float[Array, "places values"]:
    """u(x') − u(x) for each place and each value that it could have instead; −∞ for the value that it has.

    Bits have one other value; categories have a column for each level.
    """
    here = model.potential(x)
    if x.dtype == jnp.bool_:
        there = jax.vmap(lambda place: model.potential(x.at[place].set(~x[place])))(places)
        return (there - here)[:, None]
    levels = jnp.arange(model.levels, dtype=x.dtype)
    every = jax.vmap(lambda place: jax.vmap(lambda level: model.potential(x.at[place].set(level)))(levels))(places)
    return jnp.where(levels == x[places][:, None], -jnp.inf, every - here)


class OverChanges(Direction):
    """Abstract: ∇_θ −E_data Σ_{x'} f(u(x') − u(x)), x' over all that differ from x at one site.

    Attributes:
        figure: what the objective is called in the log.
    """

    moves = ("model",)
    uses = ()
    figure: ClassVar[str]

    @abstractmethod
    def cost(self, change: Array) -> Array:
        """f, of each change; nought at −∞."""

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        places = jnp.arange(batch.x.shape[1])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            found = jax.vmap(lambda x: changes(parts["model"], x, places))(batch.x)
            value = -jnp.mean(jnp.sum(self.cost(found), axis=(1, 2)))
            return value, {self.figure: value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
