"""Convolutions over images, inwards and outwards, as one example sees them."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie.networks.mlp import ACTIVATIONS, MLP, Affine, affine, mlp

FEW = 4
"""Places of a map so small that a CPU takes several times as long for its convolution as for a product of matrices."""


class Convolution(eqx.Module):
    """A convolution of 3×3 with padding, at every `stride`-th pixel."""

    kernel: Float[Array, "3 3 inputs outputs"]
    bias: Float[Array, " outputs"]
    stride: int = eqx.field(static=True)

    def __call__(self, image: Float[Array, "height width inputs"]) -> Float[Array, "high wide outputs"]:
        """The map of one image."""
        high, wide = (-(-size // self.stride) for size in image.shape[:2])
        if high * wide <= FEW:
            return self._products(image, high, wide)
        strides = (self.stride, self.stride)
        out = jax.lax.conv_general_dilated(
            image[None], self.kernel, strides, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return out[0] + self.bias

    def _products(self, image: Float[Array, "height width inputs"], high: int, wide: int) -> Array:
        """The same map: all that a place sees side by side, times the kernel as one matrix."""
        step = self.stride
        down, across = (high - 1) * step + 1, (wide - 1) * step + 1
        over = max(down + 2 - image.shape[0], 0), max(across + 2 - image.shape[1], 0)
        padded = jnp.pad(image, (*((one // 2, one - one // 2) for one in over), (0, 0)))
        seen = [padded[i : i + down : step, j : j + across : step] for i in range(3) for j in range(3)]
        return jnp.concatenate(seen, axis=-1) @ self.kernel.reshape(-1, self.kernel.shape[-1]) + self.bias


def convolution(key: Key[Array, ""], inputs: int, outputs: int, stride: int = 1) -> Convolution:
    """Weights uniform in ±√(6 / (9 inputs + 9 outputs)) (Glorot & Bengio 2010, Eq. 16); biases of nought."""
    bound = (6.0 / (9 * (inputs + outputs))) ** 0.5
    kernel = jax.random.uniform(key, (3, 3, inputs, outputs), minval=-bound, maxval=bound)
    return Convolution(kernel, jnp.zeros(outputs), stride)


def inwards(
    x: Float[Array, "height width channels"], layers: tuple[Convolution, ...], activation: str
) -> Float[Array, "high wide outputs"]:
    """An image after the layers, each of which has the activation behind it."""
    for layer in layers:
        x = ACTIVATIONS[activation](layer(x))
    return x


class ConvInwards(eqx.Module):
    """From an image to a vector: each layer halves height and width, the last is affine."""

    layers: tuple[Convolution, ...]
    last: Affine
    image: tuple[int, int, int] = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __call__(self, features: Float[Array, " pixels"]) -> Float[Array, " outputs"]:
        """The vector of one image, given flat."""
        height, width, _ = self.image
        return self.last(inwards(features.reshape(height, width, -1), self.layers, self.activation).reshape(-1))


def halved(size: int, times: int) -> int:
    """A height or width after so many halvings, rounded up."""
    for _ in range(times):
        size = -(-size // 2)
    return size


def conv_inwards(
    key: Key[Array, ""],
    image: tuple[int, int, int],
    channels: int,
    widths: tuple[int, ...],
    outputs: int,
    activation: str,
) -> ConvInwards:
    """A network from images with so many features a pixel."""
    keys = jax.random.split(key, len(widths) + 1)
    sizes = (channels, *widths)
    layers = tuple(convolution(keys[i], sizes[i], sizes[i + 1], 2) for i in range(len(widths)))
    left = halved(image[0], len(widths)) * halved(image[1], len(widths)) * sizes[-1]
    return ConvInwards(layers, affine(keys[-1], left, outputs), image, activation)


class ConvOutwards(eqx.Module):
    """From a vector to an image: a perceptron, then layers that double height and width by a convolution and a reshape.

    (Shi et al. 2016, *Real-time single image super-resolution*, §3.1; a transposed convolution costs several times as
    much on a CPU.)
    """

    first: MLP
    layers: tuple[Convolution, ...]
    bias: Array
    image: tuple[int, int, int] = eqx.field(static=True)
    activation: str = eqx.field(static=True)
    blocked: bool = eqx.field(static=True)
    placed: bool = eqx.field(static=True, default=False)

    def __call__(self, code: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """All numbers of all pixels, flat: those of one pixel side by side, or, `blocked`, those of one kind.

        Where the vector is `placed`, as many pieces as the smallest map has places, each place has its own.
        """
        height, width, channels = self.image
        depth = len(self.layers)
        start = halved(height, depth), halved(width, depth)
        x = jax.vmap(self.first)(code.reshape(start[0] * start[1], -1)) if self.placed else self.first(code)
        x = x.reshape(*start, -1)
        for layer in self.layers:
            x = layer(ACTIVATIONS[self.activation](x))
            high, wide, _ = x.shape
            x = x.reshape(high, wide, 2, 2, -1).transpose(0, 2, 1, 3, 4).reshape(2 * high, 2 * wide, -1)
        x = x[:height, :width].reshape(height * width * channels, -1)
        return (x.T if self.blocked else x).reshape(-1) + self.bias


def conv_outwards(
    key: Key[Array, ""],
    inputs: int,
    widths: tuple[int, ...],
    image: tuple[int, int, int],
    bias: Array,
    activation: str,
    *,
    blocked: bool,
    hidden: tuple[int, ...] = (),
    bend: str = "tanh",
    pieces: int = 1,
) -> ConvOutwards:
    """A network to images, with so many outputs as the bias has; the last layer's pixels start near it.

    Args:
        key: of its starting values.
        inputs: numbers of the vector.
        widths: channels of the layers, from the vector outwards.
        image: height, width and channels.
        bias: of every output.
        activation: of the layers.
        blocked: whether the outputs of one kind stand together, and not those of one pixel.
        hidden: widths of the perceptron's hidden layers.
        bend: their activation.
        pieces: of which the vector is made; where the smallest map has as many places, each gets its own.
    """
    height, width, _ = image
    each = bias.shape[0] // (height * width)
    keys = jax.random.split(key, len(widths) + 1)
    sizes = (*widths, each)
    layers = tuple(convolution(keys[i + 1], sizes[i], 4 * sizes[i + 1]) for i in range(len(widths)))
    places = halved(height, len(widths)) * halved(width, len(widths))
    placed = 1 < pieces == places
    ends = (inputs // places, widths[0]) if placed else (inputs, places * widths[0])
    first = mlp(keys[0], ends[0], hidden, ends[1], bend)
    return ConvOutwards(first, layers, bias, image, activation, blocked, placed)
