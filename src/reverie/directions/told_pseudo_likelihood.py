"""The pseudo-likelihood of told columns: each of them given all the others and the given ones."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.pseudo_likelihood import of_sites, some_sites
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ToldPseudoLikelihood(Direction):
    """∇_θ 1/n Σ_i Σ_t log p_θ(y_it | the other told columns, v_i), of which no term needs log Z(v_i).

    Args:
        sites: how many of the told columns of each row, scaled up as in `PseudoLikelihood`; all where not given.

    Example:
        >>> from reverie.directions import ToldPseudoLikelihood
        >>> ToldPseudoLikelihood().moves
        ('model',)

    Reference: Besag 1975, *Statistical analysis of non-lattice data*, §3; of conditional random fields: Sutton &
    McCallum 2012, *An introduction to conditional random fields*, §5.4.1.
    """

    moves = ("model",)
    uses = ()
    sites: int | None = None

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        told = jax.vmap(parts["model"].told)(batch.x)
        places, scale = some_sites(tick.key, told, self.sites)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            conditioned = parts["model"].conditioned
            terms = jax.vmap(lambda x, y, places: of_sites(conditioned(x), y, places))(batch.x, told, places)
            value = jnp.mean(jnp.sum(terms, axis=1)) * scale
            return value, {"pseudo_likelihood": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
