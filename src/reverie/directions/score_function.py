"""The score-function gradient of the evidence lower bound."""

from typing import Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick
from reverie.samplers.importance import log_joints


class ScoreFunction(Direction):
    """E_q (f(h) − b) ∇_φ log q(h | x) and E_q ∇_θ log p(x, h),  f = log p(x, h) − log q(h | x)   (Ou 2019, note 8).

    Unbiased for any b that does not depend on h. Nothing is asked of p and q but their densities.

    Args:
        baseline: b: `none`, or `others`, the mean of f over the row's other codes.

    Example:
        >>> from reverie.directions import ScoreFunction
        >>> ScoreFunction().uses
        ('codes',)

    Reference: Williams 1992, *Simple statistical gradient-following algorithms* (REINFORCE), §5.
    """

    moves = ("model", "inference")
    uses = ("codes",)
    baseline: Literal["none", "others"] = "none"

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and its codes."""
        codes = jax.lax.stop_gradient(draw["codes"])
        f = codes.log_weight
        count = f.shape[0]
        signal = f if self.baseline == "none" else (f - jnp.mean(f, axis=0)) * count / (count - 1)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_p = log_joints(parts["model"], codes.h, batch.x)
            log_q = jax.vmap(jax.vmap(posterior_of(parts).log_prob), in_axes=(0, None))(codes.h, batch.x)
            said = {"elbo": jnp.mean(f), "signal": jnp.sqrt(jnp.mean(signal**2))}
            return jnp.mean(log_p + signal * log_q), said

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
