"""Expectation maximisation, one iteration a step, against scikit-learn's own fit and its own guarantee."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.mixture
from sklearn.exceptions import ConvergenceWarning

from reverie import noise
from reverie.errors import InputError
from reverie.learners import EM
from reverie.loop import Loop, NonFiniteError
from reverie.models import GaussianMixture
from tests import worlds


def blobs(rows=120):
    """Three blobs of unequal size and shape, which overlap."""
    rng = np.random.default_rng(3)
    which = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    means = np.array([[0.0, 0.0], [2.5, 1.0], [-1.0, 3.0]])
    scales = np.array([[1.0, 0.4], [0.5, 1.2], [0.8, 0.8]])
    return (means[which] + scales[which] * rng.standard_normal((rows, 2))).astype(np.float32)


@pytest.fixture(scope="module")
def steps():
    """The components, the log-likelihood and the information after each of 12 steps."""
    raw = blobs()
    world = worlds.continuous(columns=2)
    loop = Loop(EM(), worlds.rows_of(raw), world.measure, noise.make_key(0))
    state = loop.start({"model": GaussianMixture(count=3).init(noise.make_key(1), world.spec)})
    score = jax.jit(lambda model: jnp.mean(jax.vmap(model.log_prob)(raw)))
    told = []
    for _ in range(12):
        state, info = loop.advance(state, 1)
        model = state.parts["model"]
        told.append(([np.asarray(one, np.float64) for one in model.components()], float(score(model)), info))
    return raw, told


def test_the_log_likelihood_never_falls(steps):
    _, told = steps
    scores = [score for _, score, _ in told]
    assert np.all(np.diff(scores) > -1e-5)
    assert scores[-1] > scores[0] + 1e-3


@pytest.mark.parametrize("count", [1, 11])
def test_steps_are_the_iterations_of_scikit_learn(steps, count):
    """From the components after the first step, so many more are those of one fit with as many iterations."""
    raw, told = steps
    weights, means, covariances = told[0][0]
    mixture = sklearn.mixture.GaussianMixture(
        3,
        max_iter=count,
        tol=0.0,
        weights_init=weights / weights.sum(),
        means_init=means,
        precisions_init=np.linalg.inv(covariances),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture.fit(raw.astype(np.float64))
    for ours, theirs in zip(told[count][0], (mixture.weights_, mixture.means_, mixture.covariances_), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=2e-4)
    assert np.abs(told[count][0][1] - means).max() > 1e-2


def test_the_first_step_does_not_depend_on_the_starting_means(steps):
    """k-means begins, with a seed of the step's key."""
    raw, told = steps
    world = worlds.continuous(columns=2)
    loop = Loop(EM(), worlds.rows_of(raw), world.measure, noise.make_key(0))
    state, _ = loop.advance(loop.start({"model": GaussianMixture(count=3).init(noise.make_key(9), world.spec)}), 1)
    for ours, before in zip(state.parts["model"].components(), told[0][0], strict=True):
        np.testing.assert_allclose(ours, before, rtol=1e-4, atol=1e-5)


def begun(raw, learner):
    world = worlds.continuous(columns=2)
    loop = Loop(learner, worlds.rows_of(raw), world.measure, noise.make_key(0))
    return loop, loop.start({"model": GaussianMixture(count=3).init(noise.make_key(1), world.spec)})


def test_fewer_rows_than_components_are_refused():
    loop, state = begun(blobs(2), EM())
    with pytest.raises(InputError, match="has 2 for 3: ask for fewer components"):
        loop.advance(state, 1)


def test_a_component_that_collapses_stops_the_run():
    """Without a ridge, on rows that lie on one line."""
    line = np.linspace(0.0, 1.0, 30, dtype=np.float32)
    loop, state = begun(np.stack([line, line], axis=1), EM(ridge=0.0))
    with pytest.raises(NonFiniteError) as stop:
        loop.advance(state, 5)
    assert (stop.value.step, stop.value.part) == (0, "model")
    again, state = begun(np.stack([line, line], axis=1), EM(ridge=1e-3))
    state, _ = again.advance(state, 5)
    assert np.all(np.isfinite(state.parts["model"].means))
