"""Dropout of units, other ones for each row.

Reference: Srivastava, Hinton, Krizhevsky, Sutskever & Salakhutdinov 2014, *Dropout: a simple way to prevent neural
networks from overfitting*, §4.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from reverie import noise


def row_number(row: Int[Array, " places"]) -> Array:
    """A number that tells rows apart, to fold into a key.

    A part is asked of one row at a time, and never told which row of a batch it is.
    """
    odd = jnp.arange(row.shape[0], dtype=jnp.uint32) * 2 + 1
    return jnp.sum(row.astype(jnp.uint32) * odd * jnp.uint32(2654435761), dtype=jnp.uint32)


def dropped(key: Key[Array, ""], rate: float, units: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Each unit nought with that probability, and the others larger by 1 / (1 − rate): the mean is the unit."""
    return jnp.where(noise.uniform(key, units.shape) < rate, 0.0, units / (1.0 - rate))
