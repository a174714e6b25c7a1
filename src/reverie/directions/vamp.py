"""A prior that is the posterior's average over learned rows."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def tied(parts: Parts) -> Any:
    """The model with q(h | u_1), …, q(h | u_K) for the components of its prior."""

    def moments(row: PyTree) -> tuple[Array, Array]:
        found = posterior_of(parts).distribution(row)
        return found.mean, jnp.sqrt(found.variance)

    return parts["model"].with_prior(*jax.vmap(moments)(parts["pseudo-inputs"].rows()))


class TiedPrior(Direction):
    """∇ of the K-sample bound of the model whose prior is p(h) = 1/C Σ_c q_φ(h | u_c), in θ, φ and the u_c.

        E log 1/K Σ_k p(x | h_k) p_{φ,u}(h_k) / q_φ(h_k | x),    h_k = h_φ(x, ε_k);  K = 1 is the evidence lower bound

    Unbiased for that bound, through the prior too. The model itself stays a model: its mixture is set to the components
    of this step, so that it lags one step behind φ and the u_c. Of a posterior that is no diagonal Gaussian the
    components have the means and the variances.

    Example:
        >>> from reverie.directions import TiedPrior
        >>> TiedPrior().moves
        ('model', 'inference', 'pseudo-inputs')

    Reference: Tomczak & Welling 2018, *VAE with a VampPrior*, Eq. 9 and 10.
    """

    moves = ("model", "inference", "pseudo-inputs")
    uses = ("noise",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise, and the components as they are."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, posterior = tied(parts), posterior_of(parts)

            def log_weight(noise: PyTree, x: PyTree) -> Array:
                h, log_q = posterior.transform_and_log_prob(noise, x)
                return model.log_joint(x, h) - log_q

            log_w = jax.vmap(jax.vmap(log_weight), in_axes=(0, None))(draw["noise"], batch.x)
            bound = jnp.mean(jax.nn.logsumexp(log_w, axis=0)) - jnp.log(float(log_w.shape[0]))
            return bound, {"iw_bound": bound, "elbo": jnp.mean(log_w)}

        ascent, info = gradient(objective, parts, self.moves)
        return Ascent(ascent.along, {"model": tied(parts)}), memory, info
