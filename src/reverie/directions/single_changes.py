"""Objectives without log Z, made of what u(x) becomes when one site of a discrete x takes another value."""

from abc import abstractmethod
from typing import ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick, changes


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
