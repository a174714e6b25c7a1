"""Models of real numbers: they integrate to one, change variables, and their draws have their moments."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie.capabilities import Pushforward
from reverie.models import GaussianMixture, Generator, RealNVP
from tests import worlds
from tests.measuring import draws, errors_off


def fixed(model, spec):
    """A model of which no number is zero and nothing is symmetric."""
    return worlds.made(model, spec, spread=0.7)


@pytest.fixture(scope="module")
def flow():
    return worlds.made(RealNVP(layers=3, width=5), worlds.continuous(columns=2).spec, spread=0.35)


def test_a_flow_integrates_to_one_and_its_draws_have_its_moments(flow):
    """On a grid; a skewed functional shows a sign that moments of even order hide."""
    edge = np.linspace(-14.0, 14.0, 701)
    grid = np.stack(np.meshgrid(edge, edge, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    density = np.exp(np.asarray(jax.jit(jax.vmap(flow.log_prob))(grid), np.float64)) * (edge[1] - edge[0]) ** 2
    assert density.sum() == pytest.approx(1.0, abs=2e-3)

    def functionals(x):
        """Bounded, since the tails of a flow are heavy, and odd ones among them."""
        bell = np.exp(-((x[:, 0] - 1) ** 2))
        return np.stack([np.tanh(x[:, 0]), np.tanh(x[:, 1]) ** 3, np.tanh(x[:, 0] * x[:, 1]), bell], axis=1)

    samples = functionals(np.asarray(draws(flow.sample, 40_000), np.float64))
    truth = (functionals(grid.astype(np.float64)) * density[:, None]).sum(0)
    gap = np.abs(samples.mean(0) - truth)
    assert np.all(gap < 4 * samples.std(0) / 200 + abs(1 - density.sum()) + 1e-4)


def test_a_flow_changes_variables(flow, key):
    noises = jax.vmap(flow.noise)(jax.random.split(key, 50))

    def one(e):
        volume = jnp.linalg.slogdet(jax.jacobian(flow.push)(e))[1]
        return flow.log_prob(flow.push(e)), jax.scipy.stats.norm.logpdf(e).sum() - volume

    given, expected = jax.jit(jax.vmap(one))(noises)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", worlds.models_with(Pushforward))
def test_a_pushforward_pushes_its_noise(name, key):
    blank = worlds.blank(name)
    model = fixed(blank, worlds.world_for(blank).spec)
    x = model.push(model.noise(key))
    assert np.array_equal(np.asarray(model.sample(key), np.float32), np.asarray(x, np.float32))
    along = jax.jit(jax.jacobian(model.push))(model.noise(key))
    assert np.all(np.isfinite(along))
    assert np.all(np.any(along != 0, axis=1))
    noises = draws(model.noise, 4000)
    assert errors_off(noises, np.zeros(noises.shape[1:])) < 4.0
    assert errors_off(noises**2, np.ones(noises.shape[1:])) < 4.0


def test_a_generator_of_bits_passes_the_sigmoids_gradient_straight_through(key):
    model = fixed(Generator(latent=2, hidden=(4,)), worlds.BINARY.spec)
    e = model.noise(key)
    assert set(np.unique(jax.vmap(model.push)(jax.random.normal(key, (99, 2))))) == {0.0, 1.0}
    expected = jax.jacobian(lambda e: jax.nn.sigmoid(model.network(e)))(e)
    np.testing.assert_allclose(jax.jacobian(model.push)(e), expected, rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def mixture():
    """Three Gaussians in the plane with unequal weights and full covariances."""
    return fixed(GaussianMixture(count=3), worlds.continuous(columns=2).spec)


def test_a_mixture_is_the_sum_of_its_gaussians(mixture):
    weights, means, covariances = (np.asarray(array, np.float64) for array in mixture.components())
    assert weights.sum() == pytest.approx(1.0, rel=1e-5)
    x = np.random.default_rng(0).normal(2.0, 3.0, (20, 2)).astype(np.float32)
    normals = [scipy.stats.multivariate_normal(m, c) for m, c in zip(means, covariances, strict=True)]
    expected = np.log(sum(w * normal.pdf(x) for w, normal in zip(weights, normals, strict=True)))
    np.testing.assert_allclose(jax.jit(jax.vmap(mixture.log_prob))(x), expected, rtol=1e-3, atol=1e-3)


def test_a_mixture_is_what_its_components_say(mixture):
    given = tuple(np.asarray(array) for array in mixture.components())
    again = GaussianMixture(count=3).with_components(*(jnp.asarray(array) for array in given))
    for a, b in zip(given, again.components(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert np.ptp(given[0]) > 0.1
    assert np.all(np.abs(given[2][:, 0, 1]) > 1e-3)


def test_draws_of_a_mixture_have_its_moments(mixture):
    """Up to the third central moment, which is asymmetric."""
    weights, means, covariances = (np.asarray(array, np.float64) for array in mixture.components())
    x = np.asarray(draws(mixture.sample, 40_000), np.float64)
    mean = weights @ means
    gap = means - mean
    second = np.einsum("k,kij->ij", weights, covariances + np.einsum("ki,kj->kij", gap, gap))
    third = weights @ (gap**3 + 3 * gap * np.diagonal(covariances, axis1=1, axis2=2))
    centred = x - mean
    assert errors_off(x, mean) < 4
    assert errors_off(np.einsum("ni,nj->nij", centred, centred), second) < 4
    assert errors_off(centred**3, third) < 4
    assert np.any(np.abs(third) > 1.0)
