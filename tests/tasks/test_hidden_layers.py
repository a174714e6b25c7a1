"""Rows of models with hidden layers are filled in as the sum over all states of all layers says."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.evaluation.walks import Known
from reverie.models import DeepBeliefNet, DeepBoltzmannMachine
from reverie.tasks import conditional
from reverie.tasks.conditional import unsuited
from tests import worlds
from tests.measuring import surprise

SIZES = (3, 2)
WORLD = worlds.binary(columns=3)


def spread(kind):
    """A machine, or a net, of three bits and two hidden layers, with couplings that matter."""
    return worlds.scattered(kind(SIZES).init(noise.make_key(3), WORLD.spec), 4, 1.0)


def log_p_of_rows(model):
    """log p(x) of all x up to a constant, by the sum over both hidden layers, written out."""
    x, first, second = (worlds.states(n).astype(float) for n in (3, *SIZES))
    w, b = ([np.asarray(one, np.float64) for one in part] for part in (model.weights, model.biases))
    if isinstance(model, DeepBoltzmannMachine):
        b = [np.asarray(one, np.float64) for one in model.uncentred()]
        below = x @ b[0] + (first @ b[1])[:, None] + (first @ w[0].T) @ x.T
    else:
        logits = b[0] + first @ w[0].T
        below = (logits @ x.T) - np.logaddexp(0, logits).sum(1, keepdims=True) + (first @ b[1])[:, None]
    above = second @ b[2] + first @ w[1] @ second.T
    return scipy.special.logsumexp(below + scipy.special.logsumexp(above, axis=1)[:, None], axis=0)


@pytest.mark.parametrize("kind", [DeepBoltzmannMachine, DeepBeliefNet], ids=["dbm", "dbn"])
def test_what_is_open_is_drawn_from_what_is_left_of_the_rows(kind):
    """One bit held, and a pull on another: x given both, whatever the hidden layers do."""
    model = spread(kind)
    assert unsuited(model) is None
    count, pull = 150, np.array([0.0, 0.0, 1.3], np.float32)
    held = np.array([True, False, False])
    rows = Known(np.ones((count, 3), bool), np.tile(held, (count, 1)), np.tile(pull, (count, 1)))
    found = conditional(model, noise.make_key(2), rows, chains=20, moves=40)
    ends = found.ends.reshape(-1, 3)
    assert found.ends.shape == (count, 20, 3)
    assert ends[:, 0].all()
    kept = worlds.states(3)[:, 0]
    log_p = np.where(kept, log_p_of_rows(model) + worlds.states(3) @ pull, -np.inf)[kept]
    places = worlds.place(ends) - 4
    assert surprise(places, scipy.special.log_softmax(log_p)) > 1e-3
    plain = log_p_of_rows(model)[kept]
    assert surprise(places, scipy.special.log_softmax(plain)) < 1e-6


def test_the_potential_of_all_layers_is_that_of_the_net_summed():
    """u of (x, h_1) summed over h_1 is log p(x), up to log Z."""
    model = spread(DeepBeliefNet)
    joint = model.joint()
    states = jnp.asarray([(*x, *h) for x, h in itertools.product(worlds.states(3), worlds.states(3))])
    u = np.asarray(jax.jit(jax.vmap(joint.potential))(states)).reshape(8, 8)
    gap = scipy.special.logsumexp(u, axis=1) - log_p_of_rows(model)
    assert np.ptp(gap) < 1e-4
