"""Gradient estimators for discrete codes: their means against sums over all codes, decoder and encoder apart."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import Baseline, ConcreteSurrogate, NetworkSurrogate
from reverie.capabilities import HasCodeLogits, HasFiniteCodes, HasPosterior, HasRelaxedJoint, Latent
from reverie.directions import (
    AugmentReinforceMerge,
    Concrete,
    ControlVariate,
    EnumeratedElbo,
    EnumeratedLikelihood,
    MonteCarloObjective,
    MuProp,
    NeuralVariational,
    ScoreFunction,
    StraightThrough,
    StraightThroughConcrete,
    layers,
)
from reverie.directions.control_variate import conditional
from reverie.directions.nvil import Running
from reverie.directions.vimco import learning_signals
from reverie.inference import SigmoidBeliefPosterior
from reverie.models import SigmoidBeliefNet
from reverie.parts import parameters
from reverie.samplers import CodeNoise, Importance, Tick
from tests import worlds
from tests.measuring import along, ascents, draws, errors_off, gradient


def with_auxiliaries(parts, spec):
    """A baseline and a surrogate that are nowhere near right: an estimator must not need them to be."""
    model, key = parts["model"], noise.make_key(1)
    baseline = worlds.scattered(Baseline((4,)).init(key, spec, model), 3, 0.5)
    surrogate = worlds.scattered(ConcreteSurrogate().init(key, spec, model), 4, 0.2)
    return parts | {"baseline": baseline, "surrogate": surrogate}


def shallow():
    """One layer of two bits."""
    net = worlds.helmholtz()
    return with_auxiliaries(net.parts, worlds.binary(columns=3).spec), worlds.batch_of(net.x[[1, 6, 6, 3]])


def deep():
    """Two layers, of three bits and of two."""
    spec = worlds.BINARY.spec
    model = worlds.made(SigmoidBeliefNet((3, 2)), spec, spread=0.7)
    inference = worlds.scattered(SigmoidBeliefPosterior().init(noise.make_key(7), spec, model), 8, 0.5)
    parts = {"model": model, "inference": inference}
    return with_auxiliaries(parts, spec), worlds.batch_of(worlds.BINARY.rows.raw[:4])


@pytest.fixture(scope="module", params=[shallow, deep], ids=["shallow", "deep"])
def world(request):
    """The ascents of an estimator by name, drawn once, and the exact gradient of the evidence lower bound."""
    parts, batch = request.param()
    exact = jax.jit(lambda: along(EnumeratedElbo(), parts, batch, {}))()
    return functools.cache(lambda name: ascents(*UNBIASED[name], parts, batch)), exact


def spread(given):
    return sum(float(np.var(leaf, axis=0).sum()) for leaf in jax.tree.leaves(given))


UNBIASED: dict[str, tuple[Any, Any]] = {
    "reinforce": (Importance(1), ScoreFunction()),
    "reinforce-others": (Importance(3), ScoreFunction("others")),
    "nvil": (Importance(1), NeuralVariational()),
    "muprop": (Importance(1), MuProp()),
    "arm": (CodeNoise(1), AugmentReinforceMerge()),
    "rebar": (CodeNoise(1, 2), ControlVariate()),
}


@pytest.mark.parametrize("name", UNBIASED)
def test_an_unbiased_estimator_has_the_mean_of_the_exact_gradient(world, name):
    ascents_of, exact = world
    given = ascents_of(name)
    for part in ("model", "inference"):
        assert errors_off(given[part], exact[part]) < 4
        if not (name == "reinforce" and part == "inference"):  # Too noisy to see a tenth.
            assert errors_off(given[part], jax.tree.map(lambda leaf: 1.2 * leaf, exact[part])) > 4


def test_the_variance_comes_down(world):
    ascents_of, _ = world
    plain, others, taylor, merged, rebar = (
        spread(ascents_of(name)["inference"]) for name in ("reinforce", "reinforce-others", "muprop", "arm", "rebar")
    )
    assert max(3 * others, taylor, merged, rebar) < 0.5 * plain


def test_relax_is_unbiased_whatever_its_network():
    parts, batch = deep()
    surrogate = NetworkSurrogate((5,)).init(noise.make_key(1), worlds.BINARY.spec, parts["model"])
    parts = parts | {"surrogate": worlds.scattered(surrogate, 4, 0.3)}
    exact = jax.jit(lambda: along(EnumeratedElbo(), parts, batch, {}))()
    given = ascents(CodeNoise(1, 2), ControlVariate(), parts, batch, 2000)
    assert errors_off(given["inference"], exact["inference"]) < 4


def test_a_surrogate_goes_down_the_variance_of_the_gradient():
    """Its mean is the slope of −E ‖g_φ‖², by differences with the same noise on both sides."""
    parts, batch = shallow()
    surrogate = parts["surrogate"]

    @jax.jit
    def length(heat):
        moved = dataclasses.replace(surrogate, log_temperature=surrogate.log_temperature + heat)
        return jnp.stack(
            [jnp.sum(leaf**2, axis=tuple(range(1, leaf.ndim))) for leaf in jax.tree.leaves(of(moved)["inference"])]
        ).sum(0)

    def of(surrogate):
        return jax.vmap(lambda key: one(key, surrogate))(keys)

    def one(key, surrogate):
        held = parts | {"surrogate": surrogate}
        draw, _, _ = CodeNoise(1, 2).draw(Tick(key, jnp.asarray(0)), held, batch, None)
        return along(ControlVariate(), held, batch, draw, key)

    keys = jax.random.split(noise.make_key(5), 1000)
    slopes = (length(0.01) - length(-0.01)) / 0.02
    given = jax.jit(of)(surrogate)["surrogate"].log_temperature
    assert abs(float(jnp.mean(slopes))) > 0.01
    np.testing.assert_allclose(jnp.mean(given), -jnp.mean(slopes), rtol=0.02)


@pytest.mark.parametrize("direction", [StraightThrough(), StraightThroughConcrete(1.0, 1.0)], ids=str)
def test_straight_through_is_biased_for_the_encoder_only(direction):
    parts, batch = shallow()
    exact = jax.jit(lambda: along(EnumeratedElbo(), parts, batch, {}))()
    given = ascents(CodeNoise(1), direction, parts, batch)
    assert errors_off(given["inference"], exact["inference"]) > 6
    assert errors_off(given["model"], exact["model"]) < 4


def test_the_bias_of_concrete_falls_with_the_temperature_and_its_variance_rises():
    parts, batch = shallow()
    exact = jax.jit(lambda: along(EnumeratedElbo(), parts, batch, {}))()["inference"]
    bias, variance = [], []
    for heat in (2.0, 0.7, 0.2):
        given = ascents(CodeNoise(1), Concrete(heat, heat), parts, batch)["inference"]
        assert heat < 0.5 or errors_off(given, exact) > 8
        gaps = jax.tree.map(lambda leaf, truth: float(jnp.sum((leaf.mean(0) - truth) ** 2)), given, exact)
        bias.append(sum(jax.tree.leaves(gaps)))
        variance.append(spread(given))
    assert bias[0] > 2 * bias[1] > 4 * bias[2]
    assert variance[0] < variance[1] < variance[2]


def test_the_temperature_falls_to_its_floor():
    direction = Concrete(2.0, 0.5, 0.01)
    told = [float(direction.heat(jnp.asarray(step))) for step in (0, 100, 1000)]
    np.testing.assert_allclose(told, [2.0, 2.0 * np.exp(-1.0), 0.5], rtol=1e-6)


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
    elbo = jax.jit(lambda: along(EnumeratedElbo(), parts, batch, {}))()
    given = ascents(Importance(3), MonteCarloObjective(), parts, batch)
    for name in ("model", "inference"):
        exact = gradient(exact_bound(parts, batch, 3), parts, name)
        assert errors_off(given[name], exact) < 4
        assert errors_off(given[name], elbo[name]) > 8
        assert errors_off(given[name], jax.tree.map(lambda leaf: 1.2 * leaf, exact)) > 4


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
    ascend = jax.jit(lambda memory: direction.ascend(Tick(noise.make_key(0), 0), parts, batch, draw, memory)[:2])
    ascent, after = ascend(memory)
    f = np.asarray(draw["codes"].log_weight)

    def expected(part):
        log_q = jax.vmap(jax.vmap(part.log_prob), in_axes=(0, None))(draw["codes"].h, batch.x)
        return jnp.mean((f + 3.0) / 2.0 * log_q)

    told, exact = parameters(ascent.along["inference"]), jax.jit(jax.grad(expected))(parts["inference"])
    for a, b in zip(jax.tree.leaves(told), jax.tree.leaves(exact), strict=True):
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
    exact = gradient(
        lambda p: jnp.mean(jax.nn.logsumexp(worlds.joint_table(p["model"], rows, net.h), axis=1)), parts, "model"
    )
    for a, b in zip(jax.tree.leaves(told["model"]), jax.tree.leaves(exact), strict=True):
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


# --------------------------------------------------------------------------------------------------------- categories


class Levels(HasRelaxedJoint, HasFiniteCodes):
    """Two categories of three levels above one real number."""

    prior: jax.Array
    weight: jax.Array

    @property
    def latents(self):
        return (Latent("categories", 2, 3),)

    def _soft(self, h):
        block = h[0]
        return block if jnp.issubdtype(block.dtype, jnp.floating) else jax.nn.one_hot(block, 3)

    def log_prior(self, h):
        return jnp.sum(self._soft(h) * jax.nn.log_softmax(self.prior))

    def log_likelihood(self, x, h):
        return -0.5 * jnp.sum((x - jnp.sum(self._soft(h) * self.weight)) ** 2)


class Chooser(HasPosterior, HasCodeLogits):
    """q(h | x) of two categories."""

    weight: jax.Array

    def code_logits(self, x, below):
        return self.weight * (1.0 + x)

    def sample(self, key, x):
        return (jax.random.categorical(key, self.code_logits(x, ())),)

    def log_prob(self, h, x):
        return layers.log_prob(self.code_logits(x, ()), jax.nn.one_hot(h[0], 3))


def categories():
    rng = np.random.default_rng(4)
    arrays = [jnp.asarray(rng.normal(size=(2, 3)), jnp.float32) for _ in range(3)]
    parts = {"model": Levels(arrays[0], arrays[1]), "inference": Chooser(arrays[2])}
    surrogate = ConcreteSurrogate().init(noise.make_key(1), worlds.BINARY.spec)
    return parts | {"surrogate": surrogate}, worlds.batch_of(jnp.array([0.3, -0.8]))


@pytest.mark.parametrize("name", ["muprop", "rebar"])
def test_categories_are_codes_too(name):
    parts, batch = categories()
    exact = jax.jit(lambda: along(EnumeratedElbo(), parts, batch, {}))()
    given = ascents(*UNBIASED[name], parts, batch)
    for part in ("model", "inference"):
        assert errors_off(given[part], exact[part]) < 4
        assert errors_off(given[part], jax.tree.map(lambda leaf: 1.2 * leaf, exact[part])) > 4


def test_the_conditional_noise_of_categories_has_the_law_of_the_noise_given_its_code():
    """Given the largest, the second moment of each z agrees with that of draws whose largest it was."""
    logits = jnp.array([[0.5, -1.0, 0.2]])
    z = draws(lambda key: layers.perturbed(logits, noise.uniform(key, (1, 3))), 40_000)[:, 0]
    code = jax.nn.one_hot(jnp.array([2]), 3)
    again = draws(lambda key: conditional(logits, code, noise.uniform(key, (1, 3))), 20_000, seed=5)[:, 0]
    assert np.all(np.argmax(again, axis=1) == 2)
    kept = z[np.argmax(z, axis=1) == 2]
    for power in (1, 2):
        gap = (kept**power).mean(0) - (again**power).mean(0)
        se = np.sqrt((kept**power).var(0) / len(kept) + (again**power).var(0) / len(again))
        assert np.all(np.abs(gap) < 4 * se)
