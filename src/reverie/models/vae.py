"""The variational autoencoder's generative half (Kingma & Welling 2014)."""

from abc import abstractmethod
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Decodes, HasJointSample, HasPriorDistribution, HasRealCodes, Latent, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.decoder import Decoder, Decoding
from reverie.parts import filled, learned, option


class OneBlockDecoder(Decoding, HasRealCodes, Decodes, HasJointSample, Samplable):
    """Abstract: h, one block of reals, and a network from h to x. Who inherits says what p(h) is."""

    latent: int = option(16)
    hidden: tuple[int, ...] | None = option(None)
    decoder: Decoder = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.latent < 1:
            raise InputError(f"a VAE needs latent >= 1, not {self.latent}")

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of reals."""
        return (Latent("reals", self.latent),)

    @abstractmethod
    def draw_prior(self, key: Key[Array, ""]) -> Array:
        """Draw h ~ p(h)."""

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x; f_θ(h))."""
        return self.decoder.log_prob(x, h[0])

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """Draw x ~ p(x | h)."""
        return self.decoder.sample(key, h[0])

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """The decoder's centre."""
        return self.decoder.centre(h[0])

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """h from the prior, then x."""
        key_h, key_x = jax.random.split(key)
        h = self.draw_prior(key_h)
        return self.decoder.sample(key_x, h), (h,)

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]


class NormalPrior(OneBlockDecoder, HasPriorDistribution):
    """Abstract: h ~ N(0, I)."""

    def prior(self) -> dist.Distribution:
        """N(0, I)."""
        return dist.Normal(jnp.zeros(self.latent), 1.0).to_event(1)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log N(h; 0, I)."""
        return self.prior().log_prob(h[0])

    def draw_prior(self, key: Key[Array, ""]) -> Array:
        """Draw h ~ N(0, I)."""
        return self.prior().sample(key)


class VAE(NormalPrior):
    """A deep latent Gaussian model with one stochastic layer and a network for a decoder.

        h ~ N(0, I),    x | h ~ p(x; f_θ(h))                               (Ou 2019, §3.1.2, Eq. 4)

    The decoder follows the data: Bernoulli for bits, Gaussian (or what `likelihood` says) for continuous columns,
    categorical for levels, and their product for a mixed table. Nothing here says how it is learned.

    Args:
        latent: the dimension of h.
        hidden: widths of the decoder's hidden layers; where not given one of 200, and none before convolutions.
        activation: of all layers, `tanh`, `relu`, `silu`, `elu` or `leaky-relu`; where not given `tanh`, and `elu` of
            convolutions.
        scale: the standard deviation σ of continuous columns: a number, `shared` for one learned number, or `None`,
            which lets the network give one for each column.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`; the last is the discretised
            one for whole numbers that are modelled as they are (measure `none`).
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import VAE
        >>> [(one.kind, one.size) for one in VAE(latent=2, hidden=(64,)).latents]
        [('reals', 2)]

    Reference: Kingma & Welling 2014, *Auto-Encoding Variational Bayes*, §3; appendix C for the decoders. Student-t:
    Takahashi et al. 2018. Logistics: Salimans, Karpathy, Chen & Kingma 2017, *PixelCNN++*, §2.1.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A decoder whose output bias fits the columns' means."""
        return filled(self, decoder=self.new_decoder(key, self.latent, spec))
