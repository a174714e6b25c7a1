"""The maximum mean discrepancy: kernels by hand, and an estimator that is unbiased."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.divergences import KERNELS, mmd2
from reverie.divergences.mmd import kernel_matrix
from reverie.errors import InputError
from tests.measuring import draws, errors_off

POINTS = jnp.array([[0.0, 0.0], [1.0, 2.0], [-1.0, 0.5]])
P, Q = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.2, 0.6])


def test_kernels_by_hand():
    """C = 2 · 2 · 1.5² = 9, and the points are √5 and √1.25 from the first."""
    squared = np.array([0.0, 5.0, 1.25])
    given = kernel_matrix(POINTS[:1], POINTS, "inverse-multiquadratic", 1.5)[0]
    np.testing.assert_allclose(given, 9.0 / (9.0 + squared), rtol=1e-5)
    given = kernel_matrix(POINTS[:1], POINTS, "gaussian", 1.5)[0]
    np.testing.assert_allclose(given, np.exp(-squared / 9.0), rtol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_estimator_is_unbiased(kernel):
    """Three points, so that the truth is (P − Q)ᵀ K (P − Q); with the diagonal it would not be."""
    matrix = np.asarray(kernel_matrix(POINTS, POINTS, kernel))
    truth = (P - Q) @ matrix @ (P - Q)

    def estimate(key):
        first, second = jax.random.split(key)
        a = POINTS[noise.categorical(first, jnp.log(jnp.broadcast_to(jnp.asarray(P), (4, 3))))]
        b = POINTS[noise.categorical(second, jnp.log(jnp.broadcast_to(jnp.asarray(Q), (6, 3))))]
        within = jnp.mean(kernel_matrix(a, a, kernel)) + jnp.mean(kernel_matrix(b, b, kernel))
        return mmd2(a, b, kernel), within - 2 * jnp.mean(kernel_matrix(a, b, kernel))

    unbiased, biased = draws(estimate, 20_000)
    assert errors_off(unbiased, truth) < 4
    assert errors_off(unbiased, 1.1 * truth) > 4
    assert errors_off(biased, truth) > 4


def test_one_row_has_no_discrepancy():
    with pytest.raises(InputError, match="at least two rows"):
        mmd2(POINTS[:1], POINTS)


def test_equal_rows_leave_the_gradient_finite():
    slope = jax.grad(lambda a: mmd2(a, POINTS))(jnp.zeros((3, 2)))
    assert np.all(np.isfinite(slope))
