"""A mixture of Gaussians."""

import math
from typing import Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.models.priors.prior import Prior


class MixturePrior(Prior):
    """p(h) = Σ_k π_k N(h; μ_k, diag σ_k²), the components summed out.

    Reference: Dilokthanakul et al. 2016; Jiang et al. 2017, for a mixture in the place of N(0, I).
    """

    logits: Array
    means: Array
    log_scales: Array

    @classmethod
    def start(cls, key: Key[Array, ""], size: int, count: int) -> Self:
        """Equal weights; means and scales such that the whole has about the moments of N(0, I)."""
        means = math.sqrt(0.5) * noise.normal(key, (count, size))
        return cls(jnp.zeros(count), means, jnp.full((count, size), 0.5 * math.log(0.5), jnp.float32))

    def log_prob(self, h: Array) -> Float[Array, ""]:
        """log Σ_k π_k N(h; μ_k, diag σ_k²)."""
        z = (h - self.means) * jnp.exp(-self.log_scales)
        each = -jnp.sum(0.5 * z**2 + self.log_scales, axis=1) - 0.5 * h.shape[0] * math.log(2.0 * math.pi)
        return jax.nn.logsumexp(jax.nn.log_softmax(self.logits) + each)

    def sample(self, key: Key[Array, ""]) -> Array:
        """A component, then a Gaussian."""
        key_component, key_h = jax.random.split(key)
        k = noise.categorical(key_component, self.logits)
        return self.means[k] + jnp.exp(self.log_scales[k]) * noise.normal(key_h, self.means.shape[1:])
