"""The amortised Gaussian posterior."""

import math
from typing import Any, Self

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    Encodes,
    HasLogJoint,
    HasPosterior,
    HasPosteriorDistribution,
    ReparameterisedProposal,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class GaussianPosterior(Part, HasPosterior, ReparameterisedProposal, HasPosteriorDistribution, Encodes):
    """A diagonal Gaussian whose mean and log standard deviation a perceptron reads off x.

        q(h | x) = N(h; μ_φ(x), diag σ_φ(x)²),    h = μ_φ(x) + σ_φ(x) ε,  ε ~ N(0, I)         (Ou 2019, Eq. 12)

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.inference import GaussianPosterior
        >>> GaussianPosterior(hidden=(64, 64)).hidden
        (64, 64)

    Reference: Kingma & Welling 2014, appendix C.2.
    """

    hidden: tuple[int, ...] = option((200,))
    activation: str = option("tanh")
    shape: tuple[Layout, ...] = known()
    size: int = known()
    encoder: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS:
            raise InputError(f"a Gaussian posterior needs widths >= 1 and an activation of {', '.join(ACTIVATIONS)}")

    def unserving(self, model: Any) -> str | None:
        """One block of reals, and nothing else."""
        kinds = [latent.kind for latent in model.latents] if isinstance(model, HasLogJoint) else ["no latent variables"]
        return None if kinds == ["reals"] else f"a Gaussian posterior serves one block of reals, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """An encoder onto the model's only block of reals."""
        (latent,) = model.latents
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        encoder = mlp(key, width, self.hidden, 2 * latent.size, self.activation)
        return filled(self, shape=shape, size=latent.size, encoder=encoder)

    def _moments(self, x: PyTree) -> tuple[Array, Array]:
        output = self.encoder(features(x, self.shape))
        return output[: self.size], jnp.exp(jnp.clip(output[self.size :], -10.0, 10.0))

    def distribution(self, x: PyTree) -> dist.Distribution:
        """N(μ(x), diag σ(x)²)."""
        mean, scale = self._moments(x)
        return dist.Normal(mean, scale).to_event(1)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x)."""
        return self.distribution(x).log_prob(h[0])

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.size,))

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """μ + σ ε, and its density as a function of ε: Σ_i log N(ε_i; 0, 1) − log σ_i."""
        mean, scale = self._moments(x)
        log_q = -jnp.sum(0.5 * noise**2 + jnp.log(scale)) - 0.5 * self.size * math.log(2.0 * math.pi)
        return (mean + scale * noise,), log_q

    def encode(self, x: PyTree) -> tuple[Array, ...]:
        """μ."""
        return (self._moments(x)[0],)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)
