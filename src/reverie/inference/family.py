"""Posteriors of other families than the Gaussian, each reparameterised in its own way."""

from typing import Any, Literal, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jax.scipy.special import betaln, gammaln
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasPosteriorTerms, ReparameterisedProposal
from reverie.data.spec import Spec
from reverie.inference.encoded import Encoded
from reverie.inference.normal import halves
from reverie.parts import filled, option

Family = Literal["logistic", "laplace", "student-t", "gumbel", "log-normal", "gamma", "beta", "dirichlet"]
FLOOR = 0.1
"""The least concentration: the logarithm of a draw then has a standard deviation of ten."""


class LogGamma(NamedTuple):
    """h = log z of z ~ Gamma(α, β): log p(h) = α (h + log β) − β eʰ − log Γ(α)."""

    concentration: Array
    rate: Array

    def rsample(self, key: Key[Array, ""]) -> Array:
        """A draw with implicit gradients, which never is the logarithm of a zero."""
        return jax.random.loggamma(key, self.concentration) - jnp.log(self.rate)

    def log_prob(self, h: Array) -> Array:
        """Of each variable."""
        shifted = h + jnp.log(self.rate)
        return self.concentration * shifted - jnp.exp(shifted) - gammaln(self.concentration)


class LogOdds(NamedTuple):
    """h = log z − log(1 − z) of z ~ Beta(α, β): log p(h) = α log σ(h) + β log σ(−h) − log B(α, β)."""

    first: Array
    second: Array

    def rsample(self, key: Key[Array, ""]) -> Array:
        """The difference of two log-Gamma draws."""
        keys = jax.random.split(key)
        return jax.random.loggamma(keys[0], self.first) - jax.random.loggamma(keys[1], self.second)

    def log_prob(self, h: Array) -> Array:
        """Of each variable."""
        inside = self.first * jax.nn.log_sigmoid(h) + self.second * jax.nn.log_sigmoid(-h)
        return inside - betaln(self.first, self.second)


class LogRatios(NamedTuple):
    """h_i = log z_i − log z_d of z ~ Dirichlet(α): log p(h) = Σ_i α_i log softmax_i(h, 0) − log B(α)."""

    concentration: Array

    def rsample(self, key: Key[Array, ""]) -> Array:
        """The differences of log-Gamma draws."""
        logs = jax.random.loggamma(key, self.concentration)
        return logs[:-1] - logs[-1]

    def log_prob(self, h: Array) -> Array:
        """Of all together."""
        inside = self.concentration @ jax.nn.log_softmax(jnp.append(h, 0.0))
        return inside - jnp.sum(gammaln(self.concentration)) + gammaln(jnp.sum(self.concentration))


class FamilyPosterior(Encoded, HasPosteriorTerms, ReparameterisedProposal):
    """A posterior of a family that can be reparameterised, carried onto the reals where it lives on a part of them.

        logistic, Laplace, Gumbel       h = F⁻¹(u), a location and a scale                  by inverse distribution
        Student-t                       h = μ + σ t, t of implicit gradients in ν           by composition
        log-normal                      h = log z, z = e^{μ + σ ε}: a Gaussian again        by composition
        Gamma                           h = log z, z ~ Gamma(α, β)                          implicit
        Beta                            h = log z − log(1 − z), z ~ Beta(α, β)              composed of two log-Gammas
        Dirichlet                       h_i = log z_i − log z_d, i < d, of d = size + 1     composed of d log-Gammas

    Draws and densities are those of h itself, so that each serves any model of one block of reals and none is rounded
    to the edge of a support. Implicit gradients are those of `jax.random.loggamma` (and its gamma, for Student-t).

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        family: the name.

    Example:
        >>> from reverie.inference import FamilyPosterior
        >>> FamilyPosterior(family="gamma").family
        'gamma'

    Reference: Kingma & Welling 2014, §2.4; Figurnov, Mohamed & Mnih 2018, *Implicit reparameterization gradients*.
    """

    family: Family = option("logistic")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Two numbers for each latent variable."""
        (latent,) = model.latents
        return filled(self, **self._encoder(key, spec, model, 2 * latent.size + 1))

    def _law(self, x: PyTree) -> Any:
        """The distribution of h."""
        said = self._told(x)
        location, log_scale = halves(said[:-1])
        scale = jnp.exp(log_scale)
        first, second = FLOOR + jax.nn.softplus(location + 1.0), FLOOR + jax.nn.softplus(log_scale + 1.0)
        last = FLOOR + jax.nn.softplus(said[-1:] + 1.0)
        match self.family:
            case "logistic":
                return dist.Logistic(location, scale)
            case "laplace":
                return dist.Laplace(location, scale)
            case "student-t":
                return dist.StudentT(2.0 + jax.nn.softplus(said[-1] + 1.0), location, scale)
            case "gumbel":
                return dist.Gumbel(location, scale)
            case "log-normal":
                return dist.Normal(location, scale)
            case "gamma":
                return LogGamma(first, second)
            case "beta":
                return LogOdds(first, second)
            case "dirichlet":
                return LogRatios(jnp.concatenate([first, last]))

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x)."""
        return jnp.sum(self._law(x).log_prob(h[0]))

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each variable; of a Dirichlet's all together."""
        return (self._law(x).log_prob(h[0]),)

    def noise(self, key: Key[Array, ""]) -> Array:
        """The words of a key: each family makes its own noise of them, differentiable where it must be."""
        return jax.random.bits(key, (2,), jnp.uint32)

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """A draw and its density."""
        law = self._law(x)
        h = law.rsample(jax.random.wrap_key_data(noise, impl="threefry2x32"))
        return (h,), jnp.sum(law.log_prob(h))

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)
