"""Skeleton of a direction: copy to src/reverie/directions/<name>.py, and write every line anew.

One file, one direction. It returns a value shaped like the parts that it moves, and it points up.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions import Ascent, Direction, gradient
from reverie.directions.direction import Memory
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ConditionalLikelihood(Direction):
    """∇_θ of the mean of log p(x_i | the other bits of x), where bit i of x is the one that the sampler flipped.

        log p(x_i | x_{−i}) = log σ(u(x) − u(x')),    x' = x with bit i flipped

    The normaliser cancels, so that an unnormalised model will do. For i uniform over D columns it is unbiased for 1/D
    of the gradient of the log-pseudolikelihood Σ_i log p(x_i | x_{−i}); of all distributions over bits, the data's own
    makes that largest.

    Example:
        >>> from examples.skeletons.direction import ConditionalLikelihood
        >>> ConditionalLikelihood().uses
        ('flipped',)

    Reference: Besag 1975, *Statistical analysis of non-lattice data*.
    """

    moves = ("model",)  # the parts it moves: a learner must require something of each
    uses = ("flipped",)  # the names that its sampler must give

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch. A direction that remembers has `init` too, and gives its new memory here."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            potential = jax.vmap(parts["model"].potential)
            value = jnp.mean(jax.nn.log_sigmoid(potential(batch.x) - potential(draw["flipped"])))
            return value, {"conditional_log_likelihood": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
