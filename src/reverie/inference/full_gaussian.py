"""The amortised Gaussian posterior with a full covariance."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Encodes, HasPosterior, HasPosteriorDistribution, ReparameterisedProposal
from reverie.data.spec import Spec
from reverie.inference.encoded import Encoded
from reverie.inference.normal import fresh, halves, standard_log_prob
from reverie.parts import filled


class FullGaussianPosterior(Encoded, HasPosterior, ReparameterisedProposal, HasPosteriorDistribution, Encodes):
    """A Gaussian whose mean and Cholesky factor a network reads off x.

        q(h | x) = N(h; μ_φ(x), L_φ(x) L_φ(x)ᵀ),    h = μ + L ε,  ε ~ N(0, I)

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import FullGaussianPosterior
        >>> FullGaussianPosterior(hidden=(64,)).hidden
        (64,)

    Reference: Rezende, Mohamed & Wierstra 2014, §4.3; Kingma & Welling 2019, *An introduction to VAEs*, §2.5.1.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """The factor's entries below the diagonal start near zero."""
        (latent,) = model.latents
        below = latent.size * (latent.size - 1) // 2
        return filled(self, **self._encoder(key, spec, model, 2 * latent.size + below))

    def _factor(self, x: PyTree) -> tuple[Array, Array, Array]:
        """μ, L and log diag L."""
        outputs = self._told(x)
        mean, log_diagonal = halves(outputs[: 2 * self.size])
        lower = jnp.zeros((self.size, self.size)).at[jnp.tril_indices(self.size, -1)].set(outputs[2 * self.size :])
        return mean, lower + jnp.diag(jnp.exp(log_diagonal)), log_diagonal

    def distribution(self, x: PyTree) -> dist.Distribution:
        """N(μ, L Lᵀ)."""
        mean, factor, _ = self._factor(x)
        return dist.MultivariateNormal(mean, scale_tril=factor)

    def transform_and_distribution(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], dist.Distribution]:
        """μ + L ε, and N(μ, L Lᵀ)."""
        mean, factor, _ = self._factor(x)
        return (mean + factor @ noise,), dist.MultivariateNormal(mean, scale_tril=factor)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x)."""
        mean, factor, log_diagonal = self._factor(x)
        epsilon = jax.scipy.linalg.solve_triangular(factor, h[0] - mean, lower=True)
        return standard_log_prob(epsilon) - jnp.sum(log_diagonal)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """μ + L ε."""
        mean, factor, log_diagonal = self._factor(x)
        return (mean + factor @ noise,), standard_log_prob(noise) - jnp.sum(log_diagonal)

    def encode(self, x: PyTree) -> tuple[Array, ...]:
        """μ."""
        return (self._factor(x)[0],)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)
