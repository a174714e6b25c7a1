"""The pseudo-likelihood of discrete x: each site given all the others."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

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
        places, scale = some_sites(tick.key, batch.x, self.sites)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            terms = jax.vmap(lambda x, places: of_sites(parts["model"], x, places))(batch.x, places)
            value = jnp.mean(jnp.sum(terms, axis=1)) * scale
            return value, {"pseudo_likelihood": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def some_sites(key: Key[Array, ""], x: Array, sites: int | None) -> tuple[Array, float]:
    """So many sites of each row, and by what their sum is scaled up."""
    rows, size = x.shape
    count = size if sites is None else min(sites, size)
    # An offset and a stride: every site is as likely, and none comes twice.
    first = (size * noise.uniform(key, (rows,))).astype(jnp.int32)
    return (first[:, None] + jnp.arange(count) * (size // count)) % size, size / count


def of_sites(model: Any, x: Array, places: Array) -> Array:
    """log p(x_i | the rest) at each of the places."""
    return -jax.nn.logsumexp(jnp.pad(changes(model, x, places), ((0, 0), (0, 1))), axis=1)
