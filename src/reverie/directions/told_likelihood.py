"""The exact likelihood of told columns that have few values together."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.capabilities import log_sum
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ToldLikelihood(Direction):
    """∇_θ 1/n Σ_i log p_θ(y_i | v_i), log Z(v_i) being written out as a sum.

    Example:
        >>> from reverie.directions import ToldLikelihood
        >>> ToldLikelihood().uses
        ()

    Reference: Lafferty, McCallum & Pereira 2001, *Conditional random fields*, §3.
    """

    moves = ("model",)
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the mean."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model = parts["model"]

            def one(x: Array) -> Array:
                field = model.conditioned(x)
                return field.potential(model.told(x)) - log_sum(field)

            value = jnp.mean(jax.vmap(one)(batch.x))
            return value, {"log_p_told": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
