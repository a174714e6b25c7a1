"""How wide a function of a row is: by its shapes, inner functions included, and without what belongs to the parts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.data import Leaf, Levels, Spec
from reverie.evaluation.weights import CODES, LARGEST, NUMBERS, _shape, log_mean_weight, weigh
from reverie.evaluation.widths import joint_width, joint_width_of, widest
from reverie.inference import GaussianPosterior
from reverie.models import VAE, TextVAE
from tests import worlds

ROW = jax.ShapeDtypeStruct((3,), jnp.float32)
WEIGHT = jnp.ones((3, 50))


def looped(weight, x):
    return jax.lax.scan(lambda carry, one: (carry, jnp.sum(one * weight)), 0.0, x)[1]


def branched(weight, x):
    return jax.lax.cond(x[0] > 0, lambda: jnp.sum(x @ weight), lambda: 0.0)


def while_looped(weight, x):
    return jax.lax.while_loop(lambda one: jnp.sum(one) < 9.0, lambda one: one + (one @ weight)[:3], x)


@pytest.mark.parametrize(
    ("function", "numbers"),
    [
        (lambda weight, x: jnp.sum(x @ weight), 50),
        (lambda weight, x: jnp.sum(x) * jnp.sum(weight.T @ weight), 1),
        (lambda weight, x: jnp.sum(jnp.outer(x @ weight, x)), 150),
        (looped, 150),
        (jax.jit(looped), 150),
        (jax.checkpoint(lambda weight, x: jnp.sum(jax.nn.relu(x @ weight))), 50),
        (jax.grad(lambda weight, x: jnp.sum(jnp.tanh(x @ weight))), 150),
        (branched, 50),
        (while_looped, 50),
        (lambda weight, x: 1.0, 1),
    ],
)
def test_the_widest_value_of_a_row_is_found(function, numbers):
    assert widest(function, WEIGHT, ROW) == numbers


def test_the_width_of_a_joint_density_is_that_of_its_widest_layer():
    vae = VAE(latent=2, hidden=(30, 7)).init(noise.make_key(0), worlds.BINARY.spec)
    raw = np.asarray(worlds.BINARY.rows.raw)
    assert joint_width(vae, worlds.BINARY.measure, raw) == 30
    assert joint_width_of(vae, jax.ShapeDtypeStruct((4,), bool)) == 30


@pytest.mark.parametrize("samples", [1, 100, 5000])
@pytest.mark.parametrize("numbers", [1, 784, 80_080, 10**7])
def test_a_block_holds_what_it_may(samples, numbers):
    width, rows = _shape(samples, numbers)
    assert width & (width - 1) == rows & (rows - 1) == 0
    assert width <= min(CODES, 2 * samples)
    assert width * rows * numbers <= max(NUMBERS, LARGEST, 16 * numbers)
    assert numbers != 784 or width == min(512, 2 ** int(np.ceil(np.log2(samples))))


def test_text_of_many_words_is_weighed_few_codes_at_a_time():
    """The logits of 12 places and 3,000 words, of 512 codes at once, would be 18 million numbers."""
    size, levels = 12, 3000
    spec = Spec({"categorical": Leaf("categorical", size, levels=levels, counts=(levels,) * size)}, text=True)
    model = TextVAE(latent=2, width=3, embedding=2).init(noise.make_key(0), spec)
    part = GaussianPosterior(reader="lstm", units=3, embedding=2).init(noise.make_key(1), spec, model)
    raw = np.random.default_rng(0).integers(0, levels, (2, size)).astype(np.int32)
    seen = []

    def reduce(weighed):
        seen.append(weighed.log_weight.shape)
        return log_mean_weight(weighed.log_weight)[0]

    found = weigh(model, part, Levels(), raw, noise.make_key(2), 150, reduce)
    assert seen == [(1, 150), (1, 150)]
    flat = -size * np.log(levels)
    assert np.all(np.abs(found - flat) < 0.2 * abs(flat))
