"""A row of any kind as one vector of floats, for networks to read."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from reverie.data.spec import Spec


class Layout(NamedTuple):
    """The shape of one leaf of a row: hashable, so that it can be a static field of a part."""

    kind: str
    size: int
    counts: tuple[int, ...]
    ordered: bool = False

    @property
    def levels(self) -> int:
        """The largest number of levels over the columns."""
        return max(self.counts, default=0)

    @property
    def width(self) -> int:
        """How many features the leaf gives: categorical columns are one-hot unless their levels are ordered."""
        return self.size * self.levels if self.kind == "categorical" and not self.ordered else self.size


def layouts(spec: Spec) -> tuple[Layout, ...]:
    """One layout a leaf, in the order of the spec."""
    return tuple(Layout(leaf.kind, leaf.size, tuple(leaf.counts), leaf.ordered) for leaf in spec.leaves.values())


def leaves_of(x: PyTree, shape: tuple[Layout, ...]) -> tuple[Array, ...]:
    """The leaves of a row in the order of its layouts: a row with one leaf is a plain array."""
    return (x,) if len(shape) == 1 else tuple(x[layout.kind] for layout in shape)


def row_of(leaves: tuple[Array, ...], shape: tuple[Layout, ...]) -> PyTree:
    """The inverse of `leaves_of`."""
    return leaves[0] if len(shape) == 1 else {layout.kind: leaf for layout, leaf in zip(shape, leaves, strict=True)}


def features(x: PyTree, shape: tuple[Layout, ...]) -> Float[Array, " width"]:
    """The row as floats: continuous as it is, bits as 0 and 1, ordered levels from −1 to 1, categories one-hot."""

    def one(leaf: Array, layout: Layout) -> Array:
        if layout.kind == "categorical" and layout.ordered:
            steps = jnp.maximum(jnp.asarray(layout.counts, jnp.float32) - 1.0, 1.0)
            return 2.0 * leaf.astype(jnp.float32) / steps - 1.0
        if layout.kind == "categorical" and not jnp.issubdtype(leaf.dtype, jnp.floating):
            return jax.nn.one_hot(leaf, layout.levels).reshape(-1)
        return leaf.astype(jnp.float32).reshape(-1)

    return jnp.concatenate([one(leaf, layout) for leaf, layout in zip(leaves_of(x, shape), shape, strict=True)])
