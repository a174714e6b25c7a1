"""Data up, particles down: the gradient of an unnormalised model."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class Contrastive(Direction):
    """∇_θ [1/|E| Σ_{x ∈ E} u_θ(x) − 1/|M| Σ_{x ∈ M} u_θ(x)], E data and M particles          (Ou 2019, Eq. 39, Alg. 7).

    The gradient of the log-likelihood when the particles come from the model; the bias is the sampler's.

    Example:
        >>> from reverie.directions import Contrastive
        >>> Contrastive().uses
        ('particles',)
    """

    moves = ("model",)
    uses = ("particles",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The difference of two mean gradients."""
        particles = jax.lax.stop_gradient(draw["particles"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            data = jnp.mean(jax.vmap(parts["model"].potential)(batch.x))
            taken = jnp.mean(jax.vmap(parts["model"].potential)(particles))
            return data - taken, {"potential_data": data, "potential_particles": taken}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
