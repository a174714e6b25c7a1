"""R-hat is near 1 for draws of one distribution and not for others; chains that do not mix raise an alarm in words."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.errors import InputError
from reverie.evaluation import mixing
from reverie.evaluation.mixing import alarm_of, effective, rank_r_hat
from reverie.models import RBM, DeepBoltzmannMachine, RandomField
from tests import worlds

KEY = noise.make_key(3)


def machine(strength, size=(10, 6)):
    """Two modes, all bits off and all bits on, of equal potential: the deeper, the stronger the couplings."""
    weights = np.full(size, strength)
    return RBM.from_arrays(weights=weights, visible_bias=-weights.sum(1) / 2, hidden_bias=-weights.sum(0) / 2)


def test_r_hat_sees_chains_that_differ_in_place_or_in_scale():
    rng = np.random.default_rng(0)
    same = rng.standard_cauchy((8, 500))  # of which no moment exists: ranks do not mind
    assert rank_r_hat(same) < 1.02
    moved, wide = same.copy(), same.copy()
    moved[0] += 3.0
    wide[0] *= 10.0
    drifting = rng.normal(size=(8, 500)) + np.linspace(0, 3, 500)
    for wrong in (moved, wide, drifting):
        assert rank_r_hat(wrong) > 1.05
    assert rank_r_hat(np.ones((4, 50))) == 1.0
    assert rank_r_hat(np.repeat(np.arange(4.0)[:, None], 50, axis=1)) == np.inf


def test_effective_draws_of_an_autoregression():
    """x_t = ρ x_{t−1} + ε has (1 − ρ)/(1 + ρ) effective draws for each of its own."""
    rng, rho = np.random.default_rng(1), 0.8
    x = np.zeros((8, 2000))
    for t in range(1, 2000):
        x[:, t] = rho * x[:, t - 1] + rng.normal(size=8)
    assert effective(x) == pytest.approx(16000 * (1 - rho) / (1 + rho), rel=0.15)
    assert effective(np.ones((4, 50))) == 200.0


def test_chains_of_a_mild_machine_mix_and_give_its_mean_potential():
    model = machine(0.3)
    found = mixing(model, KEY, moves=400)
    assert found is not None
    assert (found.alarm, found.kernel, found.acceptance) == ("", "Gibbs sweeps", None)
    assert found.times == (0, 1, 2, 5, 10, 20, 50, 100, 200, 400)
    assert found.rows.shape == (10, 8, 10)
    assert found.potentials.shape == (8, 401)
    first = np.asarray(jax.vmap(model.potential)(jnp.asarray(found.rows[0])))
    assert found.potentials[:, 0] == pytest.approx(first, rel=1e-5)
    u = np.asarray(jax.vmap(model.potential)(jnp.asarray(worlds.states(10))), np.float64)
    later = found.potentials[:, 200:]
    mean = np.exp(u - np.logaddexp.reduce(u)) @ u
    assert abs(later.mean() - mean) < 4 * later.std() / np.sqrt(found.ess)
    assert found.r_hat < 1.05


def test_chains_that_stay_in_two_modes_agree_on_the_potential_and_raise_the_alarm():
    start = np.zeros((8, 10), bool)
    start[4:] = True
    found = mixing(machine(1.3), KEY, moves=400, start=start)
    assert found is not None
    assert found.r_hat < 1.1
    assert found.r_hat_column is not None
    assert found.r_hat_column > 1.3
    assert found.alarm.startswith("The chains do not mix: after 400 moves they agree on the potential and not on the")


def test_chains_of_models_without_sweeps_and_of_models_that_are_part_of_a_whole():
    field = worlds.made(RandomField(hidden=(3,)), worlds.continuous(columns=2).spec, spread=0.5)
    found = mixing(field, KEY, moves=60)
    assert found is not None
    assert found.kernel == "Hamiltonian trajectories"
    assert found.acceptance == pytest.approx(0.7, abs=0.2)
    assert found.rows.shape[1:] == (8, 2)
    deep = worlds.made(DeepBoltzmannMachine((3, 2)), worlds.BINARY.spec, spread=0.3)
    found = mixing(deep, KEY, moves=8)
    assert found is not None
    assert found.rows.shape[1:] == (8, worlds.BINARY.spec.size)  # x alone, and not the state
    assert mixing(worlds.made(worlds.blank("made"), worlds.BINARY.spec), KEY) is None
    with pytest.raises(InputError, match="at least 2 chains and 8 moves, not 1 and 20"):
        mixing(field, KEY, chains=1, moves=20)


def test_each_alarm_speaks():
    assert alarm_of(1.01, 1.02, 900.0, 8, 1000) == ""
    assert alarm_of(1.01, None, 900.0, 8, 1000, 0.7) == ""
    assert "R-hat of the potential is 1.30" in alarm_of(1.3, 1.02, 900.0, 8, 1000)
    assert "are worth 20 independent draws" in alarm_of(1.01, 1.02, 20.0, 8, 1000)
    assert "1.0 % of their moves are accepted" in alarm_of(1.01, 1.02, 900.0, 8, 1000, 0.01)
    assert "not finite" in alarm_of(np.inf, None, np.nan, 8, 1000)


def test_potentials_that_overflow_are_no_chains_to_believe():
    found = mixing(machine(3e37), KEY, moves=400)
    assert found is not None
    assert "not finite" in found.alarm
