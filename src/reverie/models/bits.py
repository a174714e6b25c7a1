"""Vectors of independent Bernoulli variables, given by their logits."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from reverie import noise


def bits_log_prob(logits: Float[Array, "... n"], bits: Array) -> Float[Array, "..."]:
    """Σ_i log Bernoulli(b_i; σ(a_i)) = −Σ_i softplus((1 − 2 b_i) a_i), which never overflows.

    Relaxed bits, floats in [0, 1], are taken linearly: Σ_i b_i a_i − softplus(a_i).
    """
    if jnp.issubdtype(bits.dtype, jnp.floating):
        return jnp.sum(bits * logits - jax.nn.softplus(logits), axis=-1)
    return -jnp.sum(jax.nn.softplus(jnp.where(bits, -logits, logits)), axis=-1)


def draw_bits(key: Key[Array, ""], logits: Float[Array, "... n"]) -> Bool[Array, "... n"]:
    """Independent bits with P(b_i = 1) = σ(a_i)."""
    return noise.bernoulli_logits(key, logits)


def as_float(bits: Array) -> Float[Array, "..."]:
    """Bits as 0.0 and 1.0, for matrix products."""
    return bits.astype(jnp.float32)


def log_odds(frequency: Array, floor: float = 1e-2) -> Float[Array, "..."]:
    """log p/(1 − p), with p kept `floor` away from 0 and 1: a starting value for the bias of a visible bit."""
    p = jnp.clip(jnp.asarray(frequency, jnp.float32), floor, 1.0 - floor)
    return jnp.log(p) - jnp.log1p(-p)
