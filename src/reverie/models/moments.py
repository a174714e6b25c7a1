"""Weighted means and covariances of rows, kept as factors so that single precision does."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

RESOLUTION = 1e-6
"""A standard deviation so small beside the column's own is rounding."""


class Moments(NamedTuple):
    """What EM sums over rows: how many belong to each component, their means, and factors of their scatter.

    Attributes:
        mass: N_k = Σ_n r_nk, [K].
        mean: [K, D].
        factor: lower triangular F_k with F_k F_kᵀ = Σ_n r_nk (x_n − mean_k)(x_n − mean_k)ᵀ / N_k, [K, D, D].
    """

    mass: Array
    mean: Array
    factor: Array


def moments(x: Array, shares: Array) -> Moments:
    """The moments of rows [n, D] that belong to components by shares [n, K]."""

    def one(share: Array) -> tuple[Array, Array, Array]:
        mass = jnp.sum(share) + 10.0 * jnp.finfo(jnp.float32).eps
        mean = share @ x / mass
        rows = jnp.sqrt(share / mass)[:, None] * (x - mean)
        scatter = rows.T @ rows
        factor = jnp.linalg.cholesky(scatter)
        # A scatter loses half of the digits of its factor. Where that is too many, the factor comes from the rows.
        fine = jnp.all(jnp.diagonal(factor) ** 2 > 1e-3 * jnp.diagonal(scatter))
        return mass, mean, jax.lax.cond(fine, lambda rows: factor, _factor, rows)

    return Moments(*jax.lax.map(one, shares.T))


def _factor(rows: Array) -> Array:
    """The lower triangular factor of rowsᵀ rows, signs aside."""
    missing = max(0, rows.shape[1] - rows.shape[0])
    return jnp.linalg.qr(jnp.pad(rows, ((0, missing), (0, 0))), mode="r").T


def widened(factor: Float[Array, "d d"], ridge: float) -> Float[Array, "d d"]:
    """The Cholesky factor of F Fᵀ + ridge I; not finite where that is flat in some direction."""
    side = math.sqrt(ridge) * jnp.eye(factor.shape[0])
    upper = jnp.linalg.qr(jnp.concatenate([factor.T, side]), mode="r")
    scale = upper.T * jnp.where(jnp.diagonal(upper) < 0, -1.0, 1.0)
    flat = jnp.diagonal(scale) <= RESOLUTION * jnp.linalg.norm(scale, axis=1)
    return jnp.where(jnp.any(flat), jnp.nan, scale)
