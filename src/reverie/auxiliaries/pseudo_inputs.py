"""Rows that are learned."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.bits import log_odds
from reverie.capabilities import HasMixturePrior, HasPseudoInputs
from reverie.data.spec import Leaf, Spec
from reverie.networks.features import Layout, layouts, row_of
from reverie.parts import Part, filled, known, learned


class PseudoInputs(Part, HasPseudoInputs):
    """One row for each component of the model's prior, free to move where rows of such data may be.

    Continuous columns are free; bits are σ(·), levels a softmax, ordered levels anywhere between the first and the
    last.

    Example:
        >>> from reverie.auxiliaries import PseudoInputs
        >>> from reverie.models import VAE
        >>> PseudoInputs().unserving(VAE())
        'pseudo-inputs serve models whose prior is a mixture'

    Reference: Tomczak & Welling 2018, *VAE with a VampPrior*, §2.
    """

    shape: tuple[Layout, ...] = known()
    free: tuple[Array, ...] = learned()

    def unserving(self, model: Any) -> str | None:
        """Models whose prior has components."""
        return None if isinstance(model, HasMixturePrior) else "pseudo-inputs serve models whose prior is a mixture"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Scattered about the middle of the training rows."""
        shape = layouts(spec)
        keys = jax.random.split(key, len(shape))
        pairs = zip(keys, shape, spec.leaves.values(), strict=True)
        free = tuple(_start(one, layout, leaf, model.prior_components) for one, layout, leaf in pairs)
        return filled(self, shape=shape, free=free)

    def rows(self) -> PyTree:
        """Bits as floats in [0, 1], categories as points of the simplex."""
        return row_of(tuple(_row(free, layout) for free, layout in zip(self.free, self.shape, strict=True)), self.shape)


def _start(key: Key[Array, ""], layout: Layout, leaf: Leaf, count: int) -> Array:
    if layout.kind == "categorical" and not layout.ordered:
        return noise.normal(key, (count, layout.size, layout.levels))
    fresh = noise.normal(key, (count, layout.size))
    mean = jnp.asarray(leaf.mean, jnp.float32)
    if layout.kind == "continuous":
        return mean + jnp.asarray(leaf.std, jnp.float32) * fresh
    highest = jnp.asarray(layout.counts, jnp.float32) - 1.0 if layout.ordered else 1.0
    return log_odds(mean / jnp.maximum(highest, 1.0)) + fresh


def _row(free: Array, layout: Layout) -> Array:
    if layout.kind == "continuous":
        return free
    if layout.kind == "binary":
        return jax.nn.sigmoid(free)
    if layout.ordered:
        return (jnp.asarray(layout.counts, jnp.float32) - 1.0) * jax.nn.sigmoid(free)
    exists = jnp.arange(layout.levels)[None, :] < jnp.asarray(layout.counts)[:, None]
    return jax.nn.softmax(jnp.where(exists, free, -jnp.inf))
