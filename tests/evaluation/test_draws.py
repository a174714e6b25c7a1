"""Draws come by the way that the model has, one for each place, and go back to raw rows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import Critic
from reverie.capabilities import Pushforward
from reverie.data import Binarise, Dequantise, Standardise
from reverie.errors import InputError
from reverie.evaluation import classes_of, samples_of, to_raw
from reverie.evaluation.walks import Known, scale_of, walk
from reverie.models import RBM, VPSDE, BitField, GaussianRBM, Ising, JointField, Potts, RandomField
from reverie.parts import Part
from tests import measuring, worlds

KEY = noise.make_key(4)


@pytest.mark.parametrize("name", ["vae", "made", "generator", "rbm"])
def test_the_first_draws_do_not_depend_on_how_many_come(name):
    model = worlds.blank(name)
    parts = {"model": worlds.made(model, worlds.world_for(model).spec, spread=0.5)}
    many = samples_of(parts, 300, KEY, sweeps=20)
    assert isinstance(many, np.ndarray)
    assert len(many) == 300
    assert many.dtype in (np.bool_, np.float32)
    assert np.array_equal(samples_of(parts, 7, KEY, sweeps=20), many[:7])
    assert len(np.unique(many, axis=0)) > 3
    assert not np.array_equal(samples_of(parts, 7, noise.make_key(5), sweeps=20), many[:7])


def rbm():
    rng = np.random.default_rng(1)
    made = RBM.from_arrays(weights=rng.normal(size=(4, 3)), visible_bias=rng.normal(size=4), hidden_bias=np.zeros(3))
    # Chains start far from where they must end.
    return dataclasses.replace(made, base=jnp.full(4, 3.0))


def test_gibbs_chains_end_where_the_potential_says():
    model, x = rbm(), worlds.states(4)
    potential = np.asarray(jax.vmap(model.potential)(jnp.asarray(x)), np.float64)
    log_prob = potential - np.logaddexp.reduce(potential)
    assert measuring.surprise(worlds.place(samples_of({"model": model}, 2000, KEY, sweeps=50)), log_prob) > 1e-3
    assert measuring.surprise(worlds.place(samples_of({"model": model}, 2000, KEY, sweeps=0)), log_prob) < 1e-9


class Pushed(Part, Pushforward):
    """Twice the noise, plus three."""

    def init(self, key, spec, model=None):
        return self

    def noise(self, key):
        return noise.normal(key, (2,))

    def push(self, noise):
        return 2.0 * noise + 3.0


def test_a_map_of_noise_is_enough():
    x = samples_of({"model": Pushed()}, 1000, KEY)
    assert measuring.errors_off(x, np.full(2, 3.0)) < 4
    assert x.std(axis=0) == pytest.approx(np.full(2, 2.0), rel=0.1)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="Critic has no draws: a model needs Samplable, HasGibbs or Pushforward"):
        samples_of({"model": Critic()}, 3, KEY)
    for n, sweeps in ((0, 10), (3, -1)):
        with pytest.raises(InputError, match="draws need n of at least 1 and sweeps of at least 0"):
            samples_of({"model": rbm()}, n, KEY, sweeps=sweeps)


def test_draws_go_back_to_raw_rows():
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    raw = to_raw(Standardise((3.0, -1.0), (2.0, 0.5)), x)
    assert raw == pytest.approx(x * [2.0, 0.5] + [3.0, -1.0], abs=1e-5)
    whole = np.random.default_rng(0).integers(0, 5, (300, 3))
    assert np.array_equal(to_raw(Dequantise(5), (whole + 0.5) / 5), whole)
    bits = to_raw(Binarise(threshold=7.0), whole > 2)
    assert isinstance(bits, np.ndarray)
    assert bits.shape == (300, 3)


def known(held, x, pull=None, precision=None):
    arrays = [None if one is None else jnp.asarray(one, jnp.float32) for one in (pull, precision)]
    return Known(jnp.asarray(x), jnp.asarray(held), *arrays)


def ising():
    rng = np.random.default_rng(2)
    half = np.triu(rng.normal(0, 0.6, (4, 4)), 1)
    return Ising.from_arrays(field=rng.normal(0, 0.3, 4), couplings=half + half.T)


def bit_field():
    return worlds.made(BitField(hidden=(5,)), worlds.BINARY.spec, spread=0.8)


@pytest.mark.parametrize("make", [ising, bit_field], ids=measuring.label)
def test_a_walk_of_bits_goes_by_what_is_known_of_them(make):
    """Two bits are held, the others pulled: the walk's ends against the sum over the states that agree."""
    model = make()
    size = model.start(KEY).size
    x, held = np.arange(size) % 3 == 0, np.arange(size) % 3 == 0
    pull = np.linspace(-1.0, 1.5, size)
    told = known(held, x, pull)
    free = worlds.states(size)
    free = free[(free[:, held] == x[held]).all(1)]
    u = np.asarray(jax.vmap(model.potential)(jnp.asarray(free)), np.float64) + free @ pull
    ends = measuring.draws(lambda key: walk(model, key, model.start(key), 30, known=told).x, 4000)
    ends = np.asarray(ends)
    assert (ends[:, held] == x[held]).all()
    place = (ends[:, None] == free[None]).all(2).argmax(1)
    assert measuring.surprise(place, u - np.logaddexp.reduce(u)) > 1e-3


def test_a_walk_of_categories_goes_by_what_is_known_of_them():
    rng = np.random.default_rng(3)
    model = Potts.from_arrays(field=rng.normal(0, 0.5, (3, 3)), couplings=rng.normal(0, 0.5, (3, 3, 3, 3)))
    x, held, pull = np.array([0, 2, 0], np.int32), np.array([False, True, False]), rng.normal(0, 1, (3, 3))
    free = np.array([[a, 2, b] for a in range(3) for b in range(3)], np.int32)
    u = np.asarray(jax.vmap(model.potential)(jnp.asarray(free)), np.float64)
    u += sum(pull[i, free[:, i]] for i in range(3))
    told = known(held, x, pull)
    ends = np.asarray(measuring.draws(lambda key: walk(model, key, model.start(key), 30, known=told).x, 4000))
    assert (ends[:, 1] == 2).all()
    assert measuring.surprise(3 * ends[:, 0] + ends[:, 2], u - np.logaddexp.reduce(u)) > 1e-3


def test_a_walk_of_reals_finds_the_conditional_gaussian():
    """p(x) = N(0, C) with one column held, and noise of known size on another, against the closed form."""
    machine = GaussianRBM.from_arrays(
        weights=np.zeros((3, 1)), visible_bias=[0.5, -1.0, 2.0], hidden_bias=[0.0], scale=[1.0, 0.5, 2.0]
    )
    told = known([True, False, False], np.array([3.0, 0.0, 1.0], np.float32), None, [0.0, 0.0, 0.75])
    scale = scale_of(machine, KEY)
    walks = measuring.draws(lambda key: walk(machine, key, machine.start(key), 60, known=told, scale=scale), 1000)
    x = np.asarray(walks.x)
    assert (x[:, 0] == 3.0).all()
    assert measuring.errors_off(x[:, 1:], np.array([-1.0, (2.0 * 0.25 + 1.0 * 0.75) / (0.25 + 0.75)])) < 4
    assert x[:, 1:].std(axis=0) == pytest.approx(np.array([0.5, 1.0]), rel=0.1)
    assert 0.4 < float(walks.acceptance.mean()) < 0.95


def test_a_field_without_sweeps_is_drawn_by_walks_from_its_base():
    """One real column, two modes: the shares, means and squares of the draws against a sum over a grid."""
    field = worlds.made(RandomField(hidden=(6,), detail=0.5), worlds.continuous(columns=1).spec, spread=1.5)
    grid = np.linspace(-15.0, 15.0, 3001)[:, None] * np.asarray(field.base_spread) + np.asarray(field.base_centre)
    u = np.asarray(jax.vmap(field.potential)(jnp.asarray(grid, jnp.float32)), np.float64)
    p = np.exp(u - np.logaddexp.reduce(u))
    x = samples_of({"model": field}, 768, KEY, sweeps=200)
    for seen in (lambda x: x, np.square, np.tanh):
        assert measuring.errors_off(seen(x), p @ seen(grid)) < 4


def test_draws_of_a_class():
    """Of a joint field by walks under u(x, y), against a grid; of a model that is guided, by its own way."""
    data = worlds.continuous(columns=1)
    joint = worlds.made(JointField(classes=3, hidden=(6,), detail=0.5), data.spec, spread=1.0)
    assert classes_of(joint) == 3
    grid = np.linspace(-60.0, 60.0, 6001)[:, None] * np.asarray(joint.base_spread) + np.asarray(joint.base_centre)
    u = np.asarray(jax.vmap(joint.class_potentials)(jnp.asarray(grid, jnp.float32)), np.float64)
    means = [grid[:, 0] @ np.exp(u[:, y] - np.logaddexp.reduce(u[:, y])) for y in range(3)]
    for y in (0, 2):
        assert measuring.errors_off(samples_of({"model": joint}, 512, KEY, 150, label=y), means[y : y + 1]) < 4
    guided = worlds.made(VPSDE(hidden=(4,), classes=2, sampler="ddim", steps=3), data.spec, spread=1.0)
    one, other = (samples_of({"model": guided}, 5, KEY, label=y) for y in (0, 1))
    assert one.shape == (5, 1)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, samples_of({"model": guided}, 5, KEY, label=0, guidance=3.0))
    plain = worlds.made(VPSDE(hidden=(4,)), data.spec)
    with pytest.raises(InputError, match="VPSDE has no classes to draw from"):
        samples_of({"model": plain}, 5, KEY, label=0)
    with pytest.raises(InputError, match="class 7 is none of the model's 3"):
        samples_of({"model": joint}, 5, KEY, label=7)
    with pytest.raises(InputError, match="guidance needs a label"):
        samples_of({"model": guided}, 5, KEY, guidance=2.0)
