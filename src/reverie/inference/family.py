"""Posteriors of other families than the Gaussian, each reparameterised in its own way."""

from typing import Any, Literal, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasPosterior, ReparameterisedProposal
from reverie.data.spec import Spec
from reverie.inference.encoded import Encoded
from reverie.inference.normal import halves
from reverie.parts import filled, option

Family = Literal["logistic", "laplace", "student-t", "gumbel", "log-normal", "gamma", "beta", "dirichlet"]
FLOOR = 0.1
"""The least concentration: below it, draws reach 0 in single precision."""


class FamilyPosterior(Encoded, HasPosterior, ReparameterisedProposal):
    """A posterior of a family that can be reparameterised, carried onto the reals where it lives on a part of them.

        logistic, Laplace, Gumbel       h = F⁻¹(u), a location and a scale                  by inverse distribution
        Student-t                       h = μ + σ t, t of implicit gradients in ν           by composition
        log-normal                      h = log z, z = e^{μ + σ ε}: a Gaussian again        by composition
        Gamma                           h = log z, z ~ Gamma(α, β)                          implicit, then log
        Beta                            h = log z − log(1 − z), z ~ Beta(α, β)              implicit, then logit
        Dirichlet                       h = log z_i − log z_d, i < d, of d = size + 1       implicit, then log-ratio

    Densities carry the Jacobian of that map, so that each serves any model of one block of reals. Implicit gradients
    are those of jax.random's gamma, by which Beta, Dirichlet and Student-t are composed.

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.
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
        """The distribution on its own support."""
        said = self._read(x)
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
                return dist.LogNormal(location, scale)
            case "gamma":
                return dist.Gamma(first, second)
            case "beta":
                return dist.Beta(first, second)
            case "dirichlet":
                return dist.Dirichlet(jnp.concatenate([first, last]))

    def _outward(self, z: Array) -> tuple[Array, Array]:
        """The point on the reals, and log |∂z/∂h| there."""
        tiny = jnp.finfo(z.dtype).tiny
        match self.family:
            case "log-normal" | "gamma":
                h = jnp.log(jnp.maximum(z, tiny))
                return h, jnp.sum(h)
            case "beta":
                low, high = jnp.log(jnp.maximum(z, tiny)), jnp.log(jnp.maximum(1.0 - z, 1e-7))
                return low - high, jnp.sum(low + high)
            case "dirichlet":
                logs = jnp.log(jnp.maximum(z, tiny))
                return logs[:-1] - logs[-1], jnp.sum(logs)
            case _:
                return z, jnp.zeros(())

    def _inward(self, h: Array) -> Array:
        """The inverse of `_outward`."""
        match self.family:
            case "log-normal" | "gamma":
                return jnp.exp(h)
            case "beta":
                return jax.nn.sigmoid(h)
            case "dirichlet":
                return jax.nn.softmax(jnp.append(h, 0.0))
            case _:
                return h

    def _density(self, law: Any, z: Array, jacobian: Array) -> Array:
        return jnp.sum(law.log_prob(z)) + jacobian

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x)."""
        z = self._inward(h[0])
        return self._density(self._law(x), z, self._outward(z)[1])

    def noise(self, key: Key[Array, ""]) -> Array:
        """The words of a key: each family makes its own noise of them, differentiable where it must be."""
        return jax.random.bits(key, (2,), jnp.uint32)

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """A draw, carried onto the reals."""
        law = self._law(x)
        key = jax.random.wrap_key_data(noise, impl="threefry2x32")
        z = law.rsample(key)
        h, jacobian = self._outward(z)
        return (h,), self._density(law, z, jacobian)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)
