"""Normal densities as posteriors use them, and the part that all diagonal Gaussians share."""

import math
from abc import abstractmethod

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, Key, PyTree

from reverie import noise
from reverie.capabilities import Encodes, HasPosterior, HasPosteriorDistribution, ReparameterisedProposal

LARGEST_LOG_SCALE = 10.0
"""|log σ| is kept below it."""


def standard_log_prob(epsilon: Float[Array, " n"]) -> Float[Array, ""]:
    """log N(ε; 0, I)."""
    return -0.5 * jnp.sum(epsilon**2) - 0.5 * epsilon.shape[0] * math.log(2.0 * math.pi)


def normal_log_prob(h: Array, mean: Array, log_scale: Array) -> Float[Array, ""]:
    """log N(h; mean, diag e^{2 log_scale})."""
    return standard_log_prob((h - mean) * jnp.exp(-log_scale)) - jnp.sum(log_scale)


def each_normal_log_prob(h: Array, mean: Array, log_scale: Array) -> Float[Array, " n"]:
    """log N(h_i; mean_i, e^{2 log_scale_i}) of each variable."""
    return -0.5 * jnp.square((h - mean) * jnp.exp(-log_scale)) - log_scale - 0.5 * math.log(2.0 * math.pi)


def halves(outputs: Float[Array, " twice"]) -> tuple[Array, Array]:
    """A mean and a log scale from one vector."""
    size = outputs.shape[0] // 2
    return outputs[:size], jnp.clip(outputs[size:], -LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)


class DiagonalGaussian(HasPosterior, ReparameterisedProposal, HasPosteriorDistribution, Encodes):
    """Abstract: q(h | x) = N(h; μ(x), diag σ(x)²) on one block; who inherits says how x is read."""

    @abstractmethod
    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """μ and log σ."""

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""

    def distribution(self, x: PyTree) -> dist.Distribution:
        """N(μ(x), diag σ(x)²)."""
        mean, log_scale = self.moments(x)
        return dist.Normal(mean, jnp.exp(log_scale)).to_event(1)

    def transform_and_distribution(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], dist.Distribution]:
        """μ + σ ε, and N(μ, diag σ²)."""
        mean, log_scale = self.moments(x)
        scale = jnp.exp(log_scale)
        return (mean + scale * noise,), dist.Normal(mean, scale).to_event(1)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x)."""
        return normal_log_prob(h[0], *self.moments(x))

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """μ + σ ε, and its density as a function of ε: Σ_i log N(ε_i; 0, 1) − log σ_i."""
        mean, log_scale = self.moments(x)
        return (mean + jnp.exp(log_scale) * noise,), standard_log_prob(noise) - jnp.sum(log_scale)

    def encode(self, x: PyTree) -> tuple[Array, ...]:
        """μ."""
        return (self.moments(x)[0],)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)


def fresh(key: Key[Array, ""], size: int) -> Array:
    """ε ~ N(0, I)."""
    return noise.normal(key, (size,))
