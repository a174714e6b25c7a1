"""Codes are the middle, or a draw, of the posterior; rows of codes are those of p(x | h), in the units of the data."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import Decodes, HasJointSample, HasLogJoint, Latent
from reverie.data import Identity, Standardise
from reverie.errors import InputError
from reverie.evaluation.recoding import _agreed, decoded, encoded, uncoded
from reverie.inference import ClassPosterior, SigmoidBeliefPosterior
from reverie.models import MADE, PPCA, ProductMixture
from tests import worlds
from tests.evaluation import closed

KEY = noise.make_key(4)
BITS = Identity("binary")


@pytest.fixture(scope="module")
def net():
    """A belief net of three bits above two, its posterior, and rows."""
    spec = worlds.BINARY.spec
    model = worlds.made(worlds.blank("sbn"), spec, spread=1.0)
    part = worlds.scattered(SigmoidBeliefPosterior().init(KEY, spec, model), 3, 1.0)
    return {"model": model, "inference": part}, worlds.states(4)


def test_bits_of_a_code_are_the_likeliest_layer_by_layer(net):
    parts, x = net
    low, high = encoded(parts, BITS, x, KEY)
    assert (low.dtype, low.shape, high.shape) == (np.bool_, (16, 3), (16, 2))
    logits = jax.vmap(lambda one: parts["inference"].code_logits(one, ()))(jnp.asarray(x))
    assert np.array_equal(low, np.asarray(logits) > 0)
    above = jax.vmap(lambda h: parts["inference"].code_logits(jnp.asarray(x[0]), (h,)))(jnp.asarray(low))
    assert np.array_equal(high, np.asarray(above) > 0)
    alone = encoded(parts, BITS, x[5:6], KEY, "draw")
    together = encoded(parts, BITS, x, KEY, "draw")
    assert all(np.array_equal(one[0], many[5]) for one, many in zip(alone, together, strict=True))
    drawn = np.mean([encoded(parts, BITS, x, noise.make_key(seed), "draw")[0] for seed in range(40)], axis=0)
    assert drawn == pytest.approx(1 / (1 + np.exp(-np.asarray(logits))), abs=0.35)
    assert abs((drawn - 1 / (1 + np.exp(-np.asarray(logits)))).mean()) < 0.05


def test_rows_of_codes_are_the_likeliest_or_a_draw(net):
    parts, _ = net
    model, codes = parts["model"], (worlds.states(3), worlds.states(3)[:, :2])
    chance = jax.nn.sigmoid(jax.vmap(lambda h: model.decoder.outputs(h))(jnp.asarray(codes[0], jnp.float32)))
    assert np.array_equal(decoded(model, BITS, codes, KEY), np.asarray(chance) > 0.5)
    many = tuple(np.repeat(block, 400, axis=0) for block in codes)
    drawn = decoded(model, BITS, many, KEY, "draw").reshape(8, 400, 4).mean(1)
    assert np.abs(drawn - np.asarray(chance)).max() < 4 * 0.5 / 20
    with pytest.raises(InputError, match=r"\[n, 3\] of bits, \[n, 2\] of bits, .* these are \[8, 3\]$"):
        decoded(model, BITS, codes[:1], KEY)
    with pytest.raises(InputError, match="from 0 to 1, and some"):
        decoded(model, BITS, (codes[0] * 2, codes[1]), KEY)
    other: Any = "best"
    with pytest.raises(InputError, match="how must be"):
        decoded(model, BITS, codes, KEY, other)


def test_a_closed_posterior_needs_no_inference_model():
    world = worlds.CONTINUOUS
    model = PPCA(latent=2).init(KEY, world.spec)
    measure = Standardise(mean=(1.0, 2.0, 3.0), std=(2.0, 4.0, 8.0))
    raw = world.rows.raw
    assert uncoded({"model": model}) is None
    (h,) = encoded({"model": model}, measure, raw, KEY)
    x = (raw - np.array([1.0, 2.0, 3.0])) / np.array([2.0, 4.0, 8.0])
    assert h == pytest.approx(np.asarray(jax.vmap(lambda one: model.posterior(one).mean)(jnp.float32(x))), abs=1e-4)
    back = decoded(model, measure, (h,), KEY)
    expected = (h @ np.asarray(model.weights).T + np.asarray(model.mean)) * [2.0, 4.0, 8.0] + [1.0, 2.0, 3.0]
    assert back == pytest.approx(expected, abs=1e-3)


def test_rows_of_a_mixture_are_coded_by_their_component():
    model = worlds.made(ProductMixture(count=3), worlds.BINARY.spec, spread=3.0)
    x = worlds.states(4)
    (code,) = encoded({"model": model}, BITS, x, KEY)
    probs = np.asarray(jax.vmap(lambda one: model.posterior(one).base_dist.probs[0])(jnp.asarray(x)))
    clear = probs.max(1) > 0.9
    assert clear.sum() > 4
    assert len(set(probs.argmax(1)[clear])) > 1
    assert np.array_equal(code[clear, 0], probs.argmax(1)[clear])
    assert (code.dtype, code.shape) == (np.int32, (16, 1))
    assert uncoded({"model": model}) is None


def test_what_most_draws_have_and_the_mean_of_those_that_agree():
    z = jnp.array([[1.0], [3.0], [10.0]])
    y, bits = jnp.array([[2], [2], [0]]), jnp.array([[True, False], [True, True], [True, True]])
    latents = (Latent("reals", 1), Latent("categories", 1, 3), Latent("bits", 2))
    mean, most, on = _agreed((z, y, bits), latents)
    assert (mean.tolist(), most.tolist(), on.tolist()) == ([3.0], [2], [True, True])
    apart = _agreed((z, jnp.array([[0], [1], [2]])), latents[:2])
    assert (apart[0].tolist(), apart[1].tolist()) == ([1.0], [0])


def test_a_class_and_a_code_have_their_middle():
    spec = worlds.BINARY.spec
    model = worlds.made(worlds.blank("gmvae"), spec, spread=0.5)
    part = worlds.scattered(ClassPosterior(hidden=(3,)).init(KEY, spec, model), 3, 1.5)
    x = worlds.states(4)
    z, y = encoded({"model": model, "inference": part}, BITS, x, KEY)
    told = np.asarray(jax.vmap(lambda one: part.class_log_probs(KEY, one))(jnp.asarray(x)))
    sure = np.sort(np.exp(told), 1)[:, -1] > 0.7
    assert sure.sum() > 3
    assert np.array_equal(y[sure, 0], told.argmax(1)[sure])
    assert z.shape == (16, 2)
    assert decoded(model, BITS, (z, y), KEY).shape == (16, 4)


def test_rows_without_codes_are_refused_in_words(net):
    made = MADE(hidden=(4,)).init(KEY, worlds.BINARY.spec)
    with pytest.raises(InputError, match="MADE has no latent variables"):
        encoded({"model": made}, BITS, worlds.states(4), KEY)
    with pytest.raises(InputError, match=r"without an inference model.*choose a learner"):
        encoded({"model": net[0]["model"]}, BITS, worlds.states(4), KEY)
    with pytest.raises(InputError, match="gives no rows of codes"):
        decoded(made, BITS, (np.zeros((3, 2)),), KEY)
    with pytest.raises(InputError, match="no rows to encode"):
        encoded(net[0], BITS, worlds.states(4)[:0], KEY)
    assert uncoded(closed.orthogonal().parts(cls=closed.Implicit)) is None


@pytest.mark.parametrize("name", worlds.models_with(HasLogJoint))
def test_every_model_with_codes_gives_rows_of_them(name):
    world = worlds.world_for(worlds.blank(name))
    model = worlds.made(worlds.blank(name), world.spec, spread=0.3)
    assert isinstance(model, Decodes)
    assert isinstance(model, HasJointSample)
    x, h = jax.eval_shape(model.sample_joint, KEY)
    for row in (jax.eval_shape(model.decode, KEY, h), jax.eval_shape(model.centre, h)):
        assert jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), row) == jax.tree.map(
            lambda leaf: (leaf.shape, leaf.dtype), x
        )


def test_the_middle_of_a_sentence_is_said_word_for_word():
    spec = worlds.SENTENCES.spec
    model = worlds.made(worlds.blank("text-vae"), spec, spread=1.0)
    h = (jnp.array([0.5, -1.0]),)
    said = np.asarray(model.centre(h))
    end = int(np.argmax(said == 3))
    assert np.all(said[end + 1 :] == 4)
    before = jnp.asarray([model.levels, *said[:-1]])
    read = jnp.concatenate([model.table[before], jnp.broadcast_to(h[0], (4, 2))], axis=1)
    likeliest = np.asarray(jnp.argmax(model.out(model.states(read, h[0]))[:, :4], axis=1))
    assert end > 0
    assert np.array_equal(said[: min(end + 1, 3)], likeliest[: min(end + 1, 3)])
