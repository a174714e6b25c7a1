"""A Gaussian posterior that cannot collapse."""

from typing import Any, ClassVar, Self

import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasPriorDistribution
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import Encoded
from reverie.inference.normal import DiagonalGaussian, fresh, halves
from reverie.parts import filled, option


class MinimumRatePosterior(Encoded, DiagonalGaussian):
    """A diagonal Gaussian that keeps at least δ nats from the standard normal, whatever the encoder says.

        KL[q(h_i | x) ‖ N(0, 1)] = ½ (μ_i² + σ_i² − 1 − log σ_i²) ≥ δ/d,
        by μ_i = (max(0, 2δ/d + 1 + log σ_i² − σ_i²) + m_i(x)²)^½

    Means are positive. It serves models whose prior is the standard normal; with another prior the sum is no bound.

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        rate: δ, in nats for all d latent variables together.

    Example:
        >>> from reverie.inference import MinimumRatePosterior
        >>> MinimumRatePosterior(rate=5.0).rate
        5.0

    Reference: Razavi, van den Oord, Poole & Vinyals 2019, *Preventing posterior collapse with δ-VAEs*, §2.2, App. D.
    """

    asks: ClassVar[type] = HasPriorDistribution
    rate: float = option(1.0)

    def __check_init__(self) -> None:
        """Refuse a rate that is none."""
        if not 0 <= self.rate < float("inf"):
            raise InputError(f"rate must be finite and not negative, not {self.rate}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """An encoder onto the model's only block of reals."""
        (latent,) = model.latents
        return filled(self, **self._encoder(key, spec, model, 2 * latent.size))

    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """μ(x) and log σ(x)."""
        extra, log_scale = halves(self._told(x))
        least = 2.0 * self.rate / self.size + 1.0 + 2.0 * log_scale - jnp.exp(2.0 * log_scale)
        return jnp.sqrt(jnp.maximum(least, 0.0) + extra**2 + 1e-8), log_scale

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)
