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

    The gradient of the log-likelihood when the particles come from the model; the bias is the sampler's. With a penalty
    it is the gradient of a penalised likelihood, whose maximum is another field:

        ∇_θ [E_data u_θ(x) − E_particles u_θ(x) − α (E_data u_θ(x)² + E_particles u_θ(x)²)]

    which keeps u of the order of 1/α where rows and particles are, and the field from outrunning what draws from it.

    Args:
        penalty: α; none by default.

    Example:
        >>> from reverie.directions import Contrastive
        >>> Contrastive().uses
        ('particles',)

    Reference: the penalty: Du & Mordatch 2019, *Implicit generation and modeling with energy-based models*, §3.3 and
    Alg. 1.
    """

    moves = ("model",)
    uses = ("particles",)
    penalty: float = 0.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The difference of two mean gradients."""
        particles = jax.lax.stop_gradient(draw["particles"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            each = jax.vmap(parts["model"].potential)(batch.x), jax.vmap(parts["model"].potential)(particles)
            data, taken = (jnp.mean(u) for u in each)
            value = data - taken
            if self.penalty:
                value -= self.penalty * sum(jnp.mean(jnp.square(u)) for u in each)
            return value, {"potential_data": data, "potential_particles": taken}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
