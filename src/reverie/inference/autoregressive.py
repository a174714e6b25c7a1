"""Autoregressive flows: inverse (fast draws) and masked (densities of any code)."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasPosterior
from reverie.data.spec import Spec
from reverie.inference.flows import FlowPosterior, start
from reverie.inference.normal import standard_log_prob
from reverie.networks.masked import MaskedMLP, masked_mlp
from reverie.parts import filled, learned, option

STEEPEST = 3.0
"""The largest |log scale| of one layer."""


def _networks(key: Key[Array, ""], size: int, layers: int, width: int) -> tuple[MaskedMLP, ...]:
    return tuple(masked_mlp(one, size, 1, (width,), 2) for one in jax.random.split(key, layers))


def _shift_and_log_scale(network: MaskedMLP, z: Array, asked: Array) -> tuple[Array, Array]:
    """m_i and s_i from z_1, …, z_{i−1} and from what x set, |s_i| ≤ STEEPEST."""
    said = network(z[:, None]) + asked.reshape(-1, 2)
    return said[:, 0], STEEPEST * jnp.tanh(said[:, 1] / STEEPEST)


class InverseAutoregressivePosterior(FlowPosterior):
    """A Gaussian moved by layers each of which shifts and scales a variable by those before it.

        z′_i = m_i + e^{s_i} z_i,  (m_i, s_i) of z_1, …, z_{i−1} and x,  log |det| = Σ_i s_i

    All variables at once for a draw. The density of another code would take one pass a variable and is not offered;
    `maf` offers it. The order is reversed from layer to layer; x enters by shifts of m and s.

    Args:
        hidden: widths of the encoder's hidden layers; where not given one of 200, or none right after convolutions or
            an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        layers: how many.
        width: of each layer's masked network.

    Example:
        >>> from reverie.inference import InverseAutoregressivePosterior
        >>> InverseAutoregressivePosterior(layers=2, width=64).width
        64

    Reference: Kingma, Salimans, Jozefowicz, Chen, Sutskever & Welling 2016, *Improving variational inference with
    inverse autoregressive flow*, Alg. 1.
    """

    width: int = option(100)
    networks: tuple[MaskedMLP, ...] = learned()

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Layers near the identity."""
        (latent,) = model.latents
        key_networks, key_encoder = jax.random.split(key)
        networks = _networks(key_networks, latent.size, self.layers, self.width)
        return filled(self, networks=_calm(networks), **start(self, key_encoder, spec, model))

    def per_layer(self, size: int) -> int:
        """Shifts of m and s."""
        return 2 * size

    def forward(self, layer: int, z: Array, asked: Array) -> tuple[Array, Array]:
        """One layer, and the order reversed."""
        shift, log_scale = _shift_and_log_scale(self.networks[layer], z, asked)
        return (shift + jnp.exp(log_scale) * z)[::-1], jnp.sum(log_scale)


class MaskedAutoregressivePosterior(FlowPosterior, HasPosterior):
    """A Gaussian whose layers shift and scale a variable by those of their own outcome before it.

        z′_i = m_i + e^{s_i} z_i,  (m_i, s_i) of z′_1, …, z′_{i−1} and x,  log |det| = Σ_i s_i

    The density of any code takes one pass a layer; a draw takes one pass a layer and variable.

    Args:
        hidden: widths of the encoder's hidden layers; where not given one of 200, or none right after convolutions or
            an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        layers: how many.
        width: of each layer's masked network.

    Example:
        >>> from reverie.inference import MaskedAutoregressivePosterior
        >>> MaskedAutoregressivePosterior(layers=2).layers
        2

    Reference: Papamakarios, Pavlakou & Murray 2017, *Masked autoregressive flow for density estimation*, §3.1.
    """

    width: int = option(100)
    networks: tuple[MaskedMLP, ...] = learned()

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Layers near the identity."""
        (latent,) = model.latents
        key_networks, key_encoder = jax.random.split(key)
        networks = _networks(key_networks, latent.size, self.layers, self.width)
        return filled(self, networks=_calm(networks), **start(self, key_encoder, spec, model))

    def per_layer(self, size: int) -> int:
        """Shifts of m and s."""
        return 2 * size

    def forward(self, layer: int, z: Array, asked: Array) -> tuple[Array, Array]:
        """One layer, variable after variable, and the order reversed."""

        def step(out: Array, i: Array) -> tuple[Array, Array]:
            shift, log_scale = _shift_and_log_scale(self.networks[layer], out, asked)
            return out.at[i].set(shift[i] + jnp.exp(log_scale[i]) * z[i]), log_scale[i]

        out, log_scales = jax.lax.scan(step, jnp.zeros_like(z), jnp.arange(self.size))
        return out[::-1], jnp.sum(log_scales)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x), the layers undone from the last to the first."""
        mean, log_scale, asked = self._split(x)
        z, total = h[0], -jnp.sum(log_scale)
        for layer in reversed(range(self.layers)):
            z = z[::-1]
            shift, steep = _shift_and_log_scale(self.networks[layer], z, asked[layer])
            z = (z - shift) * jnp.exp(-steep)
            total -= jnp.sum(steep)
        return total + standard_log_prob((z - mean) * jnp.exp(-log_scale))

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)


def _calm(networks: tuple[MaskedMLP, ...]) -> tuple[MaskedMLP, ...]:
    """Networks of which nothing comes out yet, or nearly so."""
    return jax.tree.map(lambda leaf: 0.3 * leaf, networks)
