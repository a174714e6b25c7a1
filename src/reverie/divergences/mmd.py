"""The maximum mean discrepancy between two sets of vectors, as something to differentiate.

    MMD²(P, Q) = E k(a, a') + E k(b, b') − 2 E k(a, b),   a, a' ~ P and b, b' ~ Q, all independent

(Gretton et al. 2012, *A kernel two-sample test*, Lemma 6; the estimator is their Eq. 3.) With a characteristic
kernel it is zero if and only if P = Q.
"""

from typing import Literal, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float

from reverie.errors import InputError

Kernel: TypeAlias = Literal["inverse-multiquadratic", "gaussian"]
KERNELS: tuple[Kernel, ...] = ("inverse-multiquadratic", "gaussian")


def squared_distances(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Float[Array, "n m"]:
    """‖a_i − b_j‖² for all pairs."""
    squares = jnp.sum(a**2, axis=1)[:, None] + jnp.sum(b**2, axis=1)[None]
    return jnp.maximum(squares - 2.0 * a @ b.T, 0.0)


def kernel_matrix(
    a: Float[Array, "n d"], b: Float[Array, "m d"], kernel: Kernel, scale: float = 1.0
) -> Float[Array, "n m"]:
    """k(a_i, b_j), with C = 2 d `scale`², the mean squared distance of two draws of N(0, `scale`² I).

    `inverse-multiquadratic`: C / (C + ‖a − b‖²), whose tails keep a gradient for far codes (Tolstikhin et al. 2018,
    §4); `gaussian`: exp(−‖a − b‖² / C).
    """
    width = 2.0 * a.shape[1] * scale**2
    squared = squared_distances(a, b)
    return width / (width + squared) if kernel == "inverse-multiquadratic" else jnp.exp(-squared / width)


def mmd2(
    a: Float[Array, "n d"], b: Float[Array, "m d"], kernel: Kernel = "inverse-multiquadratic", scale: float = 1.0
) -> Float[Array, ""]:
    """The unbiased estimator of MMD² from independent draws; it may be negative."""
    n, m = a.shape[0], b.shape[0]
    if min(n, m) < 2:
        raise InputError("a maximum mean discrepancy needs at least two rows on each side: ask for a larger batch")
    within_a = _off_diagonal(kernel_matrix(a, a, kernel, scale))
    within_b = _off_diagonal(kernel_matrix(b, b, kernel, scale))
    return within_a + within_b - 2.0 * jnp.mean(kernel_matrix(a, b, kernel, scale))


def _off_diagonal(matrix: Float[Array, "n n"]) -> Float[Array, ""]:
    """The mean over pairs of different draws."""
    n = matrix.shape[0]
    return jnp.sum(jnp.where(jnp.eye(n, dtype=bool), 0.0, matrix)) / (n * (n - 1))
