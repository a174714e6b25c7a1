"""Rows up, particles down, both given a noisier row."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class RecoveryContrast(Direction):
    """∇_θ mean [u_θ(r | k, z_{k+1}) − u_θ(r⁻ | k, z_{k+1})], r the row's state and r⁻ the particle's.

    The gradient of the recovery likelihood E log p_θ(z_k | z_{k+1}) when the particles come from that field.

    Example:
        >>> from reverie.directions import RecoveryContrast
        >>> RecoveryContrast().uses
        ('recovery',)

    Reference: Gao, Song, Poole, Wu & Kingma 2021, *Learning energy-based models by diffusion recovery likelihood*,
    Eq. 11, Alg. 1.
    """

    moves = ("model",)
    uses = ("recovery",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The difference of two mean gradients."""
        drawn = jax.lax.stop_gradient(draw["recovery"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            def one(level: Array, noisy: Array, state: Array, particle: Array) -> tuple[Array, Array]:
                field = parts["model"].given_noisy(level, noisy)
                return field.potential(state), field.potential(particle)

            data, taken = map(jnp.mean, jax.vmap(one)(*drawn))
            return data - taken, {"potential_data": data, "potential_particles": taken}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
