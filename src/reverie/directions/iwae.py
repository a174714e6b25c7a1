"""The reparameterised gradient of the importance-weighted bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def log_weights(parts: Parts, noise: PyTree, x: PyTree) -> Array:
    """log w_k of each draw of noise and each row of a batch, [K, batch]."""
    model, posterior = parts["model"], posterior_of(parts)

    def one(noise: PyTree, x: PyTree) -> Array:
        h, log_q = posterior.transform_and_log_prob(noise, x)
        return model.log_joint(x, h) - log_q

    return jax.vmap(jax.vmap(one), in_axes=(0, None))(noise, x)


def iw_bound(log_w: Array) -> Array:
    """log 1/K Σ_k w_k over the first axis."""
    return jax.nn.logsumexp(log_w, axis=0) - jnp.log(float(log_w.shape[0]))


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
            log_w = log_weights(parts, draw["noise"], batch.x)
            bound = jnp.mean(iw_bound(log_w))
            return bound, {"iw_bound": bound, "elbo": jnp.mean(log_w)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
