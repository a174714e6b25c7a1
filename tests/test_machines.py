"""The restricted Boltzmann machine against sums over all its states."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie.capabilities import HasEnumeration, HasTempering
from reverie.errors import InputError
from reverie.models import RBM
from tests import worlds
from tests.measuring import draws, surprise


@pytest.fixture(scope="module", params=[(3, 2), (2, 3)], ids=["3 by 2", "2 by 3"])
def machine(request):
    return worlds.machine(*request.param)


def normalised(log_p):
    log_p = np.asarray(log_p, np.float64)
    return np.exp(log_p - scipy.special.logsumexp(log_p))


def test_the_potential_sums_the_hidden_units_out(machine):
    w, b, c = (np.asarray(leaf, np.float64) for leaf in (machine.weights, machine.visible_bias, machine.hidden_bias))
    xs, hs = worlds.states(len(b)), worlds.states(len(c))
    joint = (xs @ b)[:, None] + (hs @ c)[None] + xs @ w @ hs.T
    np.testing.assert_allclose(jax.vmap(machine.potential)(xs), scipy.special.logsumexp(joint, axis=1), rtol=1e-5)
    assert issubclass(RBM, HasEnumeration)
    states = worlds.states(len(machine.enumeration_levels))
    assert len(states) == min(len(xs), len(hs))
    log_z = scipy.special.logsumexp(jax.vmap(machine.enumerated_term)(states))
    assert log_z == pytest.approx(scipy.special.logsumexp(joint), rel=1e-6)


@pytest.mark.parametrize("beta", [1.0, 0.3, 0.0])
def test_a_sweep_leaves_the_tempered_density_invariant(machine, beta):
    """The sweep's transition matrix is the one of its two conditionals, and p_β is its left eigenvector."""
    xs = worlds.states(machine.weights.shape[0])
    transition = worlds.transition(machine, beta)
    target = normalised(jax.vmap(lambda x: machine.tempered_potential(x, jnp.asarray(beta)))(xs))
    np.testing.assert_allclose(target @ transition, target, atol=1e-6)
    for start in (0, len(xs) - 2):

        def sweep(key, x=xs[start]):
            return machine.gibbs(key, x) if beta == 1.0 else machine.tempered_gibbs(key, x, jnp.asarray(beta))

        ends = worlds.place(draws(sweep, 20_000))
        assert surprise(ends, np.log(transition[start])) > 1e-3


def test_the_path_runs_from_the_base_to_the_model(machine):
    assert issubclass(RBM, HasTempering)
    xs = worlds.states(machine.weights.shape[0])
    at = lambda beta: np.asarray(jax.vmap(lambda x: machine.tempered_potential(x, jnp.asarray(beta)))(xs))
    np.testing.assert_allclose(at(1.0), jax.vmap(machine.potential)(xs), rtol=1e-6)
    np.testing.assert_allclose(at(0.0), xs @ np.asarray(machine.base) + machine.hidden * np.log(2.0), rtol=1e-5)
    assert float(machine.base_log_normaliser()) == pytest.approx(scipy.special.logsumexp(at(0.0)), rel=1e-6)
    log_base = at(0.0) - float(machine.base_log_normaliser())
    assert surprise(worlds.place(draws(machine.base_sample, 20_000)), log_base) > 1e-3
    assert surprise(worlds.place(draws(machine.start, 20_000, seed=3)), log_base) > 1e-3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": np.zeros(3)}, "their shapes are"),
        ({"visible_bias": np.zeros(2)}, "their shapes are"),
        ({"hidden_bias": np.zeros((2, 1))}, "their shapes are"),
        ({"weights": np.full((3, 2), np.nan)}, "finite"),
    ],
)
def test_arrays_that_make_no_machine_are_refused(changes, said):
    good = {"weights": np.zeros((3, 2)), "visible_bias": np.zeros(3), "hidden_bias": np.zeros(2)}
    assert RBM.from_arrays(**good).hidden == 2
    with pytest.raises(InputError, match=said):
        RBM.from_arrays(**good | changes)
