"""A mean-field bound up, particles of the whole state down."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.capabilities import whole_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class MeanFieldContrastive(Direction):
    """∇_θ [mean over data of E_q log p̃_θ(x, h) + H(q) − mean over particles of u_θ(state)], q the mean field.

    The gradient of a lower bound of the log-likelihood when the particles come from the model; the means of q are
    held, which at a fixed point changes nothing. The base of the whole's path is moved up log p_0(mean state).

    Example:
        >>> from reverie.directions import MeanFieldContrastive
        >>> MeanFieldContrastive().uses
        ('particles',)

    Reference: Salakhutdinov & Hinton 2009, *Deep Boltzmann machines*, Eq. 8 and Alg. 1.
    """

    moves = ("model",)
    uses = ("particles",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The difference of two mean gradients."""
        particles = jax.lax.stop_gradient(draw["particles"])
        means = jax.lax.stop_gradient(jax.vmap(parts["model"].mean_field)(batch.x))

        states = jax.vmap(parts["model"].mean_state)(batch.x, means)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            data = jnp.mean(jax.vmap(parts["model"].mean_field_bound)(batch.x, means))
            base = jnp.mean(jax.vmap(parts["model"].base_log_prob)(states))
            taken = jnp.mean(jax.vmap(whole_of(parts["model"]).potential)(particles))
            return data - taken + base, {"potential_data": data, "potential_particles": taken}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
