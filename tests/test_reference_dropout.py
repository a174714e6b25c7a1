"""Dropout in the language model under a field of sequences, where that learns by its own likelihood; and its layers.

On the lines of three symbols at three places of the fields' own tests.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit

from reverie import noise
from reverie.data import Levels, Rows
from reverie.errors import InputError
from reverie.learners import ReferenceNCE
from reverie.loop import Loop
from reverie.models import SequenceField
from reverie.networks.dropout import dropped, row_number
from tests import worlds
from tests.measuring import draws, errors_off, surprise
from tests.test_sequence_fields import LENGTHS, LINES, ROWS, SHARES, SPEC, places

KEY, RATE = noise.make_key(21), 0.4


def blank(**options: Any) -> SequenceField:
    return SequenceField(reference="lstm", order=2, room=40, width=3, embedding=2, **options)


@functools.cache
def field() -> Any:
    """Two layers with dropout."""
    return worlds.made(blank(reference_layers=2, dropout=RATE), SPEC, spread=0.6)


def test_the_mean_over_masks_of_what_is_left_is_the_unit():
    units = jnp.array([[1.5, -0.3], [0.0, 2.0]])
    found = np.asarray(draws(lambda key: dropped(key, RATE, units), 4000))
    assert errors_off(found[:, units != 0.0], np.asarray(units[units != 0.0])) < 4
    assert errors_off((found[:, units != 0.0] == 0.0).astype(float), np.full(3, RATE)) < 4
    assert np.all(np.isclose(found, units / (1 - RATE)) | (found == 0.0))
    # Each by itself.
    assert abs(np.corrcoef((found[:, units != 0.0] == 0.0).T)[0, 1]) < 4 / np.sqrt(4000)


def test_rows_that_differ_in_one_place_have_numbers_of_their_own():
    numbers = np.asarray(jax.vmap(row_number)(ROWS))
    apart = [(i, j) for i in range(len(LINES)) for j in range(i) if np.sum(np.asarray(ROWS[i] != ROWS[j])) == 1]
    assert len(apart) > 50
    assert all(numbers[i] != numbers[j] for i, j in apart)


@jax.jit
def told(model):
    """What a field says of itself."""
    each = jax.vmap(lambda x: (model.log_base(x), model.potential(x), model.tilt(x)))(ROWS)
    return *each, jax.vmap(model.base_sample)(jax.random.split(noise.make_key(2), 50))


def run(layer, read):
    """An LSTM from rest, written out."""
    (w, b), u, hidden, cell, said = (layer.inwards.weight, layer.inwards.bias), layer.around, 0.0, 0.0, []
    for one in np.asarray(read, np.float64):
        i, f, g, o = np.split(one @ w + b + np.broadcast_to(hidden, u.shape[0]) @ u, 4)
        cell = expit(f) * cell + expit(i) * np.tanh(g)
        hidden = expit(o) * np.tanh(cell)
        said.append(hidden)
    return np.array(said)


def test_what_goes_into_each_layer_and_out_of_the_last_is_dropped_and_what_goes_on_in_time_is_not():
    model = field()
    base, row = model.base, ROWS[20]
    tokens = np.asarray(row[:3])
    own = jax.random.fold_in(KEY, row_number(row[:3]))

    def thin(number, units):
        return np.asarray(dropped(jax.random.fold_in(own, number), RATE, jnp.asarray(units)))

    def said(hidden):
        each = jax.jit(jax.vmap(base.out.log_prob))(jnp.asarray(hidden, jnp.float32), jnp.asarray(tokens))
        return float(np.sum(each)) + np.log(SHARES[2])

    read = np.asarray(base.table)[[3, *tokens[:-1]]] + np.asarray(base.remaining)[[3, 2, 1]]
    thinned = thin(2, run(base.layers[1], thin(1, run(base.layers[0], thin(0, read)))))
    assert float(told(model.in_training(KEY))[0][20]) == pytest.approx(said(thinned), abs=1e-4)
    whole = run(base.layers[1], run(base.layers[0], read))
    assert float(told(model)[0][20]) == pytest.approx(said(whole), abs=1e-4)
    assert LENGTHS[20] == 3


def test_dropout_is_in_the_likelihood_of_the_reference_alone():
    """Neither in the potential nor the tilt, by which noise is told from data, nor in what is drawn."""
    model = field()
    log_base, *rest = told(model)
    trained, *same = told(model.in_training(KEY))
    for one, other in zip(rest, same, strict=True):
        assert np.array_equal(one, other)
    assert np.mean(np.abs(log_base - trained) > 1e-3) > 0.9
    again, *_ = told(model.in_training(noise.make_key(22)))
    assert np.mean(np.abs(again - trained) > 1e-3) > 0.9
    plain = worlds.made(blank(), SPEC)
    assert plain.in_training(KEY) is plain


def test_a_reference_of_two_layers_has_its_share_at_each_length_and_draws_follow_it():
    log_base = np.asarray(told(field())[0], np.float64)
    for length, share in zip((1, 2, 3), SHARES, strict=True):
        assert np.exp(log_base[length == LENGTHS]).sum() == pytest.approx(share, abs=1e-4)
    assert surprise(places(draws(field().base_sample, 20_000)), log_base) > 1e-3
    lower, upper = worlds.made(blank(reference_layers=2), SPEC).base.layers
    assert not np.any(np.isclose(lower.around, upper.around))


def test_the_loop_keeps_a_reference_that_stands_still_and_no_key_of_dropout():
    rows = Rows(np.asarray(ROWS), None, None, np.arange(len(ROWS)))
    loop = Loop(ReferenceNCE(noise=2, still=True), rows, Levels(), KEY, batch=16)
    model = worlds.made(blank(dropout=RATE), SPEC, spread=0.6)
    state = loop.start({"model": model})
    state, info = loop.advance(state, 2)
    after = state.parts["model"]
    assert after.dropping is None
    assert all(map(np.array_equal, jax.tree.leaves(after.base), jax.tree.leaves(model.base)))
    assert not any(map(np.array_equal, jax.tree.leaves(after.function), jax.tree.leaves(model.function)))
    assert info["nce_value"] < 0.0
    assert info["noise_log_prob"] < 0.0


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="leave them out, or take reference=lstm"):
        SequenceField(dropout=0.1)
    with pytest.raises(InputError, match="this one is unigram"):
        SequenceField("lstm", "unigram", reference_layers=2)
    with pytest.raises(InputError, match="reference_layers must be at least 1"):
        blank(reference_layers=0)
    for rate in (1.0, -0.1):
        with pytest.raises(InputError, match="dropout is a probability"):
            blank(dropout=rate)
