"""The pseudo-likelihood of discrete x: each site given all the others."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie import noise
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick, changes


class PseudoLikelihood(Direction):
    """∇_θ E_data Σ_i log p_θ(x_i | the other sites), of which no term needs log Z.

        log p(x_i | the rest) = u(x) − log Σ_k exp u(x with x_i = k)

    With fewer `sites` than x has, that many are drawn for each row and their sum is scaled up: the same in the mean.

    Args:
        sites: how many sites of each row; all where not given.

    Example:
        >>> from reverie.directions import PseudoLikelihood
        >>> PseudoLikelihood().moves
        ('model',)

    Reference: Besag 1975, *Statistical analysis of non-lattice data*, §3.
    """

    moves = ("model",)
    uses = ()
    sites: int | None = None

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        rows, size = batch.x.shape
        count = size if self.sites is None else min(self.sites, size)
        # An offset and a stride: every site is as likely, and none comes twice.
        first = (size * noise.uniform(tick.key, (rows,))).astype(jnp.int32)
        places = (first[:, None] + jnp.arange(count) * (size // count)) % size

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            terms = jax.vmap(lambda x, places: _conditionals(parts["model"], x, places))(batch.x, places)
            value = jnp.mean(jnp.sum(terms, axis=1)) * (size / count)
            return value, {"pseudo_likelihood": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def _conditionals(model: Any, x: Array, places: Array) -> Array:
    """log p(x_i | the rest) at each of the places."""
    return -jax.nn.logsumexp(jnp.pad(changes(model, x, places), ((0, 0), (0, 1))), axis=1)
