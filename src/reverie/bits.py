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
        return codes_log_prob(logits, bits)
    return -jnp.sum(softplus(jnp.where(bits, -logits, logits)), axis=-1)


def codes_log_prob(logits: Float[Array, "... n"], bits: Array) -> Float[Array, "..."]:
    """The same, as Σ_i b_i a_i − Σ_i softplus(a_i): of many codes at the same logits the second sum is taken once."""
    taken = bits * logits if jnp.issubdtype(bits.dtype, jnp.floating) else jnp.where(bits, logits, 0.0)
    return jnp.sum(taken, axis=-1) - jnp.sum(softplus(logits), axis=-1)


def each_bit_log_prob(logits: Float[Array, "... n"], bits: Array) -> Float[Array, "... n"]:
    """log Bernoulli(b_i; σ(a_i)) of each bit."""
    return -softplus(jnp.where(bits, -logits, logits))


@jax.custom_jvp
def softplus(a: Array) -> Array:
    """log(1 + exp a), with the slope σ(a).

    JAX's own is a `logaddexp`, whose value and slope take three times as long: a quarter of a step of a belief net.
    """
    return jnp.maximum(a, 0.0) + jnp.log1p(jnp.exp(-jnp.abs(a)))


@softplus.defjvp
def _softplus_slope(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (a,), (t,) = primals, tangents
    return softplus(a), t * jax.nn.sigmoid(a)


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
