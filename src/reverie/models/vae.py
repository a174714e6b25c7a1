"""The variational autoencoder's generative half (Kingma & Welling 2014)."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasJointSample, HasLogJoint, HasPriorDistribution, Latent, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.observation import Observation
from reverie.networks.features import Layout, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class VAE(Part, HasLogJoint, HasJointSample, HasPriorDistribution, Samplable):
    """A deep latent Gaussian model with one stochastic layer and a perceptron for a decoder.

        h ~ N(0, I),    x | h ~ p(x; f_θ(h))                               (Ou 2019, §3.1.2, Eq. 4)

    The decoder follows the data: Bernoulli for bits, Gaussian for continuous columns, categorical for levels, and
    their product for a mixed table. Nothing here says how it is learned.

    Args:
        latent: the dimension of h.
        hidden: widths of the decoder's hidden layers.
        activation: `tanh`, `relu`, `silu`, `elu` or `leaky-relu`.
        scale: the standard deviation σ of Gaussian columns; `None` lets the network give one for each column.

    Example:
        >>> from reverie.models import VAE
        >>> [(one.kind, one.size) for one in VAE(latent=2, hidden=(64,)).latents]
        [('reals', 2)]

    Reference: Kingma & Welling 2014, *Auto-Encoding Variational Bayes*, §3; appendix C for the decoders.
    """

    latent: int = option(16)
    hidden: tuple[int, ...] = option((200,))
    activation: str = option("tanh")
    scale: float | None = option(None)
    shape: tuple[Layout, ...] = known()
    decoder: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.latent < 1 or any(width < 1 for width in self.hidden):
            raise InputError("a VAE needs latent >= 1 and hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if self.scale is not None and not 0 < self.scale < float("inf"):
            raise InputError(f"scale is a standard deviation and must be positive and finite, not {self.scale}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A decoder whose output bias fits the columns' means."""
        shape = layouts(spec)
        observation = Observation(shape, self.scale)
        bias = observation.starting_bias(spec)
        decoder = mlp(key, self.latent, self.hidden, observation.outputs, self.activation, bias)
        return filled(self, shape=shape, decoder=decoder)

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of reals."""
        return (Latent("reals", self.latent),)

    def prior(self) -> dist.Distribution:
        """N(0, I)."""
        return dist.Normal(jnp.zeros(self.latent), 1.0).to_event(1)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log N(h; 0, I)."""
        return self.prior().log_prob(h[0])

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x; f_θ(h))."""
        return Observation(self.shape, self.scale).log_prob(self.decoder(h[0]), x)

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """h from the prior, then x."""
        key_h, key_x = jax.random.split(key)
        h = self.prior().sample(key_h)
        return Observation(self.shape, self.scale).sample(key_x, self.decoder(h)), (h,)

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]
