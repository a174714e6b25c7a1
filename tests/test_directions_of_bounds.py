"""Reparameterised directions on a decoder for which everything is a closed form: linear, with Gaussian noise."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.scipy.stats import multivariate_normal

from reverie import noise
from reverie.directions import ClosedElbo, ImportanceWeightedBound, SampledElbo, Weighting
from reverie.inference import GaussianPosterior
from reverie.models import VAE
from reverie.samplers import BaseNoise, Tick
from tests import worlds
from tests.measuring import along, ascents, draws, errors_off, gradient

SCALE = 0.7
X = jnp.array([[0.3, -0.8, 0.5], [1.1, 0.2, -0.4]])
BATCH = worlds.batch_of(X)


def filled(latent):
    spec = worlds.CONTINUOUS.spec
    model = worlds.made(VAE(latent=latent, hidden=(), scale=SCALE), spec)
    # The bias starts at the columns' means, which lie far from these rows.
    bias = jnp.array([0.2, 0.1, -0.3])
    model = eqx.tree_at(lambda model: model.decoder.network.layers[0].bias, model, bias)
    inference = GaussianPosterior(hidden=()).init(noise.make_key(9), spec, model)
    return {"model": model, "inference": worlds.scattered(inference, 2, 0.2)}


@pytest.fixture(scope="module")
def parts():
    return filled(2)


def moments(parts, x):
    layer = parts["inference"].encoder.layers[0]
    output = x @ layer.weight + layer.bias
    size = parts["model"].latent
    return output[:size], output[size:]


def closed_form(parts, beta=1.0):
    """E_q log p(x | h) − β KL[q(h | x) ‖ N(0, I)], the mean over the rows."""
    layer = parts["model"].decoder.network.layers[0]

    def one(x):
        mean, log_scale = moments(parts, x)
        variance = jnp.exp(2 * log_scale)
        squares = jnp.sum((x - mean @ layer.weight - layer.bias) ** 2) + variance @ jnp.sum(layer.weight**2, axis=1)
        fit = -0.5 * squares / SCALE**2 - 1.5 * jnp.log(2 * jnp.pi * SCALE**2)
        return fit - beta * 0.5 * jnp.sum(variance + mean**2 - 1 - 2 * log_scale)

    return jnp.mean(jax.vmap(one)(X))


def log_likelihood(parts):
    """log N(x; b, s² I + Wᵀ W), the mean over the rows."""
    layer = parts["model"].decoder.network.layers[0]
    covariance = SCALE**2 * jnp.eye(3) + layer.weight.T @ layer.weight
    return jnp.mean(multivariate_normal.logpdf(X, layer.bias, covariance))


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


def said(direction, parts, key, count=2):
    draw, _, _ = BaseNoise("inference", count).draw(Tick(key, jnp.asarray(0)), parts, BATCH, None)
    return direction.ascend(Tick(key, jnp.asarray(0)), parts, BATCH, draw, None)[2]


def spread_of(direction, parts, x):
    """The variance of the direction of the inference model, summed over its numbers."""
    given = ascents(BaseNoise("inference", 1), direction, parts, worlds.batch_of(x))["inference"]
    return sum(float(np.var(leaf, axis=0).sum()) for leaf in jax.tree.leaves(given))


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


@pytest.fixture(scope="module")
def solved():
    """One latent dimension, for which the posterior is a diagonal Gaussian, and the encoder that is that posterior."""
    parts = filled(1)
    layer = parts["model"].decoder.network.layers[0]
    variance = 1 / (1 + jnp.sum(layer.weight**2) / SCALE**2)
    read = variance * layer.weight[0] / SCALE**2
    weight = jnp.stack([read, jnp.zeros(3)], axis=1)
    bias = jnp.stack([-read @ layer.bias, 0.5 * jnp.log(variance)])
    encoder = parts["inference"].encoder
    exact = type(encoder)((type(layer)(weight, bias),), encoder.activation)
    inference = parts["inference"]
    return parts | {"inference": GaussianPosterior((), "tanh", inference.shape, inference.size, exact)}


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
    encoder = parts["inference"].encoder

    def shifted(amount):
        layer = encoder.layers[0]
        bias = layer.bias + amount * jnp.array([1.0, -0.5, 0.3, 0.2])
        moved = type(encoder)((type(layer)(layer.weight, bias),), encoder.activation)
        inference = parts["inference"]
        return parts | {"inference": GaussianPosterior((), "tanh", inference.shape, inference.size, moved)}

    def slope(key):
        up, down = (said(direction, shifted(amount), key, 3)["iw_bound"] for amount in (0.05, -0.05))
        return (up - down) / 0.1

    slopes = draws(slope, 4000)
    given = ascents(sampler, direction, parts, BATCH)["inference"].encoder.layers[0].bias
    mean = np.mean(np.asarray(given) @ [1.0, -0.5, 0.3, 0.2])
    assert errors_off(slopes, mean) < 4.5
