"""What u(x) becomes when one site of a discrete x takes another value."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def changes(model: Any, x: Array, places: Int[Array, " places"]) -> Float[Array, "places values"]:
    """u(x') − u(x) for each place and each value that it could have instead; −∞ for the value that it has.

    Bits have one other value; categories have a column for each level.
    """
    here = model.potential(x)
    if x.dtype == jnp.bool_:
        there = jax.vmap(lambda place: model.potential(x.at[place].set(~x[place])))(places)
        return (there - here)[:, None]
    levels = jnp.arange(model.levels, dtype=x.dtype)
    every = jax.vmap(lambda place: jax.vmap(lambda level: model.potential(x.at[place].set(level)))(levels))(places)
    return jnp.where(levels == x[places][:, None], -jnp.inf, every - here)
