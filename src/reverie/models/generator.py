"""A generator: an implicit model, known only through its draws."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Pushforward, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.observation import Observation
from reverie.networks.features import Layout, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class Generator(Part, Pushforward, Samplable):
    """A perceptron of Gaussian noise.

        x = G_θ(ε),    ε ~ N(0, I)                                                  (Ou 2019, Eq. 5)

    Continuous columns are the network's outputs. Bits are its logits' signs, with the sigmoid's gradient passed
    straight through (Bengio, Léonard & Courville 2013, §2.3): what comes out is a bit, and the direction that reaches
    the weights is biased. There is no density to evaluate, so only two-sample figures can rank it.

    Args:
        latent: the dimension of ε.
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.models import Generator
        >>> Generator(latent=8).latent
        8

    Reference: Goodfellow et al. 2014, *Generative adversarial nets*, §3.
    """

    latent: int = option(16)
    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("relu")
    shape: tuple[Layout, ...] = known()
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.latent < 1 or any(width < 1 for width in self.hidden):
            raise InputError("a generator needs latent >= 1 and hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unsuited(self, spec: Spec) -> str | None:
        """Bits or continuous columns."""
        if spec.kind in ("binary", "continuous"):
            return None
        return f"a generator takes continuous or binary columns and these are {spec.kind}: try measure='one-hot'"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network whose output bias fits the columns' means."""
        shape = layouts(spec)
        bias = Observation(shape, scale=1.0).starting_bias(spec)
        network = mlp(key, self.latent, self.hidden, spec.size, self.activation, bias)
        return filled(self, shape=shape, network=network)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.latent,))

    def push(self, noise: Array) -> Array:
        """G(ε) as floats: bits are 0.0 and 1.0, so that a gradient can pass."""
        output = self.network(noise)
        if self.shape[0].kind == "continuous":
            return output
        soft = jax.nn.sigmoid(output)
        return soft + jax.lax.stop_gradient((output > 0).astype(jnp.float32) - soft)

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """G of fresh noise, in the type of the data."""
        x = self.push(self.noise(key))
        return x if self.shape[0].kind == "continuous" else x > 0.5
