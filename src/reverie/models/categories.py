"""Vectors of categorical variables whose columns may have different numbers of levels."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from reverie import noise

NEVER = -1e9
"""The logit of a level that a column lacks: far from any other, and finite, so that it can be multiplied by zero."""


def one_hot(x: Array, levels: int) -> Float[Array, "sites levels"]:
    """Categories as corners of the simplex; points of the simplex as they are."""
    if jnp.issubdtype(x.dtype, jnp.floating):
        return x
    return jax.nn.one_hot(x.astype(jnp.int32), levels)


def at_temperature(key: Key[Array, ""], logits: Float[Array, " levels"], temperature: float) -> Int[Array, ""]:
    """One category with probabilities raised to 1/temperature; at 0 the likeliest."""
    return noise.categorical(key, logits / temperature) if temperature > 0 else jnp.argmax(logits)


def forbidden(logits: Float[Array, "sites levels"], counts: tuple[int, ...]) -> Float[Array, "sites levels"]:
    """The logits, with `NEVER` for levels that a column lacks."""
    exists = jnp.arange(logits.shape[1])[None, :] < jnp.asarray(counts)[:, None]
    return jnp.where(exists, logits, NEVER)
