"""A variational autoencoder of images with a convolutional decoder."""

from typing import Any, ClassVar, Self

import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Key

from reverie.capabilities import HasPriorDistribution
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.decoder import Decoder
from reverie.models.observation import Observation
from reverie.models.vae import OneBlockDecoder
from reverie.networks.conv import conv_outwards
from reverie.parts import filled, option


class ConvVAE(OneBlockDecoder, HasPriorDistribution):
    """A deep latent Gaussian model of images: h, and convolutions that double height and width.

        h ~ N(0, I),    x | h ~ p(x; f_θ(h))

    Images of any height and width: the decoder starts from the size halved once a layer, rounded up, and the margin
    that is too much is cut off. `hidden` are the channels of its layers, from h outwards.

    Args:
        latent: the dimension of h.
        hidden: channels of the layers, from h outwards; each layer doubles height and width.
        activation: of the layers.
        scale: the standard deviation of continuous pixels: a number, `shared`, or `None` for the network's.
        likelihood: of continuous pixels: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.

    Example:
        >>> from reverie.models import ConvVAE
        >>> ConvVAE(hidden=(32, 16)).hidden
        (32, 16)

    Reference: Radford, Metz & Chintala 2016, §3, for the shape of the decoder; Kingma & Welling 2014, §3.
    """

    usual: ClassVar[dict[str, str]] = {"inference": "gaussian-conv"}
    hidden: tuple[int, ...] = option((32, 16))
    activation: str = option("elu")

    def __check_init__(self) -> None:
        """Refuse a decoder without layers."""
        if not self.hidden:
            raise InputError("a convolutional VAE needs at least one layer in hidden")

    def unsuited(self, spec: Spec) -> str | None:
        """Images only."""
        if spec.image is not None and spec.single is not None:
            return None
        return f"a convolutional VAE takes images, and these are {spec.kind} columns without a height and a width"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A decoder whose output bias fits the pixels' means."""
        assert spec.image is not None
        assert spec.single is not None
        observation = Observation.of(spec, self.scale, self.likelihood, self.components)
        height, width, channels = spec.image
        blocked = spec.single.kind == "continuous" and self.likelihood != "logistic-mixture"
        bias = observation.starting_bias(spec)
        network = conv_outwards(
            key, self.latent, self.hidden, (height, width, channels), bias, self.activation, blocked=blocked
        )
        own = observation.starting_own(spec) if observation.own else None
        return filled(self, decoder=Decoder(network, own, observation))

    def prior(self) -> dist.Distribution:
        """N(0, I)."""
        return dist.Normal(jnp.zeros(self.latent), 1.0).to_event(1)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log N(h; 0, I)."""
        return self.prior().log_prob(h[0])

    def draw_prior(self, key: Key[Array, ""]) -> Array:
        """Draw h ~ N(0, I)."""
        return self.prior().sample(key)
