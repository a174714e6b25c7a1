"""A Gaussian posterior that reads an image."""

from typing import Any, Self

from jaxtyping import Array, Key, PyTree

from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.inference.normal import DiagonalGaussian, fresh, halves
from reverie.networks.conv import ConvInwards, conv_inwards
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS
from reverie.parts import Part, filled, known, learned, option


class ImagePosterior(Part, DiagonalGaussian):
    """A diagonal Gaussian whose moments convolutions read off an image.

        q(h | x) = N(h; μ_φ(x), diag σ_φ(x)²), each layer halving height and width

    Args:
        hidden: channels of the layers.
        activation: of the layers.

    Example:
        >>> from reverie.inference import ImagePosterior
        >>> ImagePosterior(hidden=(16, 32)).hidden
        (16, 32)

    Reference: Radford, Metz & Chintala 2016, §3, for the shape; Kingma & Welling 2014, appendix C.2.
    """

    hidden: tuple[int, ...] = option((16, 32))
    activation: str = option("elu")
    shape: tuple[Layout, ...] = known()
    size: int = known()
    network: ConvInwards = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if not self.hidden or any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS:
            raise InputError(f"a posterior of images needs channels >= 1 and an activation of {', '.join(ACTIVATIONS)}")

    def unsuited(self, spec: Spec) -> str | None:
        """Images only."""
        if spec.image is not None and spec.single is not None:
            return None
        return f"a convolutional posterior reads images, and these are {spec.kind} columns without height and width"

    def unserving(self, model: Any) -> str | None:
        """One block of reals, and nothing else."""
        kinds = kinds_of(model)
        why = f"a posterior of images serves one block of reals, not {', '.join(kinds)}"
        return None if kinds == ["reals"] else why

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights."""
        (latent,) = model.latents
        assert spec.image is not None
        shape = layouts(spec)
        height, width, channels = spec.image
        each = sum(layout.width for layout in shape) // (height * width)
        image = (height, width, channels)
        network = conv_inwards(key, image, each, self.hidden, 2 * latent.size, self.activation)
        return filled(self, shape=shape, size=latent.size, network=network)

    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """μ and log σ."""
        return halves(self.network(features(x, self.shape)))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)
