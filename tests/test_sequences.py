"""Recurrent and causal networks, and the sentences that they make."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.data import Leaf, Spec
from reverie.errors import InputError
from reverie.evaluation import samples_of
from reverie.inference import GaussianPosterior
from reverie.models import DilatedTextVAE, TextVAE
from reverie.networks.dilated import dilated_stack
from reverie.networks.recurrent import lstm
from tests import worlds
from tests.measuring import draws, surprise

WORDS, LENGTH = 2, 3
MARKS = (WORDS, WORDS + 1)
SPEC = Spec(
    {"categorical": Leaf("categorical", LENGTH, levels=WORDS + 2, counts=(WORDS + 2,) * LENGTH)}, text=True, marks=MARKS
)
MODELS = [TextVAE(latent=2, width=4, embedding=3), DilatedTextVAE(latent=2, width=4, embedding=3, depth=2)]
KINDS = pytest.mark.parametrize("blank", MODELS, ids=lambda model: type(model).__name__)


def every_line():
    """All lines of at most LENGTH places, end mark included."""
    lines = []
    for size in range(LENGTH):
        for words in itertools.product(range(WORDS), repeat=size):
            lines.append([*words, MARKS[0], *[MARKS[1]] * (LENGTH - size - 1)])
    return jnp.array(lines, jnp.int32)


@KINDS
def test_sentences_have_a_mass_of_one_and_draws_follow_it(blank):
    model = worlds.made(blank, SPEC, spread=0.7)
    h = jnp.array([0.6, -1.1])
    lines = every_line()
    log_p = jax.jit(jax.vmap(lambda x: model.log_likelihood(x, (h,))))(lines)
    assert float(jnp.sum(jnp.exp(log_p))) == pytest.approx(1.0, abs=1e-5)
    other = jax.jit(jax.vmap(lambda x: model.log_likelihood(x, (-h,))))(lines)
    assert float(jnp.max(jnp.abs(log_p - other))) > 0.05

    def one(key):
        x, (h,) = model.sample_joint(key)
        return x, h

    x, codes = draws(one, 20_000)
    assert np.all(np.abs(np.mean(codes, axis=0)) < 0.03)
    place = {tuple(line): i for i, line in enumerate(np.asarray(lines).tolist())}
    places = [place[tuple(row)] for row in np.asarray(x).tolist()]
    grid = draws(lambda key: noise.normal(key, (2,)), 4000, seed=5)
    mixed = jax.jit(jax.vmap(lambda x: jax.vmap(lambda h: model.log_likelihood(x, (h,)))(grid)))(lines)
    assert surprise(places, np.asarray(jax.nn.logsumexp(mixed, axis=1)) - np.log(4000)) > 1e-3


def test_the_coldest_sentence_of_a_code_is_its_centre_and_the_code_is_drawn_as_ever():
    model = worlds.made(MODELS[0], SPEC, spread=0.7)

    @jax.jit
    @jax.vmap
    def told(key):
        x, h = model.sample_joint(key)
        return x, model.spoken(key), model.spoken(key, 0.0), model.centre(h)

    x, same, coldest, centre = told(jax.random.split(noise.make_key(2), 50))
    np.testing.assert_array_equal(same, x)
    np.testing.assert_array_equal(coldest, centre)
    assert len(np.unique(coldest, axis=0)) > 1
    assert not np.array_equal(coldest, x)


def test_a_temperature_is_refused_where_nothing_is_said_word_after_word():
    drawn = samples_of({"model": worlds.made(MODELS[0], SPEC, spread=0.7)}, 6, noise.make_key(1), temperature=0.0)
    assert drawn.shape == (6, LENGTH)
    with pytest.raises(InputError, match="say a row symbol after symbol, and RBM does not"):
        samples_of({"model": worlds.machine()}, 6, noise.make_key(1), temperature=0.5)


@KINDS
def test_windows_have_no_end(blank):
    spec = Spec({"categorical": Leaf("categorical", 3, levels=3, counts=(3, 3, 3))}, text=True)
    model = worlds.made(blank, spec, spread=0.7)
    every = jnp.array(list(itertools.product(range(3), repeat=3)), jnp.int32)
    log_p = jax.jit(jax.vmap(lambda x: model.log_likelihood(x, (jnp.array([0.6, -1.1]),))))(every)
    assert float(jnp.sum(jnp.exp(log_p))) == pytest.approx(1.0, abs=1e-5)


def test_columns_of_different_levels_are_no_text():
    spec = Spec({"categorical": Leaf("categorical", 2, levels=3, counts=(3, 2))})
    assert "categorical" in (TextVAE().unsuited(spec) or "")
    assert "categorical" in (GaussianPosterior(reader="lstm").unsuited(spec) or "")


def test_the_posterior_reads_up_to_the_end_mark_and_no_further():
    model = worlds.made(MODELS[0], SPEC)
    part = worlds.scattered(GaussianPosterior(units=4, embedding=3).init(noise.make_key(1), SPEC, model), 3, 0.7)
    line = jnp.array([1, 2, 3], jnp.int32)
    assert np.array_equal(part.encode(line)[0], part.encode(line.at[2].set(0))[0])
    assert not np.allclose(part.encode(line)[0], part.encode(line.at[0].set(0))[0])


def test_a_stack_looks_back_and_never_ahead():
    stack = worlds.scattered(dilated_stack(noise.make_key(0), 2, 12, 3), 1, 0.5)
    xs = jax.random.normal(jax.random.key(0), (12, 2))
    slopes = np.abs(np.asarray(jax.jacobian(stack)(xs))).sum((1, 3))
    ahead = np.triu(np.ones((12, 12)), 1).astype(bool)
    assert np.all(slopes[ahead] == 0)
    reach = np.subtract.outer(np.arange(12), np.arange(12))
    assert np.all(slopes[reach > 7] == 0)
    assert np.all(slopes[(reach >= 0) & (reach <= 7)] > 0)


def test_a_stack_goes_step_by_step_too():
    stack = worlds.scattered(dilated_stack(noise.make_key(0), 2, 6, 4), 1, 0.5)
    xs = jax.random.normal(jax.random.key(0), (12, 2))
    _, out = jax.lax.scan(lambda memory, x: stack.step(memory, x), stack.begin(12), xs)
    np.testing.assert_allclose(out, stack(xs), rtol=1e-4, atol=1e-4)
    assert [len(back) for back in stack.begin(5)] == [1, 2, 4, 5]


@KINDS
def test_gradients_reach_all_of_a_decoder_but_what_marks_stand_for(blank):
    """Nothing follows an end mark or padding, and padding is never a choice."""

    @eqx.filter_jit
    @eqx.filter_grad
    def slopes_of(model, x):
        return jnp.sum(jax.vmap(lambda row: model.log_likelihood(row, (jnp.array([0.6, -1.1]),)))(x))

    lines, (end, padding) = every_line(), MARKS
    slopes = slopes_of(worlds.made(blank, SPEC, spread=0.7), lines)
    assert all(bool(jnp.all(jnp.isfinite(leaf))) for leaf in jax.tree.leaves(slopes))
    assert np.flatnonzero(np.any(slopes.table != 0, axis=1)).tolist() == [0, 1, WORDS + 2]
    assert np.flatnonzero(np.all(slopes.out.weight == 0, axis=0)).tolist() == [padding]
    assert bool(slopes.out.bias[end] != 0)
    windows = Spec(dict(SPEC.leaves), text=True)
    slopes = slopes_of(worlds.made(blank, windows, spread=0.7), jnp.asarray([[0, 1, 2], [3, 3, 1], [2, 0, 0]]))
    assert all(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(slopes))


def test_an_lstm_is_its_equations():
    cell = worlds.scattered(lstm(noise.make_key(0), 2, 3), 1, 0.5)
    xs = np.random.default_rng(0).normal(size=(5, 2))
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    w, u, b = (np.asarray(leaf, float) for leaf in (cell.inwards.weight, cell.around, cell.inwards.bias))
    s, c, expected = np.array([0.2, -0.1, 0.4]), np.zeros(3), []
    start = jnp.asarray(s)
    for x in xs:
        i, f, g, o = np.split(x @ w + s @ u + b, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        s = sigmoid(o) * np.tanh(c)
        expected.append(s)
    np.testing.assert_allclose(cell(jnp.asarray(xs), start), expected, rtol=1e-4, atol=1e-5)
    assert cell.width == 3
