"""Deep latent Gaussian models: a linear one has everything in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie.errors import InputError
from reverie.models import DeepLatentGaussian
from tests import worlds
from tests.measuring import draws, errors_off

SCALE = 0.6


def made(sizes=(2, 2), **options):
    return worlds.made(DeepLatentGaussian(sizes, **options), worlds.CONTINUOUS.spec, spread=0.4)


def affine(network):
    layer = network.layers[0]
    return np.asarray(layer.weight, np.float64).T, np.asarray(layer.bias, np.float64)


def factor(layer):
    """G, with numpy."""
    diagonal = np.diag(np.exp(np.asarray(layer.log_diagonal, np.float64)))
    return diagonal if layer.below is None else diagonal + np.tril(np.asarray(layer.below, np.float64), -1)


def joint_moments(model):
    """The mean and covariance of (x, h_1, …, h_L) of a linear model: each is affine in all noises together."""
    noises = sum(model.sizes) + 3
    spread, mean = np.zeros((0, noises)), np.zeros(0)
    blocks: list[tuple[np.ndarray, np.ndarray]] = []
    at = 0
    for layer in reversed(model.layers):
        if layer.network is None:
            spread, mean = np.zeros((layer.size, noises)), np.zeros(layer.size)
        else:
            weight, bias = affine(layer.network)
            spread, mean = weight @ spread, weight @ mean + bias
        spread[:, at : at + layer.size] += factor(layer)
        at += layer.size
        blocks.insert(0, (mean, spread))
    weight, bias = affine(model.decoder.network)
    spread, mean = weight @ spread, weight @ mean + bias
    spread[:, at:] += SCALE * np.eye(3)
    blocks.insert(0, (mean, spread))
    spread = np.concatenate([block[1] for block in blocks])
    return np.concatenate([block[0] for block in blocks]), spread @ spread.T


@pytest.mark.parametrize(
    ("sizes", "scales"), [((2,), "full"), ((2, 3, 1), "full"), ((2, 2), "diagonal")], ids=["one", "three", "two"]
)
def test_a_linear_model_is_one_gaussian(sizes, scales):
    """Its joint density, and so p(x) = p(x, h) / p(h | x) at any h, is that of a multivariate normal."""
    model = made(sizes, hidden=(), scale=SCALE, scales=scales)
    mean, covariance = joint_moments(model)
    values = np.random.default_rng(2).normal(size=(20, len(mean)))
    cuts = np.cumsum([3, *sizes])[:-1]
    rows = [jnp.asarray(block, jnp.float32) for block in np.split(values, cuts, axis=1)]
    given = jax.jit(jax.vmap(lambda x, *h: model.log_joint(x, h)))(*rows)
    expected = scipy.stats.multivariate_normal(mean, covariance).logpdf(values)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-3)
    marginal = scipy.stats.multivariate_normal(mean[:3], covariance[:3, :3])
    gain = covariance[3:, :3] @ np.linalg.inv(covariance[:3, :3])
    rest = covariance[3:, 3:] - gain @ covariance[:3, 3:]
    x, h = values[0, :3], values[0, 3:]
    posterior = scipy.stats.multivariate_normal(mean[3:] + gain @ (x - mean[:3]), rest)
    assert float(given[0]) - posterior.logpdf(h) == pytest.approx(marginal.logpdf(x), abs=1e-3)


@pytest.mark.parametrize("scales", ["full", "diagonal"])
def test_draws_of_a_linear_model_have_its_moments(scales):
    model = made((2, 2), hidden=(), scale=SCALE, scales=scales)
    mean, covariance = joint_moments(model)
    x, h = draws(model.sample_joint, 40_000)
    values = np.concatenate([np.asarray(block, np.float64) for block in (x, *h)], axis=1)
    assert errors_off(values, mean) < 4
    gap = values - mean
    assert errors_off(np.einsum("ni,nj->nij", gap, gap), covariance) < 4.5
    assert np.abs(covariance[0, 6]) > 0.05


@pytest.mark.parametrize("scales", ["full", "network"])
def test_dreams_follow_the_density_along_every_parameter(scales):
    model = made((2, 3), hidden=(3,), scales=scales)
    score = lambda key: jax.grad(lambda m, xh: m.log_joint(*xh))(model, model.sample_joint(key))
    scores = draws(score, 4000)
    assert errors_off(scores, jax.tree.map(lambda leaf: np.zeros(leaf.shape), model)) < 4.5
    assert all(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(scores))


def test_scales_from_the_layer_above_are_those_of_the_network():
    """IWAE's two layers: h_2 ~ N(0, I), h_1 ~ N(μ(h_2), diag σ(h_2)²)."""
    model = made((2, 3), hidden=(4,), scales="network", scale=SCALE)
    h = (jnp.array([0.3, -1.1]), jnp.array([0.5, -0.2, 1.4]))
    output = np.asarray(model.layers[0].network(h[1]), np.float64)
    expected = scipy.stats.norm.logpdf(np.asarray(h[1])).sum()
    expected += scipy.stats.norm(output[:2], np.exp(output[2:])).logpdf(np.asarray(h[0])).sum()
    assert float(model.log_prior(h)) == pytest.approx(expected, rel=1e-4)
    assert model.layers[1].network is model.layers[1].log_diagonal is None


@pytest.mark.parametrize(
    "options",
    [{"sizes": ()}, {"sizes": (2, 0)}, {"hidden": (0,)}, {"activation": "sine"}, {"scales": "round"}],
    ids=str,
)
def test_options_that_describe_no_model_are_refused(options):
    with pytest.raises(InputError) as refusal:
        DeepLatentGaussian(**options)
    assert "\n" not in str(refusal.value)
