"""A flow of coupling layers."""

from typing import Any, Self

import equinox as eqx
import jax
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.models.coupling import coupling
from reverie.models.priors.prior import Prior


class FlowPrior(Prior):
    """h = f(ε), ε ~ N(0, I), f of affine coupling layers.

    Reference: Chen et al. 2017, *Variational lossy autoencoder*, §3.2; the layers: Dinh et al. 2017.
    """

    flow: Any

    @classmethod
    def start(cls, key: Key[Array, ""], size: int, layers: int, width: int) -> Self:
        """Layers near the identity: the networks that set shifts and scales start with a tenth of their weights."""
        flow = coupling(key, size, layers, width, 1)
        return cls(jax.tree.map(lambda leaf: 0.1 * leaf if eqx.is_inexact_array(leaf) else leaf, flow))

    def log_prob(self, h: Array) -> Float[Array, ""]:
        """By the change of variables."""
        return self.flow.log_prob(h)

    def sample(self, key: Key[Array, ""]) -> Array:
        """f of fresh noise."""
        return self.flow.bijection.transform(noise.normal(key, self.flow.shape))
