"""Ratio matching of discrete x."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.single_changes import changes
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class RatioMatching(Direction):
    """∇_θ −E_data Σ_{x'} σ(u(x') − u(x))², x' over all that differ from x at one site.

    σ(u(x') − u(x)) is the model's probability of x' where it must be x' or x. Of such a pair the sum has
    p₀(x) σ(d)² + p₀(x') σ(−d)², which is least where the ratio of the model is that of the data.

    Example:
        >>> from reverie.directions import RatioMatching
        >>> RatioMatching().moves
        ('model',)

    Reference: Hyvärinen 2007, *Some extensions of score matching*, Eq. 17; with levels, each pair of values in turn.
    """

    moves = ("model",)
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        places = jnp.arange(batch.x.shape[1])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            found = jax.vmap(lambda x: changes(parts["model"], x, places))(batch.x)
            value = -jnp.mean(jnp.sum(jnp.square(jax.nn.sigmoid(found)), axis=(1, 2)))
            return value, {"ratio_matching": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
