"""Mixtures of products: Bayes' rule, EM against the same in NumPy, its guarantee, and what smoothing promises."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from reverie import noise
from reverie.data import Leaf, Spec
from reverie.errors import InputError
from reverie.learners import EM
from reverie.loop import Loop
from reverie.models import ProductMixture
from tests import worlds

ROWS = 90


def table():
    """Bits, levels (the second column lacks one) and reals, in two classes that overlap."""
    rng = np.random.default_rng(5)
    which = rng.random(ROWS) < 0.35
    bits = rng.random((ROWS, 2)) < np.where(which[:, None], [0.9, 0.2], [0.3, 0.5])
    levels = np.stack([rng.integers(0, 3, ROWS) * which, rng.integers(0, 2, ROWS)], axis=1).astype(np.int32)
    reals = (np.where(which[:, None], [3.0, -1.0], [0.0, 2.0]) + rng.standard_normal((ROWS, 2))).astype(np.float32)
    return {"binary": bits, "categorical": levels, "continuous": reals}


def near(model, seed=7):
    """The model with parameters that are no maximum of anything."""
    return worlds.scattered(model.init(noise.make_key(1), worlds.MIXED), seed, 0.3)


def by_hand(model, x, smoothing):
    """One iteration of EM from the model's parameters, in double precision, with the added rows written out.

    Returns the log-likelihood before it, and after it the weights, the bits' frequencies, the levels', and the reals'
    means and variances.
    """
    odds, logits, reals = (np.asarray(one, np.float64) for one in model.columns)
    log_pi = scipy.special.log_softmax(np.asarray(model.logits, np.float64))
    shares = scipy.special.softmax(np.where(np.arange(3) < np.array([[3], [2]]), logits, -np.inf), axis=-1)
    log_p = np.zeros((ROWS, len(log_pi)))
    for k in range(len(log_pi)):
        p = scipy.special.expit(odds[k])
        log_p[:, k] = log_pi[k] + np.log(np.where(x["binary"], p, 1 - p)).sum(1)
        log_p[:, k] += sum(np.log(shares[k, i, x["categorical"][:, i]]) for i in range(2))
        log_p[:, k] += scipy.stats.norm.logpdf(x["continuous"], reals[k, 0], np.exp(reals[k, 1])).sum(1)
    r = scipy.special.softmax(log_p, axis=1)
    # s rows like all rows are all rows, each with the weight s/n.
    weight = np.concatenate([r, np.full((ROWS, r.shape[1]), smoothing / ROWS)])
    twice = {name: np.concatenate([leaf, leaf]).astype(np.float64) for name, leaf in x.items()}
    mass = weight.sum(0)
    mean = {name: np.einsum("nk,nd->kd", weight, leaf) / mass[:, None] for name, leaf in twice.items()}
    hot = np.eye(3)[twice["categorical"].astype(int)]
    off = (twice["continuous"][:, None] - mean["continuous"]) ** 2
    found = (
        mass / mass.sum(),
        mean["binary"],
        np.einsum("nk,ndl->kdl", weight, hot) / mass[:, None, None],
        mean["continuous"],
        np.einsum("nk,nkd->kd", weight, off) / mass[:, None],
    )
    return scipy.special.logsumexp(log_p, axis=1), found


@jax.jit
def iterated(model, x):
    """The densities of the rows, and the model after one iteration without a ridge."""
    return jax.vmap(model.log_prob)(x), model.maximise(model.expected_statistics(x), 0.0)


def test_an_iteration_of_em_is_the_textbooks():
    """On rows of three kinds of columns, with rows that are given to each component."""
    x, model = table(), near(ProductMixture(count=3, smoothing=2.5))
    expected, (weights, bits, levels, means, variances) = by_hand(model, x, 2.5)
    log_p, after = iterated(model, x)
    np.testing.assert_allclose(log_p, expected, rtol=1e-4)
    odds, logits, reals = (np.asarray(one, np.float64) for one in after.columns)
    np.testing.assert_allclose(scipy.special.softmax(after.logits), weights, rtol=1e-4)
    np.testing.assert_allclose(scipy.special.expit(odds), bits, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(scipy.special.softmax(logits, axis=-1), levels, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(reals[:, 0], means, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(np.exp(2 * reals[:, 1]), variances, rtol=1e-3)


def loop_on(x, model, spec):
    loop = Loop(EM(), worlds.rows_of(x), worlds.BINARY.measure, noise.make_key(0))
    return loop, loop.start({"model": model.init(noise.make_key(1), spec)})


def bits_of(rows=400):
    """Three classes of six bits, of unequal size; the last bit is set in few rows of the first class and no other."""
    rng = np.random.default_rng(11)
    means = np.array([[0.9, 0.8, 0.2, 0.1, 0.9, 0.1], [0.1, 0.7, 0.9, 0.8, 0.2, 0.0], [0.2, 0.1, 0.1, 0.9, 0.8, 0.0]])
    which = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    return rng.random((rows, 6)) < means[which], means, which


def spec_of(bits):
    mean = bits.mean(0)
    return Spec({"binary": Leaf("binary", bits.shape[1], mean=tuple(mean.tolist()), std=tuple(bits.std(0).tolist()))})


@pytest.fixture(scope="module")
def learned():
    """The scores of the training rows after each of 15 steps of maximum likelihood, and the last model."""
    bits, _, _ = bits_of()
    loop, state = loop_on(bits, ProductMixture(count=3, smoothing=0.0), spec_of(bits))
    score = jax.jit(lambda model: jnp.mean(jax.vmap(model.log_prob)(bits)))
    scores = []
    for _ in range(15):
        state, _ = loop.advance(state, 1)
        scores.append(float(score(state.parts["model"])))
    return scores, state.parts["model"]


def test_the_log_likelihood_never_falls_and_the_classes_are_found(learned):
    scores, model = learned
    assert np.all(np.diff(scores) > -1e-5)
    assert scores[-1] > scores[0] + 1e-3
    _, means, which = bits_of()
    order = np.argsort(-np.asarray(model.logits))
    found = np.asarray(jax.nn.sigmoid(model.columns[0]))[order]
    errors = np.sqrt(np.maximum(means * (1 - means), 0.01) / np.bincount(which)[:, None])
    # Rows whose class is unsure add to the error of a frequency.
    assert np.abs((found - means) / errors).max() < 5.0
    sizes = np.asarray(jax.nn.softmax(model.logits))[order]
    assert np.abs(sizes - np.bincount(which) / len(which)).max() < 0.06


def test_empty_cells_are_at_the_ridge_or_where_smoothing_puts_them(learned):
    """The last bit, in the classes whose rows never have it."""
    _, model = learned
    bits, _, _ = bits_of()
    order = np.argsort(-np.asarray(model.logits))
    last = np.asarray(jax.nn.sigmoid(model.columns[0]))[order, -1]
    assert last[0] > 0.05
    np.testing.assert_allclose(last[1:], 1e-6, rtol=0.1)
    _, smooth = iterated(dataclasses.replace(model, smoothing=4.0), bits)
    mass = len(bits) * np.asarray(jax.nn.softmax(model.logits))[order]
    found = np.asarray(jax.nn.sigmoid(smooth.columns[0]))[order, -1]
    np.testing.assert_allclose(found[1:], 4.0 * bits[:, -1].mean() / (mass[1:] + 4.0), rtol=1e-2)


def test_densities_sum_to_one_and_the_posterior_is_bayes_rule():
    model = worlds.made(ProductMixture(count=3), spec_of(bits_of()[0]), spread=0.8)
    every = worlds.states(6)
    codes = model.codes()

    @jax.jit
    @jax.vmap
    def ask(x):
        joint = jax.vmap(lambda h: model.log_joint(x, h))(codes)
        relaxed = model.log_joint(x, (jnp.array([[0.2, 0.3, 0.5]]),))
        return model.log_prob(x), joint, jax.vmap(model.posterior(x).log_prob)(codes[0]), relaxed

    log_p, joint, told, relaxed = (np.asarray(one, np.float64) for one in ask(every))
    assert np.exp(log_p).sum() == pytest.approx(1.0, rel=1e-4)
    np.testing.assert_allclose(scipy.special.logsumexp(joint, axis=1), log_p, rtol=1e-5)
    np.testing.assert_allclose(told, scipy.special.log_softmax(joint, axis=1), atol=1e-4)
    np.testing.assert_allclose(relaxed, joint @ [0.2, 0.3, 0.5], rtol=1e-5)


def test_one_component_is_independent_columns():
    bits, _, _ = bits_of()
    model = ProductMixture(count=1, smoothing=0.0).init(noise.make_key(0), spec_of(bits))
    found = jax.jit(lambda model: model.em_start(noise.make_key(0), bits, 0.0))(model)
    np.testing.assert_allclose(jax.nn.sigmoid(found.columns[0][0]), bits.mean(0), rtol=1e-5)
    assert model.codes()[0].shape == (1, 1)


@pytest.mark.parametrize(("options", "said"), [({"count": 0}, "component"), ({"smoothing": -1.0}, "smoothing")])
def test_options_that_describe_no_mixture_are_refused(options, said):
    with pytest.raises(InputError, match=said):
        ProductMixture(**options)


def test_fewer_rows_than_components_are_refused():
    bits, _, _ = bits_of(2)
    loop, state = loop_on(bits, ProductMixture(count=3), spec_of(bits))
    with pytest.raises(InputError, match="has 2 for 3: ask for fewer components"):
        loop.advance(state, 1)
