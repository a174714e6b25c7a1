"""Minimum probability flow of discrete x."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.single_changes import changes
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ProbabilityFlow(Direction):
    """∇_θ −E_data Σ_{x'} exp ½ (u(x') − u(x)), x' over all that differ from x at one site.

    The rate at which probability leaves the rows when a process that leaves the model as it is begins at them. What
    flows from one row to another is counted too: of such a pair, p₀(x) e^{d/2} + p₀(x') e^{−d/2}, which is least where
    the ratio of the model is that of the data.

    Example:
        >>> from reverie.directions import ProbabilityFlow
        >>> ProbabilityFlow().moves
        ('model',)

    Reference: Sohl-Dickstein, Battaglino & DeWeese 2011, *Minimum probability flow learning*, Eq. 15.
    """

    moves = ("model",)
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        places = jnp.arange(batch.x.shape[1])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            found = jax.vmap(lambda x: changes(parts["model"], x, places))(batch.x)
            value = -jnp.mean(jnp.sum(jnp.exp(0.5 * found), axis=(1, 2)))
            return value, {"probability_flow": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
