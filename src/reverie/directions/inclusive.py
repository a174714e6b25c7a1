"""Towards the posterior by the inclusive divergence."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class InclusiveFromData(Direction):
    """Σ_k w̄_k ∇_φ log q_φ(h_k | x) over the batch: down KL[p(h | x) ‖ q(h | x)] on data     (Ou 2019, Eq. 25 and 27).

    The wake-φ update of reweighted wake-sleep with its weighted codes, and JSA's update of φ with its chain's.

    Example:
        >>> from reverie.directions import InclusiveFromData
        >>> InclusiveFromData().uses
        ('codes',)
    """

    moves = ("inference",)
    uses = ("codes",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The weighted gradient of log q."""
        codes = jax.lax.stop_gradient(draw["codes"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_q = jax.vmap(jax.vmap(posterior_of(parts).log_prob), in_axes=(0, None))
            value = jnp.mean(jnp.sum(codes.weight * log_q(codes.h, batch.x), axis=0))
            return value, {"log_q_wake": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class InclusiveFromDreams(Direction):
    """∇_φ log q_φ(h' | x') over dreams: down E_{p(x)} KL[p(h | x) ‖ q(h | x)]                (Ou 2019, Eq. 22, Alg. 4).

    The sleep phase. Unbiased, but on the model's x rather than the data's.

    Example:
        >>> from reverie.directions import InclusiveFromDreams
        >>> InclusiveFromDreams().uses
        ('dreams',)
    """

    moves = ("inference",)
    uses = ("dreams",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of log q on dreams."""
        dreams = jax.lax.stop_gradient(draw["dreams"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            value = jnp.mean(jax.vmap(posterior_of(parts).log_prob)(dreams.h, dreams.x))
            return value, {"log_q_sleep": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
