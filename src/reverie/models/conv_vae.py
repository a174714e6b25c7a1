"""A variational autoencoder of images with a convolutional decoder."""

from dataclasses import KW_ONLY
from typing import Any, Self

from jaxtyping import Array, Key

from reverie.data.spec import Spec
from reverie.models.decoder import DecoderNetwork
from reverie.models.vae import NormalPrior
from reverie.parts import filled, option


class ConvVAE(NormalPrior):
    """A deep latent Gaussian model of images: h, and convolutions that double height and width.

        h ~ N(0, I),    x | h ~ p(x; f_θ(h))

    `VAE(network="conv")` under a name of its own. Images may have any height and width.

    Args:
        latent: the dimension of h.
        hidden: widths of a perceptron between h and the convolutions; an affine map where none are given.
        activation: of all layers; where not given `tanh` of the perceptron and `elu` of the convolutions.
        scale: the standard deviation of continuous pixels: a number, `shared`, or `None` for the network's.
        likelihood: of continuous pixels: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: `conv`, or `mlp` for a perceptron alone.
        channels: of the convolutions, from h outwards; each layer doubles height and width.

    Example:
        >>> from reverie.models import ConvVAE
        >>> ConvVAE(channels=(64, 32)).channels
        (64, 32)

    Reference: Radford, Metz & Chintala 2016, §3, for the shape of the decoder; Kingma & Welling 2014, §3.
    """

    _: KW_ONLY
    network: DecoderNetwork = option("conv")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A decoder whose output bias fits the pixels' means."""
        return filled(self, decoder=self.new_decoder(key, self.latent, spec))
