"""Planar and radial flows."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data.spec import Spec
from reverie.inference.flows import FlowPosterior, start
from reverie.parts import filled


class PlanarPosterior(FlowPosterior):
    """A Gaussian bent along planes that x sets.

        f(z) = z + û tanh(wᵀz + b),  log |det| = log |1 + ûᵀw (1 − tanh²)|,
        û = u + (softplus(wᵀu) − 1 − wᵀu) w/‖w‖², so that wᵀû > −1 and f is invertible

    There is no inverse in closed form: draws have densities, other codes have none.

    Args:
        hidden: widths of the encoder's hidden layers; where not given one of 200, or none right after convolutions or
            an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        layers: how many planes.

    Example:
        >>> from reverie.inference import PlanarPosterior
        >>> PlanarPosterior(layers=8).layers
        8

    Reference: Rezende & Mohamed 2015, *Variational inference with normalizing flows*, Eq. 10–12, App. A.1.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Planes that bend little."""
        return filled(self, **start(self, key, spec, model))

    def per_layer(self, size: int) -> int:
        """u, w and b."""
        return 2 * size + 1

    def forward(self, layer: int, z: Array, asked: Array) -> tuple[Array, Array]:
        """One plane."""
        u, w, b = asked[: self.size], asked[self.size : -1], asked[-1]
        along = w @ u
        u = u + (jax.nn.softplus(along) - 1.0 - along) * w / (w @ w + 1e-6)
        bend = jnp.tanh(w @ z + b)
        return z + u * bend, jnp.log(jnp.abs(1.0 + (u @ w) * (1.0 - bend**2)))


class RadialPosterior(FlowPosterior):
    """A Gaussian drawn towards, or pushed from, points that x sets.

        f(z) = z + β̂ (z − c)/(α + r),  r = ‖z − c‖,  α > 0,  β̂ = −α + softplus(β),
        log |det| = (d − 1) log(1 + β̂/(α + r)) + log(1 + β̂/(α + r) − β̂ r/(α + r)²)

    There is no inverse in closed form: draws have densities, other codes have none.

    Args:
        hidden: widths of the encoder's hidden layers; where not given one of 200, or none right after convolutions or
            an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        layers: how many points.

    Example:
        >>> from reverie.inference import RadialPosterior
        >>> RadialPosterior(layers=8).layers
        8

    Reference: Rezende & Mohamed 2015, *Variational inference with normalizing flows*, Eq. 14, App. A.2.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Points that pull little."""
        return filled(self, **start(self, key, spec, model))

    def per_layer(self, size: int) -> int:
        """c, log α and β."""
        return size + 2

    def forward(self, layer: int, z: Array, asked: Array) -> tuple[Array, Array]:
        """One point."""
        centre, alpha = asked[: self.size], jax.nn.softplus(asked[-2] + 1.0)
        beta = jax.nn.softplus(asked[-1] + jnp.log(jnp.expm1(alpha))) - alpha  # Nought where nothing is asked.
        away = z - centre
        distance = jnp.sqrt(jnp.sum(away**2) + 1e-12)
        pull = beta / (alpha + distance)
        slope = 1.0 + pull - beta * distance / (alpha + distance) ** 2
        return z + pull * away, (self.size - 1) * jnp.log1p(pull) + jnp.log(slope)
