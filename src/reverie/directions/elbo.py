"""Reparameterised gradients of the evidence lower bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree
from numpyro.distributions import kl_divergence

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class SampledElbo(Direction):
    """∇ of E_ε [log p(x | h) − β (log q(h | x) − log p(h))] at h = h_φ(x, ε)          (Ou 2019, Eq. 8 and 13).

    Both terms are sampled, so any prior and any reparameterised posterior will do. Unbiased; β = 1 is the bound itself.

    Args:
        beta: β, the weight of the divergence (Higgins et al. 2017).

    Example:
        >>> from reverie.directions import SampledElbo
        >>> SampledElbo().moves
        ('model', 'inference')
    """

    moves = ("model", "inference")
    uses = ("noise",)
    beta: float = 1.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)

            def one(noise: Array, x: PyTree) -> tuple[Array, Array]:
                h, log_q = inference.transform_and_log_prob(noise, x)
                return model.log_likelihood(x, h), log_q - model.log_prior(h)

            fit, divergence = jax.vmap(jax.vmap(one), in_axes=(0, None))(draw["noise"], batch.x)
            return _objective(jnp.mean(fit), jnp.mean(divergence), self.beta)

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class ClosedElbo(Direction):
    """∇ of E_ε [log p(x | h)] − β KL[q(h | x) ‖ p(h)], the divergence in closed form      (Ou 2019, Eq. 8).

    Unbiased. It asks for a prior and a posterior with a closed-form divergence, and varies less than the sampled form,
    but for a posterior that is nearly right and far from the prior: there the sampled terms cancel (Roeder, Wu &
    Duvenaud 2017).

    Args:
        beta: β, the weight of the divergence.

    Example:
        >>> from reverie.directions import ClosedElbo
        >>> ClosedElbo(beta=4.0).beta
        4.0
    """

    moves = ("model", "inference")
    uses = ("noise",)
    beta: float = 1.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], parts["inference"]

            def fit(noise: Array, x: PyTree) -> Array:
                return model.log_likelihood(x, inference.transform(noise, x))

            def divergence(x: PyTree) -> Array:
                return kl_divergence(inference.distribution(x), model.prior())

            fits = jax.vmap(jax.vmap(fit), in_axes=(0, None))(draw["noise"], batch.x)
            return _objective(jnp.mean(fits), jnp.mean(jax.vmap(divergence)(batch.x)), self.beta)

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def _objective(fit: Array, divergence: Array, beta: float) -> tuple[Array, dict[str, Array]]:
    return fit - beta * divergence, {"elbo": fit - divergence, "fit": fit, "divergence": divergence}
