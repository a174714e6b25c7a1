"""Mixtures of Gaussians."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasExactEM, HasLogProb, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.k_means import k_means
from reverie.models.moments import Moments, moments, widened
from reverie.models.suits import only
from reverie.parts import Part, filled, learned, option


class GaussianMixture(Part, HasLogProb, Samplable, HasExactEM):
    """A finite mixture of Gaussians with full covariances.

        p(x) = Σ_k π_k N(x; μ_k, L_k L_kᵀ)

    Weights are kept as logits and covariances as Cholesky factors whose diagonal is e^·, so that any direction keeps
    them valid. Assumes continuous rows.

    Args:
        count: how many components K.

    Example:
        >>> from reverie.models import GaussianMixture
        >>> GaussianMixture(count=3).count
        3

    Reference: McLachlan & Peel 2000, *Finite mixture models*, §3.2.
    """

    count: int = option(5)
    logits: Array = learned()
    means: Array = learned()
    log_diagonal: Array = learned()
    below: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.count < 1:
            raise InputError(f"a mixture needs at least one component, not count={self.count}")

    def unsuited(self, spec: Spec) -> str | None:
        """Only continuous columns."""
        return only("continuous", spec, "a mixture of Gaussians")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Equal weights, means spread like the data, spherical covariances of the data's variance."""
        leaf = spec.leaves["continuous"]
        mean, std = jnp.asarray(leaf.mean, jnp.float32), jnp.asarray(leaf.std, jnp.float32)
        std = jnp.maximum(std, 1e-3)
        means = mean + std * noise.normal(key, (self.count, leaf.size))
        diagonal = jnp.broadcast_to(jnp.log(std), (self.count, leaf.size))
        below = jnp.zeros((self.count, leaf.size, leaf.size))
        return filled(self, logits=jnp.zeros(self.count), means=means, log_diagonal=diagonal, below=below)

    def _scale(self) -> Array:
        return jnp.tril(self.below, -1) + jax.vmap(jnp.diag)(jnp.exp(self.log_diagonal))

    def _distribution(self) -> dist.Distribution:
        parts = dist.MultivariateNormal(self.means, scale_tril=self._scale())
        return dist.MixtureSameFamily(dist.Categorical(logits=self.logits), parts)

    def log_prob(self, x: Array) -> Array:
        """log Σ_k π_k N(x; μ_k, Σ_k)."""
        return self._distribution().log_prob(x)

    def sample(self, key: Key[Array, ""]) -> Array:
        """A component, then a Gaussian."""
        key_k, key_x = jax.random.split(key)
        k = noise.categorical(key_k, self.logits)
        return self.means[k] + self._scale()[k] @ noise.normal(key_x, self.means.shape[1:])

    def components(self) -> tuple[Array, Array, Array]:
        """π, μ and L Lᵀ."""
        scale = self._scale()
        return jax.nn.softmax(self.logits), self.means, scale @ jnp.swapaxes(scale, 1, 2)

    def with_components(self, weights: Array, means: Array, covariances: Array) -> "GaussianMixture":
        """The mixture with these components."""
        return self._with(weights, means, jnp.linalg.cholesky(covariances))

    def _with(self, weights: Array, means: Array, scale: Array) -> "GaussianMixture":
        diagonal = jnp.log(jnp.diagonal(scale, axis1=1, axis2=2))
        fields = {
            "logits": jnp.log(weights),
            "means": means,
            "log_diagonal": diagonal,
            "below": jnp.tril(scale, -1),
        }
        return filled(self, **fields)

    def em_start(self, key: Key[Array, ""], x: Array, ridge: float) -> "GaussianMixture":
        """The moments of the clusters that k-means finds, whatever the model was before."""
        if x.shape[0] < self.count:
            raise InputError(
                f"EM needs a row for each component and has {x.shape[0]} for {self.count}: ask for fewer components"
            )
        return self.maximise(moments(x, jax.nn.one_hot(k_means(key, x, self.count), self.count)), ridge)

    def expected_statistics(self, x: Array) -> Moments:
        """The moments of the rows, each row shared among the components by r_nk = p(k | x_n)."""

        def one(component: tuple[Array, Array, Array]) -> Array:
            logit, mean, scale = component
            z = solve_triangular(scale, (x - mean).T, lower=True)
            return logit - jnp.sum(0.5 * z**2, axis=0) - jnp.sum(jnp.log(jnp.diagonal(scale)))

        log_joint = jax.lax.map(one, (self.logits, self.means, self._scale()))
        return moments(x, jax.nn.softmax(log_joint, axis=0).T)

    def maximise(self, statistics: Moments, ridge: float) -> "GaussianMixture":
        """π_k = N_k/N, the means, and F_k F_kᵀ + ridge I: with a ridge a maximum up to the ridge.

        A component that has collapsed onto fewer dimensions than the rows have is not finite.
        """
        scale = jax.lax.map(lambda factor: widened(factor, ridge), statistics.factor)
        return self._with(statistics.mass / jnp.sum(statistics.mass), statistics.mean, scale)
