"""Convolutions inwards and outwards, and the images that they make."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from reverie import noise
from reverie.data import Leaf, Spec
from reverie.inference import GaussianPosterior
from reverie.models import ConvVAE
from reverie.networks.conv import conv_outwards, convolution, halved
from tests import worlds
from tests.measuring import draws, errors_off


def spec_of(kind, height, width, channels):
    size = height * width * channels
    rng = np.random.default_rng(0)
    mean, std = tuple(rng.uniform(0.1, 0.9, size)), tuple(rng.uniform(0.2, 0.5, size))
    if kind == "categorical":
        leaf = Leaf(kind, size, levels=3, counts=(3,) * size)
    else:
        leaf = Leaf(kind, size, mean=mean, std=std)
    return Spec({kind: leaf}, image=(height, width, channels))


@pytest.mark.parametrize(("height", "width", "stride"), [(5, 4, 1), (2, 2, 1), (5, 4, 2), (4, 3, 2), (1, 1, 2)])
def test_a_convolution_is_the_sum_of_products(height, width, stride):
    """Padded on both sides or, where one row or column is over, behind alone; maps of few places go their own way."""
    layer = worlds.scattered(convolution(noise.make_key(0), 2, 3, stride), 1, 0.5)
    image = np.random.default_rng(0).normal(size=(height, width, 2))
    told = np.asarray(layer(jnp.asarray(image)))
    taken = tuple(slice(1 if stride == 2 and size % 2 == 0 else 0, None, stride) for size in (height, width))
    kernel = np.asarray(layer.kernel, float)
    for out in range(3):
        planes = [scipy.signal.correlate2d(image[..., i], kernel[..., i, out], mode="same") for i in range(2)]
        np.testing.assert_allclose(told[..., out], sum(planes)[taken] + float(layer.bias[out]), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("blocked", [False, True])
def test_numbers_of_a_pixel_stand_together_or_by_kind(blocked):
    """The bias shows the order: with nothing else it comes out as it went in; and a pixel's code reaches its place."""
    bias = jnp.arange(2 * 3 * 5 * 2, dtype=jnp.float32)
    network = conv_outwards(noise.make_key(0), 4, (6, 4), (3, 5, 2), bias, "elu", blocked=blocked)
    still = jax.tree.map(jnp.zeros_like, network)
    assert np.array_equal(network(jnp.ones(4)) - still.bias, network(jnp.ones(4)))
    assert network(jnp.ones(4)).shape == (60,)
    slopes = jax.jacobian(network)(jnp.ones(4))
    assert bool(jnp.all(jnp.any(slopes != 0, axis=1)))
    assert (halved(3, 2), halved(5, 2)) == (1, 2)


@pytest.mark.parametrize("kind", ["binary", "continuous", "categorical"])
def test_images_of_every_kind_and_size_start_at_their_means(kind):
    spec = spec_of(kind, 3, 5, 2)
    model = worlds.made(ConvVAE(latent=2, channels=(4, 3)), spec)
    model = jax.tree.map(lambda leaf: leaf, model)
    x = draws(model.sample, 2000)
    assert x.shape == (2000, 30)
    if kind != "categorical":
        layers = [jax.tree.map(jnp.zeros_like, layer) for layer in model.decoder.network.layers]
        calm = type(model.decoder.network)(
            model.decoder.network.first,
            tuple(layers),
            model.decoder.network.bias,
            model.decoder.network.image,
            model.decoder.network.activation,
            model.decoder.network.blocked,
        )
        decoder = dataclasses.replace(model.decoder, network=calm)
        still = dataclasses.replace(model, decoder=decoder)
        x = np.asarray(draws(still.sample, 4000), float)
        assert errors_off(x, np.asarray(spec.leaves[kind].mean)) < 4.5
        assert kind != "continuous" or np.allclose(x.std(0), spec.leaves[kind].std, rtol=0.1)


def test_gradients_reach_the_whole_posterior():
    spec = spec_of("binary", 5, 4, 1)
    model = worlds.made(ConvVAE(latent=2, channels=(4, 3)), spec)
    part = GaussianPosterior(channels=(3, 4)).init(noise.make_key(1), spec, model)
    x = jnp.asarray(np.random.default_rng(0).random(20) < 0.5)
    slopes = jax.grad(lambda p: p.transform_and_log_prob(jnp.array([0.3, -1.0]), x)[0][0].sum())(part)
    other = jax.grad(lambda p: p.transform_and_log_prob(jnp.array([0.3, -1.0]), x)[1])(part)
    both = jax.tree.map(lambda a, b: bool(jnp.any(a != 0) | jnp.any(b != 0)), slopes, other)
    assert all(jax.tree.leaves(both))


def test_rows_that_are_no_images_are_refused():
    assert "without a height" in (ConvVAE().unsuited(worlds.BINARY.spec) or "")
    assert "without a height" in (GaussianPosterior(reader="conv").unsuited(worlds.BINARY.spec) or "")
