"""The score-function gradient of the importance-weighted bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick
from reverie.samplers.importance import log_joints


def learning_signals(log_w: Array) -> Array:
    """L̂ − L̂_{−k} for log weights [K, …]: the bound, less the bound in which w_k is the geometric mean of the others."""
    count = log_w.shape[0]
    others = (jnp.sum(log_w, axis=0) - log_w) / (count - 1)
    without = jnp.where(
        jnp.eye(count, dtype=bool).reshape(count, count, *[1] * (log_w.ndim - 1)), others[:, None], log_w
    )
    return jax.nn.logsumexp(log_w, axis=0) - jax.nn.logsumexp(without, axis=1)


class MonteCarloObjective(Direction):
    """∇ E L̂,  L̂ = log 1/K Σ_k w_k, for θ and φ alike, each code with a baseline made of the others.

        Σ_k (L̂ − L̂_{−k}) ∇ log q(h_k | x) + Σ_k w̄_k ∇ log w_k,  w_k = p(x, h_k) / q(h_k | x)
                                                                         (Mnih & Rezende 2016, Eq. 7–8, 10)

    Unbiased for the gradient of the K-sample bound: θ goes along Σ_k w̄_k ∇ log p(x, h_k), and not along the equally
    weighted mean, which would be the evidence lower bound's. K ≥ 2.

    Example:
        >>> from reverie.directions import MonteCarloObjective
        >>> MonteCarloObjective().uses
        ('codes',)

    Reference: Mnih & Rezende 2016, *Variational inference for Monte Carlo objectives*, Alg. 1.
    """

    moves = ("model", "inference")
    uses = ("codes",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and its codes."""
        codes = jax.lax.stop_gradient(draw["codes"])
        pull = learning_signals(codes.log_weight) - codes.weight

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_p = log_joints(parts["model"], codes.h, batch.x)
            log_q = jax.vmap(jax.vmap(posterior_of(parts).log_prob), in_axes=(0, None))(codes.h, batch.x)
            said = {"elbo": jnp.mean(codes.log_weight), "signal": jnp.sqrt(jnp.mean(pull**2))}
            return jnp.mean(jnp.sum(codes.weight * log_p + pull * log_q, axis=0)), said

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
