"""log Z is the sum over all states where it can be, within its error where it is annealed, and failed otherwise."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import LogNormaliser
from reverie.errors import InputError
from reverie.estimate import failed
from reverie.evaluation import learned_normaliser, log_likelihood, log_normaliser, normaliser, normaliser_bracket
from reverie.evaluation.annealing import anneal, diagnose
from reverie.evaluation.normaliser_bracket import judged_bracket, unsettled
from reverie.evaluation.scatter import scattered
from reverie.evaluation.tempered_smc import systematic
from reverie.models import RBM, BitField, GaussianRBM, Ising, RandomField
from tests import worlds

SHAPE = (10, 7)


def machine(scale, seed=0, shape=SHAPE):
    """An RBM with weights and biases of about that size."""
    rng = np.random.default_rng(seed)
    weights, visible = rng.normal(0, scale, shape), rng.normal(0, scale, shape[0])
    return RBM.from_arrays(weights=weights, visible_bias=visible, hidden_bias=rng.normal(0, scale, shape[1]))


def two_modes(strength, seed=0, tilt=0.1):
    """All bits off or all bits on, with next to nothing between; `base` draws nearly all bits off."""
    weights = strength * (1 + 0.1 * np.random.default_rng(seed).normal(size=SHAPE))
    visible = tilt - weights.sum(1) / 2
    rbm = RBM.from_arrays(weights=weights, visible_bias=visible, hidden_bias=-weights.sum(0) / 2)
    return dataclasses.replace(rbm, base=jnp.full(SHAPE[0], -4.0))


def brute_force(rbm):
    """log Σ over all visible and hidden states, in float64."""
    w, b, c = (np.asarray(a, np.float64) for a in (rbm.weights, rbm.visible_bias, rbm.hidden_bias))
    v, h = (worlds.states(n).astype(np.float64) for n in w.shape)
    return float(np.logaddexp.reduce((v @ w @ h.T + (v @ b)[:, None] + (h @ c)[None]).ravel()))


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (13, 13), (1, 1)])
def test_the_sum_over_the_smaller_layer_is_the_sum_over_all_states(shape):
    for seed, scale in enumerate((0.2, 2.0)):
        rbm = machine(scale, seed, shape)
        found = log_normaliser(rbm)
        assert (found.kind, found.se, found.ess) == ("exact", 0.0, None)
        expected = brute_force(rbm) if max(shape) < 10 else None
        if expected is None:
            v = worlds.states(13).astype(np.float64)
            w, b, c = (np.asarray(a, np.float64) for a in (rbm.weights, rbm.visible_bias, rbm.hidden_bias))
            expected = np.logaddexp.reduce(v @ b + np.logaddexp(0.0, v @ w + c).sum(1))
        assert found.value == pytest.approx(expected, abs=1e-5 * (1 + abs(expected)))


@pytest.mark.parametrize("method", ["ais", "smc"])
def test_annealing_is_within_its_error_and_its_error_is_honest(method):
    off = []
    for seed, scale in enumerate((0.5, 1.0, 1.5)):
        rbm = machine(scale, seed)
        exact = log_normaliser(rbm, method="exact").value
        for run in range(10):
            found = log_normaliser(rbm, method=method, temperatures=100, seed=run)
            assert found.kind == "lower bound"
            assert found.ess is not None
            assert (26 < found.ess <= 256) if method == "ais" else (8 <= found.ess <= 16)
            off.append((found.value - exact) / found.se)
    assert np.abs(off).max() < 4
    # The mean of 30 squares of standard normals lies in this interval but for one time in 10,000; those over an error
    # of 16 populations are of Student's t with 15 degrees of freedom.
    assert 0.25 < np.mean(np.square(off)) < (2.4 if method == "ais" else 3.0)


def test_resampling_gives_each_place_its_share():
    weights = jnp.asarray([0.5, 0.05, 0.3, 0.15])
    chosen = jax.vmap(lambda key: systematic(key, weights))(jax.random.split(noise.make_key(0), 4000))
    counts = np.stack([(np.asarray(chosen) == place).sum(1) for place in range(4)], axis=1)
    expected = 4 * np.asarray(weights)
    assert np.all((counts >= np.floor(expected)) & (counts <= np.ceil(expected)))
    assert np.all(np.abs(counts.mean(0) - expected) < 4 * counts.std(0) / np.sqrt(4000) + 1e-9)


@pytest.mark.parametrize(("strength", "seed"), [(1.0, 1), (1.5, 0), (1.5, 1), (1.5, 2)])
def test_a_mode_that_all_populations_miss_is_a_failure(strength, seed):
    found = log_normaliser(two_modes(strength), method="smc", temperatures=50, seed=seed)
    assert found.failed
    assert "missed a mode" in found.warnings[0]


@pytest.mark.parametrize("method", ["ais", "smc"])
def test_fields_without_sweeps_of_their_own_are_annealed_too(method):
    """A field of two reals against a sum over a grid; one of four bits against the sum over its states."""
    reals = worlds.made(RandomField(hidden=(5,)), worlds.continuous(columns=2).spec)
    # Less steep, so that the mass lies within the grid.
    reals = dataclasses.replace(reals, function=jax.tree.map(lambda leaf: 0.4 * leaf, reals.function))
    centre, scale = np.asarray(reals.base_centre), np.asarray(reals.base_spread)
    places = np.linspace(-12.0, 12.0, 401)
    grid = np.stack(np.meshgrid(places, places), -1).reshape(-1, 2) * scale + centre
    u = np.asarray(jax.jit(jax.vmap(reals.potential))(jnp.asarray(grid, jnp.float32)), np.float64)
    exact = float(np.logaddexp.reduce(u)) + 2 * math.log(places[1] - places[0]) + float(np.log(scale).sum())
    found = log_normaliser(reals, method=method, temperatures=60)
    assert not found.failed, found.warnings
    assert abs(found.value - exact) < 4 * found.se + 1e-3
    assert abs(exact) > 20 * found.se
    bits = worlds.made(BitField(hidden=(5,)), worlds.BINARY.spec, spread=0.8)
    found = log_normaliser(bits, method=method, temperatures=40)
    assert abs(found.value - log_normaliser(bits, method="exact").value) < 4 * found.se


def test_the_seed_decides_and_more_temperatures_help():
    rbm = machine(1.5)
    one, again, other = (log_normaliser(rbm, method="ais", temperatures=30, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one.value != other.value
    assert log_normaliser(rbm, method="ais", temperatures=600, seed=1).se < 0.5 * one.se


def test_random_machines_of_growing_weights_are_right_or_failed():
    failed = []
    for number, scale in enumerate(np.geomspace(0.1, 12.0, 50)):
        rbm = machine(scale, number)
        exact = log_normaliser(rbm, method="exact").value
        found = log_normaliser(rbm, method="ais", temperatures=10, seed=number)
        failed.append(found.failed)
        if found.failed:
            assert math.isnan(found.value)
            assert len(found.warnings) == 1
        else:
            assert abs(found.value - exact) < 4 * found.se, scale
    assert not any(failed[:20])
    assert 3 <= sum(failed) <= 30


def test_a_mode_of_reals_that_no_chain_enters_is_reported_too():
    """Gaussians at 0 and 10, the second with nine tenths of the mass, and a base that knows the first alone."""
    far = GaussianRBM.from_arrays(weights=[[10.0]], visible_bias=[0.0], hidden_bias=[math.log(9.0) - 50.0], scale=[1.0])
    far = dataclasses.replace(far, base=(jnp.zeros(1), jnp.zeros(1)))
    found = [log_normaliser(far, method="ais", temperatures=200, chains=64, seed=seed) for seed in range(3)]
    assert all("missed a mode" in one.warnings[0] for one in found)
    # Forward chains agree on log Z_0 alone, 2.3 nats short.
    inside = anneal(far, noise.make_key(0), 64, 200)
    assert abs(inside.log_z - 0.5 * math.log(2 * math.pi)) < 0.05


def test_states_are_scattered_over_bits_levels_and_reals():
    key = noise.make_key(0)
    reals, levels = jax.random.normal(key, (200, 50)), jax.random.randint(key, (200, 50), 0, 5)
    bits, far, alike = scattered(key, (levels > 2, reals, levels))
    density = np.asarray(bits).mean(1)
    assert (density[0], density[-1]) == (0.0, 1.0)
    assert np.all(np.abs(density - np.linspace(0, 1, 200)) < 4 * 0.5 / math.sqrt(50))
    spread = np.asarray(far).std(1)
    assert 0.3 < spread[0] < 0.7
    assert 11.0 < spread[-1] < 21.0
    assert np.all(np.asarray(alike)[-20:].std(1) < np.asarray(levels)[-20:].std(1))
    assert set(np.asarray(alike)[-1]) == {int(alike[-1, 0])}
    assert set(np.asarray(alike)[-30:].ravel()) == set(range(5))


def test_a_mode_that_no_chain_enters_is_reported_and_not_missed():
    caught = 0
    for seed in range(4):
        rbm = two_modes(2.0, seed)
        exact = log_normaliser(rbm, method="exact").value
        found = log_normaliser(rbm, method="ais", temperatures=200, seed=seed)
        assert found.failed or abs(found.value - exact) < 4 * found.se
        caught += found.failed and "missed a mode" in found.warnings[0]
        # The weights alone show nothing: they are as even as can be, and log Z is short of half and more of the mass.
        inside = anneal(rbm, noise.make_key(seed), 256, 200)
        assert inside.ess > 250
        assert inside.log_z < exact - 0.5
    assert caught == 4


def test_a_machine_from_arrays_starts_from_a_base_between_its_modes():
    for seed in range(3):
        far = two_modes(2.0, seed)
        arrays = {name: getattr(far, name) for name in ("weights", "visible_bias", "hidden_bias")}
        found = log_normaliser(RBM.from_arrays(**arrays), method="ais", temperatures=200, seed=seed)
        assert abs(found.value - log_normaliser(far, method="exact").value) < 4 * found.se


def test_auto_anneals_more_slowly_after_a_failure_and_gives_up_with_the_reason(monkeypatch):
    monkeypatch.setattr(normaliser, "AUTO_STATES", 0)
    rbm = machine(2.5)
    exact = log_normaliser(rbm, method="exact").value
    assert log_normaliser(rbm, method="ais", temperatures=2).failed
    found = log_normaliser(rbm, temperatures=2)
    assert abs(found.value - exact) < 4 * found.se
    hopeless = log_normaliser(two_modes(2.0), temperatures=2)
    assert hopeless.failed
    assert hopeless.warnings[0].startswith("log Z failed with 32 temperatures: ")


def test_each_rule_speaks():
    rng = np.random.default_rng(0)
    even, back = rng.normal(5.0, 0.2, 256), rng.normal(5.0, 0.2, 128)
    good = diagnose(even, back)
    assert good.wrong is None
    assert good.log_z == pytest.approx(5.0, abs=0.1)
    assert good.se == pytest.approx(0.2 / 16, rel=0.2)
    assert "collapsed (ESS" in str(diagnose(rng.normal(5.0, 5.0, 256), back).wrong)
    assert "collapsed (ESS" in str(diagnose(rng.normal(5.0, 1.5, 16), back).wrong)
    assert "halves" in str(diagnose(np.sort(even), back).wrong)
    assert "3 of 128 chains" in str(diagnose(even, np.append(back[3:], [9.0, 9.0, 9.0])).wrong)
    assert diagnose(even, np.append(back[2:], [9.0, 9.0])).wrong is None
    assert diagnose(even, back - 30.0).wrong is None
    for bad in (np.nan, np.inf, -np.inf):
        assert "2 of 384 annealed weights are not finite" in str(
            diagnose(np.append(even[1:], bad), np.append(back[1:], bad)).wrong
        )


@pytest.mark.parametrize("method", ["exact", "ais"])
def test_potentials_that_overflow_give_no_number(method):
    found = log_normaliser(machine(3e37), method=method, temperatures=10)
    assert found.failed
    assert math.isnan(found.value)
    assert "finite" in found.warnings[0]


def test_weights_of_thousands_are_summed_or_failed():
    rbm = machine(3000.0)
    assert log_normaliser(rbm).value == pytest.approx(brute_force(rbm), rel=1e-5)
    found = log_normaliser(rbm, method="ais", temperatures=100)
    assert found.failed


def test_what_has_no_normaliser_is_refused():
    unknown: Any = "sum"
    with pytest.raises(InputError, match="method must be auto, ais, smc, sa or exact, not 'sum'"):
        log_normaliser(machine(1.0), method=unknown)
    with pytest.raises(InputError, match="at least 16 chains and 1 temperature, not 4 and 1000"):
        log_normaliser(machine(1.0), chains=4)
    with pytest.raises(InputError, match=r"2\^26 states and the most is 2\^25: try method='ais'"):
        log_normaliser(machine(1.0, shape=(26, 30)), method="exact")
    made = worlds.made(worlds.blank("made"), worlds.BINARY.spec)
    with pytest.raises(InputError, match="MADE has no log Z to estimate: AIS needs HasTempering"):
        log_normaliser(made)
    with pytest.raises(InputError, match="MADE has no exact log Z: that needs HasEnumeration"):
        log_normaliser(made, method="exact")


def test_a_bracket_holds_log_z_and_closes_as_it_is_annealed_more_slowly():
    widths = []
    for temperatures in (5, 40, 400):
        off, gaps = [], []
        for seed in range(3):
            rbm = machine(0.8, seed)
            exact = log_normaliser(rbm, method="exact").value
            found = normaliser_bracket(rbm, temperatures=temperatures, settle=50, seed=seed)
            gaps.append(found.upper.value - found.lower.value)
            off.append(((found.lower.value - exact) / found.lower.se, (found.upper.value - exact) / found.upper.se))
        widths.append(np.mean(gaps))
        assert np.all(np.array(off)[:, 0] < 4)
        assert np.all(np.array(off)[:, 1] > -4)
    assert widths[0] > 2 * abs(widths[2])
    assert not found.gap.failed
    assert found.gap.kind == "upper bound"


def test_a_mode_that_only_the_rows_know_is_told_of_by_chains_that_start_there():
    """One hidden unit turns fifteen bits on: no chain from independent bits, nor from scattered ones, comes near."""
    side = np.where(np.arange(30) < 15, 8.0, -8.0)
    rbm = RBM.from_arrays(weights=side[:, None], visible_bias=np.full(30, -3.0), hidden_bias=[-70.0])
    rbm = dataclasses.replace(rbm, base=jnp.full(30, -3.0))
    settings: dict[str, Any] = {"method": "ais", "chains": 32, "temperatures": 40}
    exact, missed = log_normaliser(rbm), log_normaliser(rbm, **settings)
    assert exact.value > missed.value + 3
    assert not missed.failed, "nothing tells of it"
    known = log_normaliser(rbm, start=(side > 0)[None], **settings)
    assert known.failed
    assert "annealing missed a mode: 8 of 16 chains" in known.warnings[0]
    with pytest.raises(InputError, match="with method='sa' none do"):
        log_normaliser(rbm, method="sa", start=side[None] > 0)


def test_a_bracket_that_says_nothing_is_a_failure():
    rng = np.random.default_rng(0)
    good = judged_bracket(rng.normal(5.0, 0.2, 256), rng.normal(5.0, 0.2, 256))
    assert abs(good.gap.value) < 0.1
    assert judged_bracket(rng.normal(5.0, 0.2, 256), rng.normal(4.0, 0.2, 256)).gap.warnings[0].startswith("the bounds")
    assert "nats wide" in judged_bracket(rng.normal(5.0, 0.9, 256), rng.normal(6.8, 0.9, 256)).gap.warnings[0]
    few = judged_bracket(rng.normal(5.0, 0.2, 256), 5.0 - rng.exponential(9.0, 256))
    assert "returned collapsed" in few.gap.warnings[0]
    assert judged_bracket(rng.normal(5.0, 0.2, 256), np.full(256, np.nan)).upper.failed
    with pytest.raises(InputError, match="MADE has no log Z to bracket"):
        normaliser_bracket(worlds.blank("made"))
    with pytest.raises(InputError, match="a bracket needs at least 16 chains"):
        normaliser_bracket(machine(0.1), chains=3)
    kept = normaliser_bracket(machine(0.5), start=worlds.states(10)[:64], temperatures=100, settle=20)
    assert kept.upper.value > kept.lower.value - 4 * kept.lower.se


def test_chains_that_still_drift_give_no_upper_bound():
    """A cool magnet's domains grow for longer than the chains settle: from noise, u still rises; from order, not."""
    model = Ising.grid(16, 16, coupling=1.0, field=0.05)
    noisy = np.random.default_rng(3).random((64, 256)) < 0.5
    settings: dict[str, Any] = {"chains": 64, "temperatures": 50, "settle": 40}
    moving = normaliser_bracket(model, start=noisy, **settings)
    assert moving.upper.failed
    assert "had not settled after 40 sweeps: their potential still moved by " in moving.upper.warnings[0]
    assert "moved by -" not in moving.upper.warnings[0], "domains grow"
    settled = normaliser_bracket(model, start=np.ones((1, 256), bool), **settings)
    assert not any("had not settled" in warning for warning in settled.upper.warnings)


def test_a_drift_of_the_spread_is_seen_and_noise_is_not():
    rng = np.random.default_rng(4)
    flat = rng.normal(-50.0, 3.0, (32, 256)) + rng.normal(0.0, 9.0, 256)
    assert unsettled(flat, 100) is None
    later = np.arange(32)[:, None] >= 16
    assert "potential still moved by -1.9 ± 0.07 nats" in (unsettled(flat - 2.0 * later, 100) or "")
    assert "spread still moved by 1" in (unsettled(np.where(later, 1.15 * (flat + 50.0), flat + 50.0), 100) or "")
    assert unsettled(np.full((32, 256), -1e7) + 0.5 * later, 100) is None, "what rounding may have done is no drift"
    assert unsettled(np.where(later, flat, np.nan), 10) is None


def learned(value, log_z=None):
    return learned_normaliser({"normaliser": LogNormaliser(value=jnp.float32(value))}, log_z)


def test_what_a_learner_took_log_z_for_is_set_beside_it():
    model = machine(0.5, shape=(4, 3))
    exact = log_normaliser(model)
    near, far = learned(exact.value + 0.05, exact), learned(exact.value - 1.5, exact)
    assert (near.kind, near.warnings) == ("learned", ())
    assert math.isnan(near.se)
    assert str(near) == f"{near.value:.3f} nats (learned)"
    assert far.warnings == ("it lies 1.5 nats below the exact log Z, more than 3 errors: believe that one",)
    annealed = exact._replace(se=1.0, kind="lower bound")
    assert learned(exact.value + 2.5, annealed).warnings == ()
    assert "3.5 nats above the annealed log Z" in learned(exact.value + 3.5, annealed).warnings[0]
    assert "nothing tells how far" in learned(1.0, failed("it collapsed")).warnings[0]
    assert learned(math.inf).failed
    assert learned_normaliser({"model": model}, exact) is None
    x = worlds.states(4).astype(np.uint8)
    measure = worlds.BINARY.measure
    likelihoods = [log_likelihood({"model": model}, measure, x, noise.make_key(0), log_z=one) for one in (exact, far)]
    assert [one.kind for one in likelihoods if one is not None] == ["exact", "learned"]
    truth, shifted = (one for one in likelihoods if one is not None)
    assert shifted.value == pytest.approx(truth.value + 1.5, abs=1e-4)
    assert shifted.se == truth.se
    assert shifted.warnings == far.warnings
