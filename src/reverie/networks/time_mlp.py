"""A perceptron that also reads how much noise there is, and a class."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from reverie.networks.mlp import Affine, affine, affine_of_reals

FEATURES = 16
"""Numbers that tell the noise."""
_LEAST = 1e-3


def noise_features(angle: Float[Array, ""]) -> Float[Array, " features"]:
    """Sines and cosines of the log of noise over signal, for a noise angle in [0, π/2].

    Their waves are no shorter than a factor e² of noise over signal, so that what reads them varies smoothly in time.
    """
    level = jnp.log((jnp.sin(angle) + _LEAST) / (jnp.cos(angle) + _LEAST)) / np.log(1.0 / _LEAST)
    phase = 0.5 * np.pi * np.arange(1, FEATURES // 2 + 1, dtype=np.float32) * level
    return jnp.concatenate([jnp.sin(phase), jnp.cos(phase)])


class Condition(eqx.Module):
    """The features of the noise, shifted by a vector for each class; the last vector stands for no class."""

    classes: Array | None

    def __call__(self, angle: Float[Array, ""], y: Int[Array, ""]) -> Float[Array, " features"]:
        """Of one angle and one class; y of −1 is no class."""
        told = noise_features(angle)
        return told if self.classes is None else told + self.classes[y]


def condition(key: Key[Array, ""], classes: int) -> Condition:
    """Normal vectors; none where there are no classes."""
    return Condition(jax.random.normal(key, (classes + 1, FEATURES)) if classes else None)


class TimeMLP(eqx.Module):
    """Affine maps with SiLU between them, each hidden one shifted by an affine map of noise and class."""

    condition: Condition
    layers: tuple[Affine, ...]
    shifts: tuple[Array, ...]

    def __call__(
        self, x: Float[Array, " inputs"], angle: Float[Array, ""], y: Int[Array, ""]
    ) -> Float[Array, " inputs"]:
        """The network's value at one vector, one noise angle, one class."""
        told = self.condition(angle, y)
        for layer, shift in zip(self.layers[:-1], self.shifts, strict=True):
            x = jax.nn.silu(layer(x) + told @ shift)
        return self.layers[-1](x)


def time_mlp(key: Key[Array, ""], size: int, hidden: tuple[int, ...], classes: int) -> TimeMLP:
    """A perceptron from vectors to vectors of one size that starts at nought."""
    sizes = (size, *hidden)
    keys = jax.random.split(key, 2 * len(hidden) + 1)
    first = affine_of_reals(keys[0], size, hidden[0])
    layers = [first, *(affine(keys[2 * i], sizes[i], sizes[i + 1]) for i in range(1, len(hidden)))]
    shifts = tuple(affine(keys[2 * i + 1], FEATURES, width).weight for i, width in enumerate(hidden))
    last = Affine(jnp.zeros((sizes[-1], size)), jnp.zeros(size))
    return TimeMLP(condition(keys[-1], classes), (*layers, last), shifts)
