"""Directions over latent codes: their means against gradients by enumeration, in standard errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie.directions import Fisher, InclusiveFromData, InclusiveFromDreams, Join
from reverie.parts import norm
from reverie.samplers import Codes, Dream, Importance, MetropolisIndependence, Tick
from reverie.samplers.metropolis import KeptCodes
from tests import worlds
from tests.measuring import along, ascents, draws, errors_off, gradient

ROWS_OF_BATCH = [1, 6, 6, 3]


@pytest.fixture(scope="module")
def net():
    return worlds.helmholtz()


@pytest.fixture(scope="module")
def batch(net):
    """Four rows, two of them equal."""
    return worlds.batch_of(net.x[ROWS_OF_BATCH])


def tables(parts, net):
    """log p(x, h) and log q(h | x) for the rows of the batch, as functions of the parts: [4, 4] each."""
    x = net.x[ROWS_OF_BATCH]
    return worlds.joint_table(parts["model"], x, net.h), worlds.posterior_table(parts["inference"], x, net.h)


def close(given, exact, rtol=1e-3):
    scale = max(float(jnp.max(jnp.abs(leaf))) for leaf in jax.tree.leaves(exact))
    for a, b in zip(jax.tree.leaves(given), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-4 * scale)


def test_the_score_over_codes_of_the_posterior_is_the_gradient_of_the_likelihood(net, batch):
    """The Fisher equality, with the posterior's own weights: nothing is left to chance."""
    h = jnp.broadcast_to(jnp.asarray(net.h)[:, None], (4, 4, 2))
    weight = jnp.asarray(net.posterior[ROWS_OF_BATCH].T)
    given = along(Fisher(), net.parts, batch, {"codes": Codes((h,), weight, jnp.log(weight))})["model"]
    exact = gradient(
        lambda parts: jnp.mean(jax.nn.logsumexp(tables(parts, net)[0], axis=1)),
        net.parts,
        "model",
    )
    close(given, exact)


def all_tuples(count):
    return jnp.asarray(np.indices((4,) * count).reshape(count, -1).T)


def bound(count, held):
    """E log 1/K Σ_k w_k over all K-tuples of codes, drawn from the posterior that is held still."""

    def objective(parts, net):
        joint, _ = tables(parts, net)
        log_q = tables(held, net)[1]
        places = all_tuples(count)
        log_w = (joint - log_q)[:, places]
        values = jax.nn.logsumexp(log_w, axis=2) - jnp.log(float(count))
        return jnp.mean(jnp.sum(jnp.exp(jnp.sum(log_q[:, places], axis=2)) * values, axis=1))

    return objective


@pytest.mark.parametrize("count", [1, 3])
def test_the_weighted_score_has_the_mean_of_the_bounds_gradient(net, batch, count):
    """For θ, reweighted wake-sleep ascends the K-sample bound, exactly in the mean (Ou 2019, Eq. 24)."""
    given = ascents(Importance(count), Fisher(), net.parts, batch)["model"]
    exact = gradient(lambda parts: bound(count, net.parts)(parts, net), net.parts, "model")
    assert errors_off(given, exact) < 4
    likelihood = gradient(lambda p: jnp.mean(jax.nn.logsumexp(tables(p, net)[0], axis=1)), net.parts, "model")
    assert errors_off(given, likelihood) > 8


def wake_weights(net, count):
    """E Σ_k w̄_k 1[h_k = h] for each row and code, exactly: what the wake update of φ weighs ∇ log q(h | x) with."""
    log_w, log_q = (net.log_joint - net.log_q)[ROWS_OF_BATCH], net.log_q[ROWS_OF_BATCH]
    places = np.asarray(all_tuples(count))
    weight = scipy.special.softmax(log_w[:, places], axis=2)
    probability = np.exp(log_q[:, places].sum(2))
    return np.stack([np.sum(probability * np.sum(weight * (places == h), axis=2), axis=1) for h in range(4)], axis=1)


@pytest.fixture(scope="module")
def along_codes(net):
    """∇_φ of the mean over rows of Σ_h c(x, h) log q(h | x), as a function of c."""

    @jax.jit
    def exact(weights):
        objective = lambda part: jnp.mean(jnp.sum(weights * tables(net.parts | {"inference": part}, net)[1], axis=1))
        return jax.grad(objective)(net.parts["inference"])

    return exact


def posterior(net):
    return net.posterior[ROWS_OF_BATCH]


def distance(a, b):
    return float(norm(jax.tree.map(jnp.subtract, a, b)))


def test_the_wake_update_of_phi_is_biased_and_the_less_the_more_codes(net, batch, along_codes):
    """Its mean is what enumeration says: nought for one code, and from there towards the inclusive gradient."""
    given = ascents(Importance(3), InclusiveFromData(), net.parts, batch)["inference"]
    assert errors_off(given, along_codes(wake_weights(net, 3))) < 4
    truth = along_codes(posterior(net))
    assert errors_off(given, truth) > 8
    length = float(norm(truth))
    bias = {count: distance(along_codes(wake_weights(net, count)), truth) / length for count in (1, 2, 4, 6)}
    assert bias[1] == pytest.approx(1.0, abs=1e-4)
    assert bias[2] > bias[4] > bias[6] > 0.01
    assert bias[6] < 0.6 * bias[2]


def test_the_chains_codes_make_both_updates_unbiased(net, batch, along_codes):
    """JSA's directions, from kept codes that are draws of the posterior: the gradients of maximum likelihood."""

    log_posterior = jnp.log(jnp.asarray(posterior(net)))
    both = Join((Fisher(), InclusiveFromData()))

    def one(key):
        key_start, key_draw = jax.random.split(key)
        places = jax.random.categorical(key_start, log_posterior)
        chain = KeptCodes((jnp.asarray(net.h)[places],), jnp.ones(4, bool))
        draw, _, _ = MetropolisIndependence(2).draw(Tick(key_draw, jnp.asarray(0)), net.parts, batch, chain)
        return along(both, net.parts, batch, draw)

    given = draws(one, 4000)
    exact = gradient(lambda p: jnp.mean(jax.nn.logsumexp(tables(p, net)[0], axis=1)), net.parts, "model")
    assert errors_off(given["model"], exact) < 4
    assert errors_off(given["inference"], along_codes(posterior(net))) < 4


def test_the_sleep_update_is_unbiased_on_the_models_own_rows(net, batch, along_codes):
    given = ascents(Dream(), InclusiveFromDreams(), net.parts, batch)["inference"]
    dreamt = jnp.exp(jnp.asarray(net.log_joint))

    def objective(parts):
        return jnp.sum(dreamt * worlds.posterior_table(parts["inference"], net.x, net.h))

    assert errors_off(given, gradient(objective, net.parts, "inference")) < 4
    assert errors_off(given, along_codes(posterior(net))) > 8
