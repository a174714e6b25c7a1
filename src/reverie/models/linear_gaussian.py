"""Linear Gaussian models: factor analysis and probabilistic principal components."""

import math
from abc import abstractmethod
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.capabilities import (
    Decodes,
    HasClosedPosterior,
    HasExactEM,
    HasJointSample,
    HasLogProb,
    HasPriorDistribution,
    HasRealCodes,
    Latent,
    Samplable,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.suits import only
from reverie.parts import Part, filled, learned, option


class Moments(NamedTuple):
    """What EM sums over n rows; x is taken from the model's mean, and h̃ is h with a 1 after it.

    Attributes:
        rows: n.
        hh: Σ E[h̃ h̃ᵀ], [K + 1, K + 1].
        xh: Σ x E[h̃]ᵀ, [D, K + 1].
        xx: Σ x_i², [D].
    """

    rows: Array
    hh: Array
    xh: Array
    xx: Array


class LinearGaussian(
    Part,
    HasRealCodes,
    HasClosedPosterior,
    HasLogProb,
    HasExactEM,
    Decodes,
    HasJointSample,
    HasPriorDistribution,
    Samplable,
):
    """Abstract: h ~ N(0, I), x = W h + μ + ξ. Who inherits says which variances ξ may have."""

    latent: int = option(2)
    weights: Array = learned()
    mean: Array = learned()
    log_scale: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.latent < 1:
            raise InputError(f"a linear Gaussian model needs latent >= 1, not {self.latent}")

    @abstractmethod
    def pooled(self, columns: Array) -> Array:
        """What ξ has of numbers [D], one for each column: all of them, or their mean."""

    def unsuited(self, spec: Spec) -> str | None:
        """Only continuous columns."""
        return only("continuous", spec, "a linear Gaussian model")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Half of each column's variance is ξ's, and about half comes through random weights."""
        leaf = spec.leaves["continuous"]
        mean, std = jnp.asarray(leaf.mean, jnp.float32), jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-3)
        weights = std[:, None] * noise.normal(key, (leaf.size, self.latent)) / math.sqrt(2 * self.latent)
        return filled(self, weights=weights, mean=mean, log_scale=0.5 * jnp.log(0.5 * self.pooled(std**2)))

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of reals."""
        return (Latent("reals", self.latent),)

    def _scale(self) -> Float[Array, " D"]:
        """The standard deviation of ξ in each column."""
        return jnp.broadcast_to(jnp.exp(self.log_scale), self.mean.shape)

    def prior(self) -> dist.Distribution:
        """N(0, I)."""
        return dist.Normal(jnp.zeros(self.latent), 1.0).to_event(1)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log N(h; 0, I)."""
        return self.prior().log_prob(h[0])

    def log_likelihood(self, x: Array, h: tuple[Array, ...]) -> Array:
        """log N(x; W h + μ, Ψ)."""
        return dist.Normal(self.weights @ h[0] + self.mean, self._scale()).to_event(1).log_prob(x)

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> Array:
        """Draw x ~ N(W h + μ, Ψ)."""
        return self.centre(h) + self._scale() * noise.normal(key, self.mean.shape)

    def centre(self, h: tuple[Array, ...]) -> Array:
        """W h + μ."""
        return self.weights @ h[0] + self.mean

    def log_prob(self, x: Array) -> Array:
        """log N(x; μ, W Wᵀ + Ψ)."""
        return dist.LowRankMultivariateNormal(self.mean, self.weights, self._scale() ** 2).log_prob(x)

    def _precision(self) -> Float[Array, "K K"]:
        """I + Wᵀ Ψ⁻¹ W, the inverse of the posterior's covariance."""
        seen = self.weights / self._scale()[:, None]
        return jnp.eye(self.latent) + seen.T @ seen

    def posterior(self, x: Array) -> dist.Distribution:
        """N(h; M Wᵀ Ψ⁻¹ (x − μ), M), M = (I + Wᵀ Ψ⁻¹ W)⁻¹."""
        precision = self._precision()
        loc = jnp.linalg.solve(precision, self.weights.T @ ((x - self.mean) / self._scale() ** 2))
        return dist.MultivariateNormal(loc, precision_matrix=precision)

    def sample_joint(self, key: Key[Array, ""]) -> tuple[Array, tuple[Array, ...]]:
        """h from the prior, then x."""
        key_h, key_x = jax.random.split(key)
        h = noise.normal(key_h, (self.latent,))
        return self.weights @ h + self.mean + self._scale() * noise.normal(key_x, self.mean.shape), (h,)

    def sample(self, key: Key[Array, ""]) -> Array:
        """x of a dream."""
        return self.sample_joint(key)[0]

    def em_start(self, key: Key[Array, ""], x: Array, ridge: float) -> Self:
        """The model as it is, but around the rows' mean."""
        return filled(self, mean=jnp.mean(x, axis=0))

    def expected_statistics(self, x: Array) -> Moments:
        """Moments of x and h under p(h | x)."""
        x = x - self.mean
        covariance = jnp.linalg.inv(self._precision())
        means = (x / self._scale() ** 2) @ self.weights @ covariance
        with_one = jnp.concatenate([means, jnp.ones((x.shape[0], 1))], axis=1)
        spread = jnp.zeros((self.latent + 1, self.latent + 1)).at[: self.latent, : self.latent].set(covariance)
        rows = jnp.asarray(x.shape[0], jnp.float32)
        return Moments(rows, rows * spread + with_one.T @ with_one, x.T @ with_one, jnp.sum(x**2, axis=0))

    def maximise(self, statistics: Moments, ridge: float) -> Self:
        """(W, μ) as a regression of x on h̃; Ψ as what that leaves, and at least the ridge."""
        found = jnp.linalg.solve(statistics.hh, statistics.xh.T).T
        left = (statistics.xx - jnp.sum(found * statistics.xh, axis=1)) / statistics.rows
        variance = jnp.maximum(self.pooled(left), max(ridge, 1e-12))
        return filled(self, weights=found[:, :-1], mean=self.mean + found[:, -1], log_scale=0.5 * jnp.log(variance))


class FactorAnalysis(LinearGaussian):
    """Factor analysis: common factors, and noise of its own size in each column.

        h ~ N(0, I),    x = W h + μ + ξ,    ξ ~ N(0, Ψ),  Ψ diagonal

    p(x) and p(h | x) are Gaussians in closed form, and so is each half of EM: any learner of latent variables can be
    held against the exact answer. Assumes continuous rows.

    Args:
        latent: how many factors.

    Example:
        >>> from reverie.models import FactorAnalysis
        >>> FactorAnalysis(latent=3).latents[0].size
        3

    Reference: Rubin & Thayer 1982, *EM algorithms for ML factor analysis*.
    """

    def pooled(self, columns: Array) -> Array:
        """All of them."""
        return columns


class PPCA(LinearGaussian):
    """Probabilistic principal components: noise of one size in all columns.

        h ~ N(0, I),    x = W h + μ + ξ,    ξ ~ N(0, σ² I)

    At its maximum W spans the principal axes and σ² is the mean variance of what they leave. Assumes continuous rows.

    Args:
        latent: how many components.

    Example:
        >>> from reverie.models import PPCA
        >>> PPCA(latent=3).latents[0].size
        3

    Reference: Tipping & Bishop 1999, *Probabilistic principal component analysis*, Eq. 4 to 8; EM: appendix B.
    """

    def pooled(self, columns: Array) -> Array:
        """Their mean."""
        return jnp.mean(columns)
