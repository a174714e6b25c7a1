"""The reparameterised gradient of the importance-weighted bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ImportanceWeightedBound(Direction):
    """∇ of E_ε log 1/K Σ_k w_k,  w_k = p(x, h_k) / q(h_k | x),  h_k = h_φ(x, ε_k)        (Ou 2019, Eq. 19).

    Unbiased for the gradient of the K-sample bound. K is the number of draws of noise that the sampler gives.

    Example:
        >>> from reverie.directions import ImportanceWeightedBound
        >>> ImportanceWeightedBound().moves
        ('model', 'inference')
    """

    moves = ("model", "inference")
    uses = ("noise",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            def log_weight(noise: Array, x: PyTree) -> Array:
                h, log_q = posterior_of(parts).transform_and_log_prob(noise, x)
                return parts["model"].log_joint(x, h) - log_q

            log_w = jax.vmap(jax.vmap(log_weight), in_axes=(0, None))(draw["noise"], batch.x)
            bound = jnp.mean(jax.nn.logsumexp(log_w, axis=0)) - jnp.log(float(log_w.shape[0]))
            return bound, {"iw_bound": bound, "elbo": jnp.mean(log_w)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
