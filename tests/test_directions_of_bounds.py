"""Reparameterised directions on a decoder for which everything is a closed form: linear, with Gaussian noise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.directions import ClosedElbo, ImportanceWeightedBound, SampledElbo, Weighting
from reverie.samplers import BaseNoise, Tick
from tests import linear_gaussian
from tests.linear_gaussian import BATCH, X, closed_form, log_likelihood, said, spread_of
from tests.measuring import along, ascents, draws, errors_off, gradient


@pytest.fixture(scope="module")
def parts():
    return linear_gaussian.filled(2)


@pytest.fixture(scope="module")
def solved():
    return linear_gaussian.solved()


@pytest.mark.parametrize("beta", [1.0, 0.3])
@pytest.mark.parametrize("form", [ClosedElbo, SampledElbo])
def test_both_forms_of_the_bound_have_the_mean_of_the_closed_forms_gradient(parts, form, beta):
    direction = form(Weighting(beta))
    given = ascents(BaseNoise("inference", 2), direction, parts, BATCH)
    for name in ("model", "inference"):
        exact = gradient(lambda p: closed_form(p, beta), parts, name)
        assert errors_off(given[name], exact) < 4
        assert errors_off(given[name], jax.tree.map(lambda leaf: 1.1 * leaf, exact)) > 4


@pytest.mark.parametrize("direction", [ClosedElbo(Weighting(4.0)), ImportanceWeightedBound()], ids=str)
def test_the_bound_that_people_see_is_the_bound_whatever_beta(parts, direction):
    values = draws(lambda key: said(direction, parts, key)["elbo"], 4000)
    assert errors_off(values, jax.jit(closed_form)(parts)) < 4


def test_the_closed_form_varies_less_but_for_a_posterior_far_from_the_prior(parts, solved):
    assert spread_of(ClosedElbo(), parts, X) < 0.7 * spread_of(SampledElbo(), parts, X)
    assert spread_of(ClosedElbo(), solved, 6 * X) > 1.1 * spread_of(SampledElbo(), solved, 6 * X)


def test_one_sample_of_the_weighted_bound_is_the_sampled_bound(parts):
    """Not in the mean only: for each draw of noise."""
    draw, _, _ = BaseNoise("inference", 1).draw(Tick(noise.make_key(3), jnp.asarray(0)), parts, BATCH, None)
    one = jax.jit(lambda: along(ImportanceWeightedBound(), parts, BATCH, draw))()
    other = jax.jit(lambda: along(SampledElbo(), parts, BATCH, draw))()
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_weighted_bound_rises_with_the_samples_to_the_likelihood(parts):
    bounds = {}
    for count in (1, 4, 40):
        values = draws(lambda key, k=count: said(ImportanceWeightedBound(), parts, key, k)["iw_bound"], 3000)
        bounds[count] = np.mean(values), np.std(values) / np.sqrt(3000)
    exact = float(jax.jit(log_likelihood)(parts))
    assert abs(bounds[1][0] - float(jax.jit(closed_form)(parts))) < 4 * bounds[1][1]
    gaps = [exact - bounds[count][0] for count in (1, 4, 40)]
    assert gaps[0] > 0.2
    assert gaps[0] > 1.5 * gaps[1] > 4 * gaps[2]
    assert gaps[2] > -4 * bounds[40][1]


@pytest.mark.parametrize("count", [1, 3])
def test_with_the_posterior_itself_the_weighted_bound_is_the_likelihood(solved, count):
    """For each draw; and in the mean its direction is the gradient of the likelihood, and leaves the encoder be."""
    exact = float(jax.jit(log_likelihood)(solved))
    told = draws(lambda key: said(ImportanceWeightedBound(), solved, key, count)["iw_bound"], 5)
    np.testing.assert_allclose(told, exact, rtol=1e-5)
    given = ascents(BaseNoise("inference", count), ImportanceWeightedBound(), solved, BATCH)
    assert errors_off(given["model"], gradient(log_likelihood, solved, "model")) < 4
    nought = jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:]), given["inference"])
    assert errors_off(given["inference"], nought) < 4


def test_the_weighted_bound_moves_along_its_own_gradient(parts):
    """Against differences of the mean bound itself, with the same noise on both sides."""
    sampler, direction = BaseNoise("inference", 3), ImportanceWeightedBound()

    def shifted(amount):
        where = lambda inference: inference.encoder.layers[0].bias
        bias = where(parts["inference"]) + amount * jnp.array([1.0, -0.5, 0.3, 0.2])
        return parts | {"inference": eqx.tree_at(where, parts["inference"], bias)}

    def slope(key):
        up, down = (said(direction, shifted(amount), key, 3)["iw_bound"] for amount in (0.05, -0.05))
        return (up - down) / 0.1

    slopes = draws(slope, 4000)
    given = ascents(sampler, direction, parts, BATCH)["inference"].encoder.layers[0].bias
    mean = np.mean(np.asarray(given) @ [1.0, -0.5, 0.3, 0.2])
    assert errors_off(slopes, mean) < 4.5
