"""The gradient of the log joint density, averaged over codes of the posterior."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick
from reverie.samplers.importance import log_joints


class Fisher(Direction):
    """Σ_k w̄_k ∇_θ log p_θ(x, h_k), averaged over the batch                             (Ou 2019, Eq. 23).

    By the Fisher equality ∇_θ log p_θ(x) = E_{p(h|x)} ∇_θ log p_θ(x, h), this is the gradient of the log-likelihood
    when the codes come from the posterior. Whose codes they are is the sampler's affair: one code of q gives
    wake-sleep's wake phase (Alg. 4), K weighted ones reweighted wake-sleep's, the states of a Metropolis chain joint
    stochastic approximation (Alg. 5).

    Example:
        >>> from reverie.directions import Fisher
        >>> Fisher().uses
        ('codes',)
    """

    moves = ("model",)
    uses = ("codes",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The weighted gradient."""
        codes = jax.lax.stop_gradient(draw["codes"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            value = jnp.mean(jnp.sum(codes.weight * log_joints(parts["model"], codes.h, batch.x), axis=0))
            return value, {"log_joint": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
