"""A class among reals, relaxed: the corners are the classes, and estimators are held against the sum over classes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import NetworkSurrogate
from reverie.capabilities import RelaxesClass
from reverie.directions import ControlVariate, MarginalElbo, StraightThrough
from reverie.samplers import CodeNoise
from tests import worlds
from tests.measuring import along, draws, errors_off, tick
from tests.test_classes import BLANK, SPEC, X, pair

BATCH = worlds.batch_of(X[:2])


@functools.cache
def drawn(name):
    """A pair, and noise of the reals that stays the same."""
    parts = pair(name)
    keys = jax.random.split(noise.make_key(7), (1, 2))
    return parts, jax.vmap(jax.vmap(parts["inference"].noise))(keys)


@pytest.mark.parametrize("name", BLANK)
def test_the_corners_are_the_classes(name):
    """The joint density, the code that comes with a class, and the logits of the class."""
    parts, epsilon = drawn(name)
    assert issubclass(type(parts["inference"]), RelaxesClass)

    @jax.jit
    def found():
        model, posterior, x = parts["model"], parts["inference"], X[0]

        def at(y):
            code, log_q = posterior.code_with_class(epsilon[0, 0], x, y)
            return code, log_q, model.log_joint(x, (*code, y[None]))

        branches = posterior.branches(epsilon[0, 0], x)
        joint = jax.vmap(lambda h: model.log_joint(x, h))(branches.h)
        told = (branches.h[:-1], branches.log_q, joint), branches.logits
        return told, posterior.logits_of_class(epsilon[0, 0], x), jax.vmap(at)(jnp.arange(3)), jax.vmap(at)(jnp.eye(3))

    (told, logits), given, hard, soft = found()
    np.testing.assert_allclose(given, logits, rtol=1e-5, atol=1e-6)
    for one in (hard, soft):
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(told), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert np.ptp(hard[2]) > 0.05


def test_the_prior_of_a_mixture_is_linear_in_the_class():
    model = drawn("auxiliary-class")[0]["model"]
    ends, z = jnp.eye(3), jnp.array([0.4, -1.1])
    points = jnp.stack([ends[0], ends[2], 0.3 * ends[0] + 0.7 * ends[2]])
    first, last, middle = jax.jit(jax.vmap(lambda y: model.log_prior((z, y[None]))))(points)
    assert float(middle) == pytest.approx(float(0.3 * first + 0.7 * last), rel=1e-5)
    assert abs(float(first - last)) > 0.1


@functools.cache
def summed(name):
    """The gradient with the class summed out, at that noise."""
    parts, epsilon = drawn(name)
    return jax.jit(lambda: along(MarginalElbo(), parts, BATCH, {"noise": epsilon}))()


def estimated(name, direction, sets, more):
    """Gradients at the same noise, the class drawn anew for each."""
    parts, epsilon = drawn(name)

    def one(key):
        draw, _, _ = CodeNoise(1, sets).draw(tick()._replace(key=key), parts, BATCH, None)
        return along(direction, parts | more, BATCH, {**draw, "noise": epsilon}, key)

    return draws(one, 2000)


def test_a_control_variate_has_the_mean_of_the_sum_over_classes():
    """RELAX with a surrogate that is nowhere near right; decoder and encoder apart."""
    parts, truth = drawn("auxiliary-class")[0], summed("auxiliary-class")
    surrogate = NetworkSurrogate((4,)).init(noise.make_key(1), SPEC, parts["model"])
    more = {"surrogate": worlds.scattered(surrogate, 3, 0.3)}
    given = estimated("auxiliary-class", ControlVariate(), 2, more)
    for part in ("model", "inference"):
        assert errors_off(given[part], truth[part]) < 4
        assert errors_off(given[part], jax.tree.map(lambda leaf: 1.1 * leaf, truth[part])) > 4


def test_straight_through_is_biased_for_the_classifier_only():
    """The class that goes up is exact: the decoder's gradient, and that of the reals of each class, have no bias."""
    given, truth = estimated("class-gaussian", StraightThrough(), 1, {}), summed("class-gaussian")
    assert errors_off(given["model"], truth["model"]) < 4
    assert errors_off(given["inference"].encoder, truth["inference"].encoder) < 4
    assert errors_off(given["inference"].classifier, truth["inference"].classifier) > 8
