"""VIMCO and the K-sample bound, NVIL's memory, sums over all codes, and the noise that surrogates are given."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.bits import softplus
from reverie.directions import (
    EnumeratedBound,
    EnumeratedLikelihood,
    MonteCarloObjective,
    NeuralVariational,
    layers,
)
from reverie.directions.control_variate import conditional
from reverie.directions.nvil import Running
from reverie.directions.vimco import learning_signals
from reverie.errors import InputError
from reverie.parts import parameters
from reverie.samplers import Importance, Tick
from tests import worlds
from tests.estimating import deep, exact, shallow
from tests.measuring import along, ascents, draws, errors_off, gradient

# ------------------------------------------------------------------------------------------------------------- VIMCO


def exact_bound(parts, batch, count):
    """E log 1/K Σ_k w_k over all K-tuples of codes of q, as a function of the parts."""
    codes = parts["model"].codes()
    places = jnp.asarray(np.indices((codes[0].shape[0],) * count).reshape(count, -1).T)

    def objective(parts):
        def one(x):
            each = jax.vmap(lambda h: (parts["model"].log_joint(x, h), parts["inference"].log_prob(h, x)))(codes)
            log_p, log_q = each
            bound = jax.nn.logsumexp((log_p - log_q)[places], axis=1) - jnp.log(float(count))
            return jnp.sum(jnp.exp(jnp.sum(log_q[places], axis=1)) * bound)

        return jnp.mean(jax.vmap(one)(batch.x))

    return objective


def test_vimco_has_the_mean_of_the_bounds_gradient_and_not_of_the_elbos():
    """For the encoder and for the decoder, where equal weights would be the evidence lower bound's gradient."""
    parts, batch = shallow()
    elbo = exact("shallow")
    given = ascents(Importance(3), MonteCarloObjective(), parts, batch, 16_000)
    for name in ("model", "inference"):
        truth = gradient(exact_bound(parts, batch, 3), parts, name)
        assert errors_off(given[name], truth) < 4
        assert errors_off(given[name], elbo[name]) > 8
        assert errors_off(given[name], jax.tree.map(lambda leaf: 1.1 * leaf, truth)) > 4


def test_vimco_has_the_mean_of_the_bounds_gradient_over_two_layers():
    parts, batch = deep()
    given = ascents(Importance(2), MonteCarloObjective(), parts, batch)
    truth = jax.jit(lambda: along(EnumeratedBound(2), parts, batch, {}))()
    for name in ("model", "inference"):
        assert errors_off(given[name], truth[name]) < 4
        assert errors_off(given[name], exact("deep")[name]) > 8


def test_the_enumerated_bound_is_the_sum_over_tuples():
    """Sets of codes stand for all their orders; with one sample it is the evidence lower bound."""
    parts, batch = shallow()
    three, one = jax.jit(lambda: [along(EnumeratedBound(k), parts, batch, {}) for k in (3, 1)])()
    for name in ("model", "inference"):
        truth = gradient(exact_bound(parts, batch, 3), parts, name)
        for told, expected in ((three[name], truth), (one[name], exact("shallow")[name])):
            for a, b in zip(jax.tree.leaves(told), jax.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    with pytest.raises(InputError, match=r"a bound of 90 samples has 1\.3e\+05 terms for 4 codes"):
        along(EnumeratedBound(90), parts, batch, {})


def test_the_signals_of_vimco_leave_one_out():
    log_w = np.random.default_rng(0).normal(size=(4, 3))
    told = np.asarray(learning_signals(jnp.asarray(log_w)))
    for k in range(4):
        others = np.delete(log_w, k, axis=0)
        without = np.concatenate([others, others.mean(0, keepdims=True)])
        expected = np.log(np.exp(log_w).sum(0)) - np.log(np.exp(without).sum(0))
        np.testing.assert_allclose(told[k], expected, rtol=1e-4, atol=1e-5)


# -------------------------------------------------------------------------------------------------------- NVIL's memory


def test_nvil_centres_and_scales_by_what_it_has_seen():
    """With a memory, φ's direction is that of the signal less the mean, over the spread; θ's is as before."""
    parts, batch = shallow()
    nought = jax.tree.map(jnp.zeros_like, parts["baseline"])
    parts = parts | {"baseline": nought}
    draw, _, _ = jax.jit(Importance(2).draw)(Tick(noise.make_key(3), jnp.asarray(0)), parts, batch, None)
    memory = Running(jnp.array([-3.0]), jnp.array([4.0]))
    direction = NeuralVariational(0.9)
    ascend = jax.jit(
        lambda memory: direction.ascend(Tick(noise.make_key(0), jnp.asarray(0)), parts, batch, draw, memory)[:2]
    )
    ascent, after = ascend(memory)
    f = np.asarray(draw["codes"].log_weight)

    def expected(part):
        log_q = jax.vmap(jax.vmap(part.log_prob), in_axes=(0, None))(draw["codes"].h, batch.x)
        return jnp.mean((f + 3.0) / 2.0 * log_q)

    told, truth = parameters(ascent.along["inference"]), jax.jit(jax.grad(expected))(parts["inference"])
    for a, b in zip(jax.tree.leaves(told), jax.tree.leaves(truth), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after.mean, [0.9 * -3.0 + 0.1 * f.mean()], rtol=1e-4)
    np.testing.assert_allclose(after.variance, [0.9 * 4.0 + 0.1 * f.var()], rtol=1e-4)
    fit = jax.tree.leaves(parameters(ascent.along["baseline"]))
    assert float(fit[-1][0]) == pytest.approx(float((f + 3.0).mean()), rel=1e-4)


# -------------------------------------------------------------------------------------------------- exact likelihood


def test_the_enumerated_likelihood_is_the_likelihood():
    parts, batch = shallow()
    net = worlds.helmholtz()
    told = jax.jit(lambda: along(EnumeratedLikelihood(), parts, batch, {}))()
    rows = batch.x
    truth = gradient(
        lambda p: jnp.mean(jax.nn.logsumexp(worlds.joint_table(p["model"], rows, net.h), axis=1)), parts, "model"
    )
    for a, b in zip(jax.tree.leaves(told["model"]), jax.tree.leaves(truth), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    places = worlds.place(rows)
    weights = jnp.asarray(net.posterior[places])
    inclusive = gradient(
        lambda p: jnp.mean(jnp.sum(weights * worlds.posterior_table(p["inference"], rows, net.h), axis=1)),
        parts,
        "inference",
    )
    for a, b in zip(jax.tree.leaves(told["inference"]), jax.tree.leaves(inclusive), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


# ------------------------------------------------------------------------------------------------------------ the rest


def test_softplus_and_its_slope_are_right_everywhere():
    a = np.array([-80.0, -30.0, -3.0, -1e-4, 0.0, 1e-4, 2.0, 30.0, 1e4], np.float32)
    np.testing.assert_allclose(softplus(jnp.asarray(a)), np.logaddexp(0.0, a.astype(np.float64)), rtol=3e-7)
    slope = jax.vmap(jax.grad(softplus))(jnp.asarray(a))
    np.testing.assert_allclose(slope, 1 / (1 + np.exp(-a.astype(np.float64))), rtol=1e-6)
    assert float(softplus(jnp.asarray(-jnp.inf))) == 0.0
    assert float(softplus(jnp.asarray(jnp.inf))) == np.inf


@pytest.mark.parametrize(
    ("logits", "code"),
    [(jnp.array([[0.5, -1.0, 0.2]]), jnp.array([[0.0, 0.0, 1.0]])), (jnp.array([0.7, -0.4]), jnp.array([1.0, 0.0]))],
    ids=["categories", "bits"],
)
def test_noise_given_a_code_has_the_law_of_noise_that_gave_it(logits, code):
    """The first two moments of z agree with those of the draws that came to the same code."""
    z = draws(lambda key: layers.perturbed(logits, noise.uniform(key, logits.shape)), 60_000)
    again = draws(lambda key: conditional(logits, code, noise.uniform(key, logits.shape)), 20_000, seed=5)
    same = jax.jit(jax.vmap(lambda one: jnp.all(layers.corner(one) == code)))
    assert np.all(same(again))
    kept = z[np.asarray(same(z))]
    assert len(kept) > 10_000
    for power in (1, 2):
        gap = (kept**power).mean(0) - (again**power).mean(0)
        se = np.sqrt((kept**power).var(0) / len(kept) + (again**power).var(0) / len(again))
        assert np.all(np.abs(gap) < 4 * se)
