"""Conditional noise contrast: rows from the same rows with noise on them."""

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid
from jaxtyping import Array

from reverie import noise
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ConditionalContrast(Direction):
    """∇_θ 2 E_data E_ε log σ(u(x) − u(x + s ε)), ε ~ N(0, I): which of the two is the row, and which has the noise.

    The noise is symmetric, so that neither its density nor log Z is in the odds.

    Args:
        noise: draws of ε for each row.
        sigma: s, in the units of the rows as the model sees them.

    Example:
        >>> from reverie.directions import ConditionalContrast
        >>> ConditionalContrast(sigma=0.5).moves
        ('model',)

    Reference: Ceylan & Gutmann 2018, *Conditional noise-contrastive estimation of unnormalised models*, Eq. 8–10.
    """

    moves = ("model",)
    uses = ()
    noise: int = 1
    sigma: float = 0.5

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        fake = batch.x + self.sigma * noise.normal(tick.key, (self.noise, *batch.x.shape))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            potential = jax.vmap(parts["model"].potential)
            odds = potential(batch.x) - jax.vmap(potential)(fake)
            value = 2.0 * jnp.mean(log_sigmoid(odds))
            return value, {"conditional_contrast": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
