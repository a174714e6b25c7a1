"""Words are dropped in training alone: figures are those of the decoder that reads them all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.errors import InputError
from reverie.learners import ELBO
from reverie.loop import Loop
from reverie.models import TextVAE
from reverie.pairing import check, fill
from reverie.parts import filled
from tests import worlds

KEY = noise.make_key(0)
SPEC = worlds.SENTENCES.spec


def model_of(rate):
    made = TextVAE(latent=2, width=4, embedding=3, word_dropout=rate).init(noise.make_key(3), SPEC)
    return worlds.scattered(made, 4, 0.7)


def test_a_decoder_that_is_shown_no_word_reads_nought():
    model, x, h = model_of(1.0), jnp.array([0, 2, 1, 3]), (jnp.array([0.4, -1.0]),)
    blind = filled(model, table=jnp.zeros_like(model.table))
    seeing, trained = float(model.log_likelihood(x, h)), float(model.in_training(KEY).log_likelihood(x, h))
    assert trained == pytest.approx(float(blind.log_likelihood(x, h)), rel=1e-6)
    assert abs(seeing - trained) > 1e-3
    assert model_of(0.0).in_training(KEY).dropping is None


def test_words_are_dropped_at_their_rate_anew_for_each_row_and_key():
    model, places = model_of(0.3), jnp.zeros(4, jnp.int32)
    rows = jnp.asarray(np.random.default_rng(0).integers(0, 3, (20, 4)), jnp.int32)

    def dropped(key):
        part = model.in_training(key)
        return jax.vmap(lambda x: jnp.all(part._read(places, x) == 0, axis=1))(rows)

    found = np.asarray(jax.vmap(dropped)(jax.random.split(noise.make_key(7), 100)))
    alike = np.asarray([np.array_equal(one, other) for one in rows for other in rows]).reshape(20, 20)
    independent = len(np.unique(np.asarray(rows), axis=0)) * 400
    assert abs(found.mean() - 0.3) < 4 * np.sqrt(0.21 / independent) + 0.01
    assert np.array_equal(found[:, alike[0]], np.repeat(found[:, :1], alike[0].sum(), axis=1))
    assert np.any(found[:, 0] != found[:, ~alike[0]][:, 0])
    assert np.any(found[0] != found[1])


def test_the_loop_trains_on_what_is_left_and_keeps_what_is_whole():
    model = TextVAE(latent=2, width=4, embedding=3, word_dropout=1.0)
    learner = ELBO()
    parts = fill(check(model, learner), noise.make_key(1), SPEC)
    loop = Loop(learner, worlds.SENTENCES.rows, worlds.SENTENCES.measure, KEY, batch=8)
    state = loop.start(parts)
    before = np.array(parts["model"].table), np.array(parts["model"].out.weight)
    state, _ = loop.advance(state, 2)
    after = state.parts["model"]
    assert after.dropping is None
    assert np.array_equal(after.table, before[0])
    assert not np.array_equal(after.out.weight, before[1])


def test_a_rate_that_is_no_probability_is_refused():
    with pytest.raises(InputError, match="probability from 0 to 1"):
        TextVAE(word_dropout=1.5)
