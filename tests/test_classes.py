"""Codes with a class in them: branches are the posterior, sums over classes are exact, labels stand for classes."""

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import msgspec
import numpy as np
import pytest
import scipy.stats

from reverie import noise
from reverie.auxiliaries import CodeClassifier
from reverie.capabilities import HasBranches, HasClass, HasPosterior
from reverie.directions import CodeClassification, MarginalElbo, SemiSupervisedElbo, StagedSemiSupervised, Weighting
from reverie.directions.semi_supervised import Share, share_after, share_start
from reverie.errors import InputError
from reverie.inference import INFERENCE, AuxiliaryClassPosterior, ClassPosterior, StackedPosterior
from reverie.learners import M1, M2, M1ThenM2, MarginalELBO
from reverie.models import CVAE, GMVAE, M1M2, SDGM
from reverie.networks.conditioned import class_mlp
from reverie.pairing import check, fill
from reverie.parts import parameters
from reverie.samplers import BaseNoise, Tick
from tests import worlds
from tests.measuring import along, ascents, draws, errors_off, label, surprise

SPEC = worlds.CONTINUOUS.spec
X = jnp.asarray([[0.6, 2.5, 4.0], [2.0, 1.0, 9.0], [1.2, 5.0, 2.0], [0.1, 3.0, 6.0]])
Y = jnp.array([2, -1, 0, -1])
MODELS_OF: dict[str, Any] = {
    "class-gaussian": CVAE(2, 3, (4,), scale=1.5),
    "auxiliary-class": GMVAE(2, 3, (4,), scale=1.5),
    "stacked": M1M2(2, 1, 3, (4,), scale=1.5),
}
BLANK: dict[str, Any] = {
    "class-gaussian": ClassPosterior((4,)),
    "auxiliary-class": AuxiliaryClassPosterior((4,), auxiliary=2, draws=3),
    "stacked": StackedPosterior((4,), draws=3),
}


@functools.cache
def pair(name, spread=0.3):
    """A model and its posterior, filled, with nothing symmetric."""
    model = worlds.made(MODELS_OF[name], SPEC, spread=spread)
    return {"model": model, "inference": worlds.scattered(BLANK[name].init(noise.make_key(5), SPEC, model), 6, spread)}


@pytest.fixture(scope="module", params=BLANK)
def parts(request):
    return pair(request.param)


def code_at(branches, y):
    return jax.tree.map(lambda leaf: leaf[y], branches.h)


def test_every_posterior_with_branches_is_tested():
    assert {name for name, cls in INFERENCE.items() if issubclass(cls, HasBranches)} == set(BLANK)


# -------------------------------------------------------------------------------------------------------------- models


def test_a_mixture_in_the_code_is_its_three_factors():
    model = worlds.made(MODELS_OF["auxiliary-class"], SPEC, spread=0.5)
    z, y = jnp.array([0.4, -1.1]), jnp.array([2])
    weights = scipy.special.log_softmax(np.asarray(model.logits, np.float64))
    normal = scipy.stats.norm(np.asarray(model.means[2]), np.exp(np.asarray(model.log_scales[2])))
    assert float(model.log_prior((z, y))) == pytest.approx(weights[2] + normal.logpdf(z).sum(), rel=1e-5)
    assert float(model.log_likelihood(X[0], (z, y))) == float(model.log_likelihood(X[0], (z, y - 1)))
    assert np.ptp(weights) > 0.1


def test_the_class_reaches_the_decoder_of_a_conditional_one():
    model = worlds.made(MODELS_OF["class-gaussian"], SPEC, spread=0.5)
    z = jnp.array([0.4, -1.1])
    weights = scipy.special.log_softmax(np.asarray(model.logits, np.float64))
    for y in range(3):
        given = model.log_prior((z, jnp.array([y])))
        assert float(given) == pytest.approx(weights[y] + scipy.stats.norm.logpdf(z).sum(), rel=1e-5)
    read = np.concatenate([np.asarray(z), [0.0, 1.0, 0.0]])
    mean = np.asarray(model.decoder.network(jnp.asarray(read, jnp.float32)))
    expected = scipy.stats.norm(mean, 1.5).logpdf(X[0]).sum()
    assert float(model.log_likelihood(X[0], (z, jnp.array([1])))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("blank", [MODELS_OF["class-gaussian"], SDGM(2, 1, 3, (4,))], ids=["CVAE", "SDGM"])
def test_draws_of_a_class_are_the_dreams_of_that_class(blank):
    """The first two moments of x, against dreams picked by their class."""
    model = worlds.made(blank, SPEC, spread=0.8)
    assert issubclass(type(model), HasClass)
    x, h = draws(model.sample_joint, 20_000)
    y = np.asarray(h[-1])[:, 0]
    assert surprise(y, jax.nn.log_softmax(model.logits)) > 1e-3
    for k in (0, 2):
        given = np.asarray(draws(lambda key: model.sample_given(key, jnp.asarray(k)), 10_000, seed=3))  # noqa: B023
        of_class = np.asarray(x)[y == k]
        for moment in (1, 2):
            a, b = given**moment, of_class**moment
            se = np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))
            assert np.abs(a.mean(0) - b.mean(0)).max() < 4.5 * se.max()
    assert np.abs(np.asarray(x)[y == 0].mean(0) - np.asarray(x)[y == 2].mean(0)).max() > 0.2


def test_a_perceptron_of_a_class_is_one_of_its_one_hot_vector():
    network = worlds.scattered(class_mlp(noise.make_key(0), 3, 4, (5,), 2), 1, 0.5)
    first, last = network.network.layers
    x = np.array([0.3, -1.0, 2.0], np.float32)
    weight = np.concatenate([np.asarray(first.weight), np.asarray(network.shift)])
    for y in range(4):
        wide = np.concatenate([x, np.eye(4)[y]])
        expected = np.tanh(wide @ weight + first.bias) @ last.weight + last.bias
        np.testing.assert_allclose(network(jnp.asarray(x), jnp.asarray(y)), expected, rtol=1e-5)
    linear = class_mlp(noise.make_key(0), 3, 4, (), 2)
    np.testing.assert_allclose(
        linear(jnp.asarray(x), jnp.asarray(1)),
        x @ linear.network.layers[0].weight + linear.shift[1] + linear.network.layers[0].bias,
        rtol=1e-5,
    )


@pytest.mark.parametrize("cls", [CVAE, GMVAE, M1M2, SDGM])
def test_there_are_as_many_classes_as_was_asked_or_as_the_labels_name(cls):
    labelled = msgspec.structs.replace(SPEC, classes=4)
    shape = lambda spec: jax.eval_shape(lambda: cls(hidden=(2,)).init(noise.make_key(0), spec))
    shapes = [shape(SPEC), shape(labelled)]
    assert [made.logits.shape for made in shapes] == [(10,), (4,)]
    assert [made.latents[-1].levels for made in shapes] == [10, 4]
    assert cls().latents[-1].levels == 10
    asked = jax.eval_shape(lambda: cls(classes=3, hidden=(2,)).init(noise.make_key(0), labelled))
    assert asked.latents[-1].levels == 3


def test_a_classifier_without_an_output_for_each_label_is_refused():
    labelled = msgspec.structs.replace(SPEC, classes=4)
    assert CodeClassifier().unsuited(labelled) is None
    assert CodeClassifier(5).unsuited(labelled) is None
    assert CodeClassifier(3).unsuited(SPEC) is None
    assert CodeClassifier(3).unsuited(labelled) == (
        "the labels name 4 classes and the classifier has 3: leave classes out"
    )


# ---------------------------------------------------------------------------------------------------------- posteriors


def test_branches_are_codes_of_the_posterior_and_their_densities():
    """Where q(h | x) is known: log q of each branch with its class is log q̂ of the rest plus log q(y)."""
    for name in ("class-gaussian", "stacked"):
        parts = pair(name)
        posterior = parts["inference"]
        assert issubclass(type(posterior), HasPosterior)
        epsilon = posterior.noise(noise.make_key(3))
        branches = eqx.filter_jit(posterior.branches)(epsilon, X[0])
        log_class = jax.nn.log_softmax(branches.logits)
        assert np.array_equal(branches.h[-1][:, 0], [0, 1, 2])
        for y in range(3):
            expected = posterior.log_prob(code_at(branches, y), X[0])
            assert float(branches.log_q[y] + log_class[y]) == pytest.approx(float(expected), rel=1e-4)
        assert len(np.unique(np.asarray(branches.log_q))) == 3


@pytest.mark.parametrize("name", BLANK)
def test_a_density_over_that_of_proposals_has_the_mean_one(name):
    """A normal for the reals and uniform classes: the sum over proposals, and the exact sum over the branches."""
    posterior = pair(name, 0.1)["inference"]
    h, _ = draws(lambda key: posterior.propose(key, X[0]), 2000)
    reals = np.concatenate(h[:-1], axis=1)
    centre, width = jnp.asarray(np.median(reals, axis=0)), jnp.asarray(0.5 * reals.std(0))

    def log_g(h):
        z = (jnp.concatenate(h[:-1]) - centre) / width
        return -jnp.sum(0.5 * z**2 + jnp.log(width) + 0.5 * jnp.log(2 * jnp.pi)) - jnp.log(3.0)

    def weights(key):
        h, log_q = posterior.propose(key, X[0])
        branches = posterior.branches(posterior.noise(key), X[0])
        summed = jnp.sum(jnp.exp(jax.vmap(log_g)(branches.h) - branches.log_q))
        return jnp.exp(log_g(h) - log_q), summed

    drawn, summed = (np.asarray(one) for one in draws(weights, 20_000, seed=5))
    for values in (drawn, summed):
        assert errors_off(values, 1.0) < 4
        assert errors_off(1.2 * values, 1.0) > 4
    assert summed.std() < drawn.std()


def test_classes_are_told_by_the_posterior_of_the_class(parts):
    """log q(y | x) against the frequency of the classes among proposals."""
    posterior = parts["inference"]
    told = draws(lambda key: posterior.class_log_probs(key, X[2]), 2000)
    assert errors_off(np.exp(told).sum(1), 1.0) < 4
    mean = np.exp(np.asarray(told, np.float64)).mean(0)
    codes = draws(lambda key: posterior.propose(key, X[2])[0][-1][0], 20_000, seed=9)
    assert surprise(codes, np.log(mean / mean.sum())) > 1e-3
    assert np.ptp(mean) > 0.05


def test_each_posterior_serves_its_own_models_and_says_so():
    assert ClassPosterior().unserving(M1M2()) == (
        "ClassPosterior serves one block of reals and a class, not reals, reals, categories"
    )
    assert StackedPosterior().unserving(CVAE()) == (
        "StackedPosterior serves two blocks of reals and a class, not reals, categories"
    )
    assert check(SDGM(), M2())["inference"] == StackedPosterior()
    assert check(GMVAE(), MarginalELBO())["inference"] == ClassPosterior()
    with pytest.raises(InputError, match="needs an inference part with HasBranches, Classifies"):
        check(CVAE(), M2(), {"inference": INFERENCE["gaussian"]()})


# ---------------------------------------------------------------------------------------------------------- directions


def bounds_by_hand(parts, epsilon, x):
    """L(x, y) of each class and log q(y | x), from the definitions, at one draw of noise."""
    branches = parts["inference"].branches(epsilon, x)
    joint = jax.vmap(lambda h: parts["model"].log_joint(x, h))(branches.h)
    return joint - branches.log_q, jax.nn.log_softmax(branches.logits)


def noise_for(parts, count=2, key=7):
    draw, _, _ = BaseNoise("inference", count).draw(Tick(noise.make_key(key), jnp.asarray(0)), parts, BATCH, None)
    return draw


BATCH = worlds.batch_of(X)._replace(y=Y)


def close(given, expected):
    for a, b in zip(jax.tree.leaves(given), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-5)


def gradients(objective, parts):
    """The exact gradient of an objective for both parts."""
    return parameters(eqx.filter_jit(eqx.filter_grad(objective))(parts))


def test_the_marginal_bound_is_the_mean_of_the_sampled_one():
    """Over draws of y too, in the gradient of a score function: unbiased, and of less variance."""
    parts = pair("class-gaussian", 0.2)
    batch = worlds.batch_of(X[:1])

    def score_function(key):
        posterior, model = parts["inference"], parts["model"]
        key_y, key_z = jax.random.split(key)
        epsilon = posterior.noise(key_z)
        y = noise.categorical(key_y, posterior.branches(epsilon, X[0]).logits)

        def sampled(inference):
            branches = inference.branches(epsilon, X[0])
            log_class = jax.nn.log_softmax(branches.logits)[y]
            signal = model.log_joint(X[0], code_at(branches, y)) - branches.log_q[y] - log_class
            return signal + jax.lax.stop_gradient(signal) * log_class

        return parameters(eqx.filter_grad(sampled)(posterior))

    exact = ascents(BaseNoise("inference"), MarginalElbo(), parts, batch, 4000)["inference"]
    noisy = draws(score_function, 20_000)
    means = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64).mean(0), exact)
    assert errors_off(noisy, means) < 5
    spread = lambda tree: sum(float(np.var(leaf, axis=0).sum()) for leaf in jax.tree.leaves(tree))
    assert spread(exact) < 0.5 * spread(noisy)


def semi(parts, draw, alpha, share):
    """The objective of M2, row by row."""
    each, log_class = jax.vmap(jax.vmap(lambda e, x: bounds_by_hand(parts, e, x)), in_axes=(0, None))(draw["noise"], X)
    rows = []
    for i, y in enumerate(Y.tolist()):
        if y >= 0:
            rows.append(each[:, i, y] + alpha * log_class[:, i, y] / share)
        else:
            rows.append(jnp.sum(jnp.exp(log_class[:, i]) * (each[:, i] - log_class[:, i]), axis=1))
    return jnp.mean(jnp.stack(rows))


@pytest.mark.parametrize("name", ["class-gaussian", "stacked"])
def test_the_gradient_of_m2_is_that_of_its_labelled_and_unlabelled_terms(name):
    """Half of these rows have a label; of the rows before them, all had."""
    parts = pair(name)
    draw = noise_for(parts)
    memory = Share(jnp.float32(1.0), jnp.int32(3))
    share = (3 * 1.0 + 0.5) / 4
    direction = SemiSupervisedElbo(alpha=0.7)
    tick = Tick(noise.make_key(0), jnp.asarray(0))
    ascent, after, info = eqx.filter_jit(direction.ascend)(tick, parts, BATCH, draw, memory)
    assert float(after.share) == pytest.approx(share)
    assert int(after.steps) == 4
    close(parameters(ascent.along), gradients(lambda parts: semi(parts, draw, 0.7, share), parts))
    assert float(info["elbo"]) == pytest.approx(float(jax.jit(semi)(parts, draw, 0.0, share)), rel=1e-4)


def test_the_share_of_labels_is_a_running_mean():
    memory = share_start()
    for labels in ([0, -1], [-1, -1], [2, 1], [-1, 0]):
        memory = share_after(memory, jnp.array(labels))
    assert float(memory.share) == pytest.approx(0.5)


def test_the_marginal_bound_moves_as_m2_does_without_labels():
    """And what it tells is the bound, whatever its weighting."""
    parts = pair("auxiliary-class")
    draw = noise_for(parts)
    tick = Tick(noise.make_key(0), jnp.asarray(5))
    bare = BATCH._replace(y=jnp.full(4, -1))
    given, _, info = eqx.filter_jit(MarginalElbo().ascend)(tick, parts, bare, draw, None)
    expected, _, told = eqx.filter_jit(SemiSupervisedElbo().ascend)(tick, parts, bare, draw, share_start())
    close(parameters(given.along), parameters(expected.along))
    _, _, slow = eqx.filter_jit(MarginalElbo(Weighting(0.3, 10)).ascend)(tick, parts, bare, draw, None)
    for one in (info, slow):
        assert float(one["elbo"]) == pytest.approx(float(told["elbo"]), rel=1e-4)
        assert float(one["fit"] - one["divergence"]) == pytest.approx(float(one["elbo"]), rel=1e-4)
    assert float(slow["beta"]) == pytest.approx(0.15)


@pytest.mark.parametrize("direction", [SemiSupervisedElbo(), StagedSemiSupervised(), CodeClassification()], ids=repr)
def test_rows_that_can_have_no_labels_are_refused(direction):
    parts = pair("stacked")
    with pytest.raises(InputError, match="learns from labels and these rows have none"):
        along(direction, parts, worlds.batch_of(X), noise_for(parts))


@pytest.fixture(scope="module")
def staged():
    parts = pair("stacked")
    direction = StagedSemiSupervised(until=5, alpha=0.7)
    memory = Share(jnp.float32(0.5), jnp.int32(1))
    draw = noise_for(parts)
    ascend = eqx.filter_jit(direction.ascend)
    stage = lambda step: ascend(Tick(noise.make_key(0), jnp.asarray(step)), parts, BATCH, draw, memory)
    return parts, draw, {step: stage(step)[0].along for step in (4, 5)}


def test_the_first_stage_is_a_vae_of_the_first_code(staged):
    parts, draw, told = staged

    def bound(parts):
        def one(epsilon, x):
            code, log_q = parts["inference"].first(epsilon, x)
            return parts["model"].decoder.log_prob(x, code) - 0.5 * jnp.sum(code**2) - jnp.log(2 * jnp.pi) - log_q

        return jnp.mean(jax.vmap(jax.vmap(one), in_axes=(0, None))(draw["noise"], X))

    close(parameters(told[4]), gradients(bound, parts))
    assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(parameters(told[4]["model"].above)))


def test_the_second_stage_holds_the_first_code(staged):
    """All else moves as in M2; and what is held is held from both sides."""
    parts, draw, told = staged
    whole = eqx.filter_jit(SemiSupervisedElbo(0.7).ascend)(
        Tick(noise.make_key(0), jnp.asarray(0)), parts, BATCH, draw, Share(jnp.float32(0.5), jnp.int32(1))
    )[0].along
    for held in (told[5]["model"].decoder, told[5]["inference"].below):
        assert all(np.all(leaf == 0) for leaf in jax.tree.leaves(parameters(held)))
    close(told[5]["model"].above, whole["model"].above)
    close(told[5]["inference"].classifier, whole["inference"].classifier)
    assert any(np.any(leaf != 0) for leaf in jax.tree.leaves(parameters(whole["inference"].below)))


def test_the_classifier_of_m1_is_a_logistic_regression_on_the_labelled_codes():
    learner = M1()
    parts = fill(check(worlds.blank("vae"), learner), noise.make_key(1), SPEC)
    parts["classifier"] = worlds.scattered(parts["classifier"], 3, 0.5)
    direction = CodeClassification()
    tick = Tick(noise.make_key(0), jnp.asarray(0))
    ascent, memory, _ = eqx.filter_jit(direction.ascend)(tick, parts, BATCH, {}, direction.init(tick.key, parts))
    assert set(ascent.along) == {"classifier"}
    assert float(memory.share) == 0.5
    layer = parts["classifier"].network.layers[0]
    codes = np.asarray(jax.jit(jax.vmap(parts["inference"].encode))(X)[0])[[0, 2]]
    residual = np.eye(10)[[2, 0]] - scipy.special.softmax(codes @ np.asarray(layer.weight) + layer.bias, axis=1)
    given = ascent.along["classifier"].network.layers[0]
    np.testing.assert_allclose(given.weight, codes.T @ residual / 2, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(given.bias, residual.mean(0), rtol=1e-3, atol=1e-6)


# ------------------------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (M2, {"alpha": -0.1}, "alpha must be finite and not negative, not -0.1"),
        (M2, {"samples": 0}, "samples must be at least 1"),
        (M1ThenM2, {"until": 0}, "until must be at least 1, not 0"),
        (GMVAE, {"classes": 1}, "classes >= 2"),
        (CVAE, {"activation": "sine"}, "activation must be one of"),
        (M1M2, {"first": 0}, "first >= 1"),
        (AuxiliaryClassPosterior, {"auxiliary": 0}, "auxiliary and draws must be at least 1, not 0 and 16"),
        (StackedPosterior, {"draws": 0}, "draws >= 1"),
    ],
    ids=label,
)
def test_options_out_of_range_are_refused_in_one_line(assemble, options, said):
    with pytest.raises(InputError) as refusal:
        assemble(**options)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_learners_that_read_labels_say_so():
    assert all(learner.labels for learner in (M1(), M2(), M1ThenM2()))
    assert not MarginalELBO().labels
    assert dataclasses.replace(M2(), labels=False) != M2()
