"""Doubly reparameterised, Rényi, jackknifed and grouped bounds, against closed forms and against one another."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.capabilities import posterior_of
from reverie.data import Identity
from reverie.directions import (
    CombinedBound,
    DoublyReparameterised,
    ImportanceWeightedBound,
    InclusiveFromData,
    JackknifeBound,
    MultiplyWeightedBound,
    PartiallyWeightedBound,
    RenyiBound,
    SampledElbo,
)
from reverie.directions.jvi import jackknife
from reverie.directions.renyi import renyi_bound
from reverie.errors import InputError
from reverie.evaluation import jackknifed
from reverie.learners import CIWAE, JVI, MIWAE, DReG, VariationalRenyi
from reverie.samplers import BaseNoise, Codes, Tick
from tests import linear_gaussian
from tests.linear_gaussian import BATCH, X, log_likelihood, said
from tests.measuring import along, draws, errors_off, gradient, label


@pytest.fixture(scope="module")
def parts():
    return linear_gaussian.filled(2)


@pytest.fixture(scope="module")
def solved():
    return linear_gaussian.solved()


def drawn(parts, count, key):
    return BaseNoise("inference", count).draw(Tick(key, jnp.asarray(0)), parts, BATCH, None)[0]


def together(directions, parts, count, seeds=4000):
    """The ascents of several directions at the same noise, [seeds, …] each."""
    return draws(lambda key: [along(d, parts, BATCH, drawn(parts, count, key)) for d in directions], seeds)


def at_once(directions, parts, count):
    """The ascents of several directions at one noise."""
    draw = drawn(parts, count, noise.make_key(3))
    return jax.jit(lambda parts: [along(direction, parts, BATCH, draw) for direction in directions])(parts)


def agree(one, other, rtol=2e-4, atol=2e-5):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def minus(one, other, factor=1.0):
    return jax.tree.map(lambda a, b: factor * np.asarray(a) - np.asarray(b), one, other)


def nought(tree):
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:]), tree)


def variance(tree):
    return sum(float(np.var(leaf, axis=0).sum()) for leaf in jax.tree.leaves(tree))


@pytest.fixture(scope="module")
def two_gradients(parts):
    """IWAE's and the doubly reparameterised, five samples, the same noise."""
    return together((ImportanceWeightedBound(), DoublyReparameterised()), parts, 5, 12_000)


def test_the_doubly_reparameterised_gradient_has_the_mean_of_the_bounds(two_gradients):
    """With the noise in common the difference has mean zero; ten per cent more is seen."""
    plain, double = (given["inference"] for given in two_gradients)
    assert errors_off(minus(double, plain), nought(plain)) < 4
    assert errors_off(minus(double, plain, 1.1), nought(plain)) > 4


def test_it_varies_less_for_the_encoder_and_is_the_same_for_the_decoder(two_gradients):
    plain, double = two_gradients
    assert variance(double["inference"]) < 0.7 * variance(plain["inference"])
    agree(double["model"], plain["model"], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("count", [1, 4])
def test_with_the_posterior_itself_it_does_not_move_the_encoder(solved, count):
    (given,) = together((DoublyReparameterised(),), solved, count, 200)
    for leaf in jax.tree.leaves(given["inference"]):
        np.testing.assert_allclose(leaf, 0.0, atol=2e-5)
    assert errors_off(given["model"], gradient(log_likelihood, solved, "model")) < 4


def test_at_the_other_end_it_has_the_mean_of_the_wake_update(parts):
    """α = 1 against Σ w̄ ∇_φ log q(h | x) with the same codes; α = ½ is the half of both."""

    def wake(key):
        draw = drawn(parts, 4, key)
        posterior, model = posterior_of(parts), parts["model"]
        h, log_q = jax.vmap(jax.vmap(posterior.transform_and_log_prob), in_axes=(0, None))(draw["noise"], BATCH.x)
        log_w = jax.vmap(jax.vmap(model.log_joint), in_axes=(None, 0))(BATCH.x, h) - log_q
        codes = Codes(h, jax.nn.softmax(log_w, axis=0), log_w)
        double = [along(DoublyReparameterised(alpha), parts, BATCH, draw)["inference"] for alpha in (0.0, 0.5, 1.0)]
        return double, along(InclusiveFromData(), parts, BATCH, {"codes": codes})["inference"]

    (zero, half, one), inclusive = draws(wake, 8000)
    assert errors_off(minus(one, inclusive), nought(one)) < 4
    assert errors_off(minus(one, inclusive, 1.1), nought(one)) > 4
    agree(half, jax.tree.map(lambda a, b: 0.5 * (a + b), zero, one), rtol=1e-3, atol=1e-4)


def test_renyis_bound_has_the_others_at_its_ends(parts):
    bounds = (RenyiBound(1.0), SampledElbo(), RenyiBound(0.0), ImportanceWeightedBound(), RenyiBound(0.9999))
    one, elbo, zero, iwae, near = at_once(bounds, parts, 3)
    agree(one, elbo)
    agree(zero, iwae)
    agree(near, elbo, rtol=2e-2, atol=2e-3)


LOG_W = np.random.default_rng(2).normal(size=(7, 1)) * 2.0 - 90.0


@pytest.mark.parametrize("alpha", [-3.0, 0.0, 0.5, 0.999, 1.0, 1.001, 2.0])
def test_renyis_bound_is_a_power_mean(alpha):
    power = 1 - alpha
    means = scipy.special.logsumexp(power * LOG_W[:, 0]) - math.log(7) if power else 0.0
    expected = means / power if power else LOG_W.mean()
    assert float(renyi_bound(jnp.asarray(LOG_W, jnp.float32), alpha)[0]) == pytest.approx(expected, abs=2e-3)


def test_renyis_bound_falls_with_alpha():
    values = [float(renyi_bound(jnp.asarray(LOG_W, jnp.float32), a)[0]) for a in (-50.0, -1.0, 0.0, 0.3, 0.9, 1.0, 1.5)]
    assert values == sorted(values, reverse=True)
    assert values[0] == pytest.approx(LOG_W.max(), abs=0.1)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("count", [3, 6])
def test_the_jackknife_is_the_sum_over_subsets(order, count):
    log_w = LOG_W[:count, 0]
    expected = 0.0
    for left in range(order + 1):
        size = count - left
        bounds = [scipy.special.logsumexp(kept) - math.log(size) for kept in itertools.combinations(log_w, size)]
        factor = (-1) ** left * size**order / (math.factorial(order - left) * math.factorial(left))
        expected += factor * float(np.mean(bounds))
    assert float(jackknife(jnp.asarray(log_w, jnp.float32), order)) == pytest.approx(expected, abs=1e-3)


def test_the_jackknife_takes_off_orders_of_the_bias():
    """Exact means for weights that are 1 or 5 with equal chance; the truth is log 3."""

    def bias(count, order):
        ones = np.arange(count + 1)
        chances = scipy.special.comb(count, ones) / 2.0**count
        rows = np.where(np.arange(count)[None] < ones[:, None], 0.0, math.log(5.0))
        values = jax.jit(jax.vmap(lambda row: jackknife(row, order)))(jnp.asarray(rows, jnp.float32))
        return abs(float(chances @ np.asarray(values, np.float64)) - math.log(3.0))

    for order in (0, 1, 2):
        slope = math.log(bias(16, order) / bias(8, order)) / math.log(2.0)
        assert slope == pytest.approx(-(order + 1), abs=0.5), order
    assert bias(8, 2) < bias(8, 1) < bias(8, 0)


def test_one_weight_that_is_all_leaves_the_jackknifes_gradient_finite():
    value, slope = jax.value_and_grad(lambda w: jackknife(w, 2))(jnp.array([0.0, -300.0, -400.0, -350.0]))
    assert np.isfinite(value)
    assert np.all(np.isfinite(slope))
    assert float(jnp.sum(slope)) == pytest.approx(1.0, abs=1e-5)


def test_jackknifed_bounds_come_in_order_below_the_likelihood(parts):
    """Nowozin's Table 1: the bound, then order 1, then order 2, then log p."""
    orders = (0, 1, 2)
    told = draws(lambda key: [said(JackknifeBound(order), parts, key, 4)["jackknife"] for order in orders], 8000)
    exact = float(jax.jit(log_likelihood)(parts))
    means = [float(np.mean(values)) for values in told]
    gaps = np.diff([*means, exact])
    spreads = [np.std(np.asarray(b) - np.asarray(a)) / math.sqrt(8000) for a, b in itertools.pairwise(told)]
    assert all(gap > 4 * se for gap, se in zip(gaps, spreads, strict=False))
    assert exact - means[2] < 0.5 * (exact - means[0])


def test_jackknives_of_rows_are_estimates(parts):
    """In the mean over noise and rows as the direction tells them, of the same codes, and each says what it is."""
    rows = np.repeat(np.asarray(X), 2000, axis=0) + 1e-6 * np.arange(4000, dtype=np.float32)[:, None]
    found = jackknifed(parts, Identity("continuous"), rows, noise.make_key(5), samples=4)
    assert found is not None
    assert [one.kind for one in found] == ["lower bound", "pessimistic", "pessimistic"]
    assert [bool(one.warnings) for one in found] == [False, True, True]
    for order, one in enumerate(found):
        told = draws(lambda key, m=order: said(JackknifeBound(m), parts, key, 4)["jackknife"], 4000, seed=6)
        assert abs(one.value - np.mean(told)) < 4 * np.hypot(one.se, np.std(told) / np.sqrt(4000)), order
    assert jackknifed({"model": parts["model"]}, Identity("continuous"), rows, noise.make_key(5)) is None
    for options, message in (({"samples": 2}, "from 3 to 200 samples"), ({"samples": 201}, "from 3 to 200 samples")):
        with pytest.raises(InputError, match=message):
            jackknifed(parts, Identity("continuous"), rows, noise.make_key(5), **options)


def test_grouped_bounds_have_the_others_at_their_ends(parts):
    one, iwae, many, elbo, two = at_once(
        (
            MultiplyWeightedBound(1),
            ImportanceWeightedBound(),
            MultiplyWeightedBound(6),
            SampledElbo(),
            CombinedBound(1.0),
        ),
        parts,
        6,
    )
    agree(one, iwae)
    agree(many, elbo)
    agree(two, elbo)


def test_the_combination_is_one_of_gradients(parts):
    mixed, iwae, elbo = at_once((CombinedBound(0.3), ImportanceWeightedBound(), SampledElbo()), parts, 4)
    agree(mixed, jax.tree.map(lambda a, b: 0.7 * a + 0.3 * b, iwae, elbo))


def test_groups_are_bounds_of_their_own(parts):
    """Two groups of three against two bounds of three."""
    draw = drawn(parts, 6, noise.make_key(3))

    @jax.jit
    def both(parts):
        halves = [{"noise": draw["noise"][:3]}, {"noise": draw["noise"][3:]}]
        bounds = [along(ImportanceWeightedBound(), parts, BATCH, half) for half in halves]
        return along(MultiplyWeightedBound(2), parts, BATCH, draw), jax.tree.map(lambda a, b: 0.5 * (a + b), *bounds)

    agree(*both(parts))


def test_the_partial_bound_is_tight_for_the_decoder_and_loose_for_the_encoder(parts):
    partial, tight, loose = at_once(
        (PartiallyWeightedBound(2), ImportanceWeightedBound(), MultiplyWeightedBound(2)), parts, 6
    )
    agree(partial["model"], tight["model"])
    agree(partial["inference"], loose["inference"])
    assert not np.allclose(partial["inference"].encoder.layers[0].bias, tight["inference"].encoder.layers[0].bias)


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (DReG, {"alpha": 1.2}, "alpha must lie in"),
        (DReG, {"k": 0}, "k must be at least 1"),
        (VariationalRenyi, {"alpha": float("nan")}, "alpha must be finite"),
        (JVI, {"order": 3}, "order must be 1 or 2"),
        (JVI, {"k": 2, "order": 2}, "needs k of at least 3"),
        (MIWAE, {"m": 0}, "m must be at least 1"),
        (CIWAE, {"beta": -0.5}, "beta must lie in"),
    ],
    ids=label,
)
def test_options_out_of_range_are_refused(assemble, options, said):
    with pytest.raises(InputError, match=said) as refusal:
        assemble(**options)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("count", "order", "said"), [(3, 3, "of order 0, 1 or 2"), (2, 2, "more than 2 samples")])
def test_a_jackknife_of_too_few_is_refused(count, order, said):
    with pytest.raises(InputError, match=said):
        jackknife(jnp.zeros(count), order)
