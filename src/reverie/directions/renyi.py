"""The variational Rényi bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.iwae import log_weights
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def renyi_bound(log_w: Array, alpha: float) -> Array:
    """1/(1 − α) log 1/K Σ_k w_k^(1 − α) over the first axis, and its limit, the mean of log w, at α = 1."""
    middle = jnp.mean(log_w, axis=0)
    if alpha == 1.0:
        return middle
    # Near α = 1 a small number is divided by a smaller one; centred, it has no rounding error of the mean's size.
    spread = jax.nn.logsumexp((1.0 - alpha) * (log_w - middle), axis=0) - jnp.log(float(log_w.shape[0]))
    return middle + spread / (1.0 - alpha)


class RenyiBound(Direction):
    """∇ of E_ε 1/(1 − α) log 1/K Σ_k w_k^(1 − α),  w_k = p(x, h_k) / q(h_k | x),  h_k = h_φ(x, ε_k).

    α = 1 is the evidence lower bound and α = 0 the importance-weighted one; between them it lies between them, for
    each draw. Below 0 it leans towards the largest weight (α → −∞) and is no bound once K is large; above 1 towards
    the smallest. Unbiased for the gradient of its own mean, which is that of Rényi's divergence as K grows only.

    Args:
        alpha: α.

    Example:
        >>> from reverie.directions import RenyiBound
        >>> RenyiBound(0.5).uses
        ('noise',)

    Reference: Li & Turner 2016, *Rényi divergence variational inference*, §3 and §4.1, Theorem 2.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    alpha: float = 0.5

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_w = log_weights(parts, draw["noise"], batch.x)
            bound = jnp.mean(renyi_bound(log_w, self.alpha))
            return bound, {"renyi_bound": bound, "elbo": jnp.mean(log_w)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
