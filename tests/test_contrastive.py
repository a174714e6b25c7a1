"""The contrastive direction, with particles from the model and with particles that remember the data."""

import jax
import jax.numpy as jnp
import pytest

from reverie.directions import Contrastive
from reverie.samplers import ChainsFromData
from tests import worlds
from tests.measuring import along, ascents, draws, errors_off, gradient


@pytest.fixture(scope="module")
def machine():
    return worlds.machine()


def log_likelihood(x):
    states = jnp.asarray(worlds.states(3))

    def objective(parts):
        log_z = jax.nn.logsumexp(jax.vmap(parts["model"].potential)(states))
        return jnp.mean(jax.vmap(parts["model"].potential)(jnp.asarray(x))) - log_z

    return objective


def test_exact_particles_give_the_gradient_of_the_likelihood(machine):
    parts, x = {"model": machine}, worlds.states(3)[[1, 6, 3]]
    states = jnp.asarray(worlds.states(3))
    log_p = jax.vmap(machine.potential)(states)

    def one(key):
        particles = states[jax.random.categorical(key, log_p, shape=(5,))]
        return along(Contrastive(), parts, worlds.batch_of(x), {"particles": particles})["model"]

    exact = gradient(log_likelihood(x), parts, "model")
    assert errors_off(draws(one, 4000), exact) < 4


def test_contrastive_divergence_is_biased_by_what_the_chain_remembers(machine):
    """One sweep from the data: the mean is that of enumeration, and not the gradient of the likelihood."""
    parts, rows = {"model": machine}, [1, 6, 3]
    x = worlds.states(3)[rows]
    states = jnp.asarray(worlds.states(3))
    after = jnp.asarray(worlds.transition(machine)[rows].mean(0), jnp.float32)

    def objective(parts):
        potentials = jax.vmap(parts["model"].potential)
        return jnp.mean(potentials(jnp.asarray(x))) - after @ potentials(states)

    given = ascents(ChainsFromData(1), Contrastive(), parts, worlds.batch_of(x))["model"]
    assert errors_off(given, gradient(objective, parts, "model")) < 4
    assert errors_off(given, gradient(log_likelihood(x), parts, "model")) > 8
