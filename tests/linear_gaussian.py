"""A decoder for which everything is a closed form, linear with Gaussian noise, and how directions look on it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.stats import multivariate_normal

from reverie import noise
from reverie.inference import GaussianPosterior
from reverie.models import VAE
from reverie.samplers import BaseNoise, Tick
from tests import worlds
from tests.measuring import ascents

SCALE = 0.7
X = jnp.array([[0.3, -0.8, 0.5], [1.1, 0.2, -0.4]])
BATCH = worlds.batch_of(X)


def filled(latent):
    """The pair, with a linear encoder that is wrong."""
    spec = worlds.CONTINUOUS.spec
    model = worlds.made(VAE(latent=latent, hidden=(), scale=SCALE), spec)
    # The bias starts at the columns' means, which lie far from these rows.
    bias = jnp.array([0.2, 0.1, -0.3])
    model = eqx.tree_at(lambda model: model.decoder.network.layers[0].bias, model, bias)
    inference = GaussianPosterior(hidden=()).init(noise.make_key(9), spec, model)
    return {"model": model, "inference": worlds.scattered(inference, 2, 0.2)}


def moments(parts, x):
    """The mean and the log standard deviation of q(h | x)."""
    layer = parts["inference"].encoder.layers[0]
    output = x @ layer.weight + layer.bias
    size = parts["model"].latent
    return output[:size], output[size:]


def two_terms(parts):
    """E_q log p(x | h), and KL[q(h | x) ‖ N(0, I)] of each variable, their means over the rows."""
    layer = parts["model"].decoder.network.layers[0]

    def one(x):
        mean, log_scale = moments(parts, x)
        variance = jnp.exp(2 * log_scale)
        squares = jnp.sum((x - mean @ layer.weight - layer.bias) ** 2) + variance @ jnp.sum(layer.weight**2, axis=1)
        fit = -0.5 * squares / SCALE**2 - 1.5 * jnp.log(2 * jnp.pi * SCALE**2)
        return fit, 0.5 * (variance + mean**2 - 1 - 2 * log_scale)

    fits, divergences = jax.vmap(one)(X)
    return jnp.mean(fits), jnp.mean(divergences, axis=0)


def closed_form(parts, beta=1.0):
    """E_q log p(x | h) − β KL[q(h | x) ‖ N(0, I)], the mean over the rows."""
    fit, divergences = two_terms(parts)
    return fit - beta * jnp.sum(divergences)


def log_likelihood(parts):
    """log N(x; b, s² I + Wᵀ W), the mean over the rows."""
    layer = parts["model"].decoder.network.layers[0]
    covariance = SCALE**2 * jnp.eye(3) + layer.weight.T @ layer.weight
    return jnp.mean(multivariate_normal.logpdf(X, layer.bias, covariance))


def said(direction, parts, key, count=2):
    """What a direction tells people at one draw of noise."""
    draw, _, _ = BaseNoise("inference", count).draw(Tick(key, jnp.asarray(0)), parts, BATCH, None)
    return direction.ascend(Tick(key, jnp.asarray(0)), parts, BATCH, draw, None)[2]


def spread_of(direction, parts, x):
    """The variance of the direction of the inference model, summed over its numbers."""
    given = ascents(BaseNoise("inference", 1), direction, parts, worlds.batch_of(x))["inference"]
    return sum(float(np.var(leaf, axis=0).sum()) for leaf in jax.tree.leaves(given))


def solved():
    """One latent dimension, for which the posterior is a diagonal Gaussian, and the encoder that is that posterior."""
    parts = filled(1)
    layer = parts["model"].decoder.network.layers[0]
    variance = 1 / (1 + jnp.sum(layer.weight**2) / SCALE**2)
    read = variance * layer.weight[0] / SCALE**2
    weight = jnp.stack([read, jnp.zeros(3)], axis=1)
    bias = jnp.stack([-read @ layer.bias, 0.5 * jnp.log(variance)])
    where = lambda inference: (inference.encoder.layers[0].weight, inference.encoder.layers[0].bias)
    return parts | {"inference": eqx.tree_at(where, parts["inference"], (weight, bias))}
