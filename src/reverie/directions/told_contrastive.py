"""Told columns up, particles of them down, each in the model of its row's given columns."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ToldContrastive(Direction):
    """∇_θ 1/n Σ_i [u_θ(y_i; v_i) − u_θ(ỹ_i; v_i)], a row's particle ỹ_i and its told columns y_i given the same v_i.

    The gradient of the mean log p(y_i | v_i) when ỹ_i ~ p(y | v_i); the bias is the sampler's.

    Example:
        >>> from reverie.directions import ToldContrastive
        >>> ToldContrastive().uses
        ('told_particles',)

    Reference: Ou 2019, Eq. 39, for each v; Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann machines
    for structured output prediction*, §3.1.
    """

    moves = ("model",)
    uses = ("told_particles",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The difference of two mean gradients."""
        particles = jax.lax.stop_gradient(draw["told_particles"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model = parts["model"]
            data = jnp.mean(jax.vmap(lambda x: model.conditioned(x).potential(model.told(x)))(batch.x))
            taken = jnp.mean(jax.vmap(lambda x, y: model.conditioned(x).potential(y))(batch.x, particles))
            return data - taken, {"potential_data": data, "potential_particles": taken}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
