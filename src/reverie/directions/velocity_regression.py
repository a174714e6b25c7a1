"""Regression on the velocity of paths from rows to noise."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Noised, Tick


class VelocityRegression(Direction):
    """∇_θ of −E ‖α' x̄ + σ' ε − v̂(z_t, t, y)‖², whose maximum is at the velocity that carries p_t along.

    Example:
        >>> from reverie.directions import VelocityRegression
        >>> VelocityRegression().uses
        ('noised',)

    Reference: Lipman, Chen, Ben-Hamu, Nickel & Le 2023, *Flow matching for generative modeling*, Eq. 9, Theorem 2.
    """

    moves = ("model",)
    uses = ("noised",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch."""
        noised: Noised = draw["noised"]

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model = parts["model"]

            def one(x: Array, row: Noised) -> Array:
                target = model.path_velocity(x, row.t, row.noise)
                return jnp.sum((target - model.velocity(row.z, row.t, row.y)) ** 2)

            value = -jnp.mean(jax.vmap(one)(batch.x, noised))
            return value, {"velocity_error": -value / noised.noise.shape[-1]}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
