"""A flow of affine coupling layers over a standard normal."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from flowjax.bijections import Affine
from flowjax.distributions import StandardNormal
from flowjax.flows import coupling_flow
from jaxtyping import Array, Key
from paramax import Parameterize

STEEPEST = 2.0
"""The largest |log scale| of one layer."""


def _bounded_affine() -> Affine:
    """y = e^{s} x + t with s = 2 tanh(·/2): without a bound a layer can blow up on rows far from the training rows."""
    scale: Any = Parameterize(lambda raw: jnp.exp(STEEPEST * jnp.tanh(raw / STEEPEST)), jnp.zeros(()))
    return eqx.tree_at(lambda affine: affine.scale, Affine(), scale)


def coupling(key: Key[Array, ""], size: int, layers: int, width: int, depth: int) -> Any:
    """Layers near the identity, over a base without parameters (Dinh, Sohl-Dickstein & Bengio 2017, Eq. 3–8)."""
    standard: Any = StandardNormal
    return coupling_flow(
        key,
        base_dist=standard((size,)),
        transformer=_bounded_affine(),
        flow_layers=layers,
        nn_width=width,
        nn_depth=depth,
    )
