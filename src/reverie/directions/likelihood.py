"""The gradient of an exact log-likelihood."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class Likelihood(Direction):
    """∇_θ 1/|M| Σ_{x ∈ M} log p_θ(x)                                                      (Ou 2019, Eq. 6).

    Example:
        >>> from reverie.directions import Likelihood
        >>> Likelihood().uses
        ()
    """

    moves = ("model",)
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            value = jnp.mean(jax.vmap(parts["model"].log_prob)(batch.x))
            return value, {"log_likelihood": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
