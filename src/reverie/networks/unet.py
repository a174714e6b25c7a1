"""A small U-Net: from an image to an image of the same size, given how much noise there is, and a class."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from reverie.networks.conv import Convolution, convolution
from reverie.networks.mlp import Affine, affine
from reverie.networks.time_mlp import FEATURES, Condition, condition


def _even(image: Float[Array, "height width channels"]) -> Float[Array, "height width channels"]:
    """The image at a mean square of one."""
    return image * jax.lax.rsqrt(jnp.mean(image**2) + 1e-6)


class Block(eqx.Module):
    """Two convolutions beside a map of each pixel, the first shifted and scaled by noise and class."""

    first: Convolution
    told: Affine
    second: Convolution
    beside: Array

    def __call__(self, image: Array, told: Float[Array, " features"]) -> Array:
        """The block's value at one image."""
        shift, scale = jnp.split(self.told(told), 2)
        inner = _even(self.first(jax.nn.silu(_even(image)))) * (1.0 + scale) + shift
        return image @ self.beside + self.second(jax.nn.silu(inner))


def _block(key: Key[Array, ""], inputs: int, outputs: int) -> Block:
    keys = jax.random.split(key, 4)
    return Block(
        convolution(keys[0], inputs, outputs),
        affine(keys[1], FEATURES, 2 * outputs),
        convolution(keys[2], outputs, outputs),
        affine(keys[3], inputs, outputs).weight,
    )


class UNet(eqx.Module):
    """Blocks downwards, each at half the height and width of the one before, and upwards with what they passed.

    Reference: Ronneberger, Fischer & Brox 2015, for the shape; Ho, Jain & Abbeel 2020, §4, for noise in each block.
    """

    condition: Condition
    first: Convolution
    down: tuple[Block, ...]
    halve: tuple[Convolution, ...]
    up: tuple[Block, ...]
    last: Convolution
    image: tuple[int, int, int] = eqx.field(static=True)

    def __call__(
        self, x: Float[Array, " pixels"], angle: Float[Array, ""], y: Int[Array, ""]
    ) -> Float[Array, " pixels"]:
        """The network's value at one flat image, one noise angle, one class."""
        told = self.condition(angle, y)
        x = self.first(x.reshape(self.image))
        passed = []
        for place, block in enumerate(self.down):
            x = block(x, told)
            if place < len(self.halve):
                passed.append(x)
                x = self.halve[place](x)
        for block, beside in zip(self.up, reversed(passed), strict=True):
            x = x.repeat(2, axis=0).repeat(2, axis=1)[: beside.shape[0], : beside.shape[1]]
            x = block(jnp.concatenate([x, beside], axis=-1), told)
        return self.last(jax.nn.silu(_even(x))).reshape(-1)


def unet(key: Key[Array, ""], image: tuple[int, int, int], channels: tuple[int, ...], classes: int) -> UNet:
    """A network with so many channels at each size, from the largest on, that starts at nought."""
    depth = len(channels)
    keys = iter(jax.random.split(key, 3 * depth + 2))
    first = convolution(next(keys), image[2], channels[0])
    wide = (channels[0], *channels)
    down = tuple(_block(next(keys), wide[i], channels[i]) for i in range(depth))
    halve = tuple(convolution(next(keys), channels[i], channels[i], 2) for i in range(depth - 1))
    up = tuple(_block(next(keys), channels[i + 1] + channels[i], channels[i]) for i in reversed(range(depth - 1)))
    last = jax.tree.map(jnp.zeros_like, convolution(next(keys), channels[0], image[2]))
    return UNet(condition(next(keys), classes), first, down, halve, up, last, image)
