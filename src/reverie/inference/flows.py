"""Posteriors that are flows: a diagonal Gaussian, moved on by invertible layers whose parameters x sets."""

from abc import abstractmethod
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from reverie.capabilities import ReparameterisedProposal
from reverie.errors import InputError
from reverie.inference.encoded import Encoded
from reverie.inference.normal import fresh, halves, standard_log_prob
from reverie.parts import option


class FlowPosterior(Encoded, ReparameterisedProposal):
    """Abstract: h = f_K ∘ … ∘ f_1(μ + σ ε), log q(h | x) = log N(ε; 0, I) − Σ log σ − Σ_k log |det ∂f_k|.

    (Rezende & Mohamed 2015, Eq. 7 and 13.) The encoder gives μ, log σ, and what each layer asks of x.
    """

    layers: int = option(4)

    def __check_init__(self) -> None:
        """Refuse a number of layers that is none."""
        if self.layers < 1:
            raise InputError(f"a flow needs at least one layer, not layers={self.layers}")

    @abstractmethod
    def per_layer(self, size: int) -> int:
        """How many numbers a layer asks of the encoder."""

    @abstractmethod
    def forward(self, layer: int, z: Float[Array, " size"], asked: Array) -> tuple[Array, Array]:
        """f_k(z) and log |det ∂f_k/∂z|, given what the encoder said."""

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)

    def _outputs(self, size: int) -> int:
        return 2 * size + self.layers * self.per_layer(size)

    def _split(self, x: PyTree) -> tuple[Array, Array, Array]:
        """μ, log σ, and one row a layer of what it asked."""
        said = self._told(x)
        mean, log_scale = halves(said[: 2 * self.size])
        return mean, log_scale, said[2 * self.size :].reshape(self.layers, -1)

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """The layers, one after the other."""
        mean, log_scale, asked = self._split(x)
        z = mean + jnp.exp(log_scale) * noise
        log_q = standard_log_prob(noise) - jnp.sum(log_scale)
        for layer in range(self.layers):
            z, log_det = self.forward(layer, z, asked[layer])
            log_q -= log_det
        return (z,), log_q


def start(part: Any, key: Key[Array, ""], spec: Any, model: Any) -> dict[str, Any]:
    """The fields of the encoder; what the layers ask starts near nought, so that each is near the identity."""
    (latent,) = model.latents
    fields = part._encoder(key, spec, model, part._outputs(latent.size))
    last = fields["encoder"].layers[-1]
    damped = type(last)(last.weight.at[:, 2 * latent.size :].multiply(0.1), last.bias)
    encoder = type(fields["encoder"])((*fields["encoder"].layers[:-1], damped), fields["encoder"].activation)
    return fields | {"encoder": encoder}
