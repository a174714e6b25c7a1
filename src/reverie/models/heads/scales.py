"""Where the scale of a continuous column comes from."""

from typing import Literal, NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array

Scale: TypeAlias = float | Literal["shared"] | None
"""A fixed number; one learned number for all columns; `None`: the network's, one for each column and code."""

LOWEST_LOG_SCALE = -6.0
"""A density without a floor under its scale has no maximum."""


class Scales(NamedTuple):
    """σ of each of `size` columns."""

    scale: Scale
    size: int

    @property
    def width(self) -> int:
        """How many numbers the network gives."""
        return self.size if self.scale is None else 0

    @property
    def own_width(self) -> int:
        """How many numbers are the head's own."""
        return 1 if self.scale == "shared" else 0

    def start(self, std: Array) -> tuple[Array, Array]:
        """log σ at the columns' standard deviations; where one number stands for all, at their root mean square."""
        std = jnp.maximum(std, 1e-2)
        if self.scale is None:
            return jnp.log(std), jnp.zeros(0)
        shared = 0.5 * jnp.log(jnp.mean(std**2, keepdims=True))
        return jnp.zeros(0), shared if self.scale == "shared" else jnp.zeros(0)

    def log_scale(self, given: Array, own: Array) -> Array:
        """log σ, [size] or a number for all columns; at least −6 where it is learned."""
        if isinstance(self.scale, float | int):
            return jnp.log(jnp.asarray(self.scale, jnp.float32))
        learned = given if self.scale is None else own[0]
        return jnp.maximum(learned, LOWEST_LOG_SCALE)
