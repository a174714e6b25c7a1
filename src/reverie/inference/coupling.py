"""A posterior of coupling layers."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasPosterior
from reverie.data.spec import Spec
from reverie.inference.autoregressive import STEEPEST
from reverie.inference.flows import FlowPosterior, start
from reverie.inference.normal import standard_log_prob
from reverie.networks.mlp import MLP, mlp
from reverie.parts import filled, learned, option


class RealNVPPosterior(FlowPosterior, HasPosterior):
    """A Gaussian moved by layers that shift and scale every other variable by the rest.

        z′_A = z_A,  z′_B = m(z_A, x) + e^{s(z_A, x)} z_B,  log |det| = Σ s;  A and B change places from layer to layer

    Draws and densities take one pass a layer each. With one latent variable, m and s are functions of x alone.

    Args:
        hidden: widths of the encoder's hidden layers; where not given one of 200, or none right after convolutions or
            an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        layers: how many.
        width: of each layer's network.

    Example:
        >>> from reverie.inference import RealNVPPosterior
        >>> RealNVPPosterior(layers=6).layers
        6

    Reference: Dinh, Sohl-Dickstein & Bengio 2017, *Density estimation using Real NVP*, Eq. 4–8.
    """

    width: int = option(100)
    networks: tuple[MLP, ...] = learned()

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Layers near the identity."""
        (latent,) = model.latents
        key_networks, key_encoder = jax.random.split(key)
        made = [
            mlp(one, latent.size, (self.width,), 2 * latent.size) for one in jax.random.split(key_networks, self.layers)
        ]
        networks = jax.tree.map(lambda leaf: 0.3 * leaf, tuple(made))
        return filled(self, networks=networks, **start(self, key_encoder, spec, model))

    def per_layer(self, size: int) -> int:
        """Shifts of m and s."""
        return 2 * size

    def _shift_and_log_scale(self, layer: int, z: Array, asked: Array) -> tuple[Array, Array]:
        """m and s, nought where z stays."""
        stays = (jnp.arange(self.size) + layer) % 2 == 1
        said = self.networks[layer](jnp.where(stays, z, 0.0)) + asked
        shift, steep = said[: self.size], STEEPEST * jnp.tanh(said[self.size :] / STEEPEST)
        return jnp.where(stays, 0.0, shift), jnp.where(stays, 0.0, steep)

    def forward(self, layer: int, z: Array, asked: Array) -> tuple[Array, Array]:
        """One layer."""
        shift, steep = self._shift_and_log_scale(layer, z, asked)
        return shift + jnp.exp(steep) * z, jnp.sum(steep)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x), the layers undone from the last to the first."""
        mean, log_scale, asked = self._split(x)
        z, total = h[0], -jnp.sum(log_scale)
        for layer in reversed(range(self.layers)):
            shift, steep = self._shift_and_log_scale(layer, z, asked[layer])
            z = (z - shift) * jnp.exp(-steep)
            total -= jnp.sum(steep)
        return total + standard_log_prob((z - mean) * jnp.exp(-log_scale))

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)
