"""The skeletons of CONTRIBUTING.md work as they stand: a model, a sampler, a direction, a learner."""

import doctest
import importlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from examples.skeletons.direction import ConditionalLikelihood
from examples.skeletons.model import BoltzmannMachine
from examples.skeletons.sampler import NextFlip
from reverie import noise
from reverie.capabilities import capabilities_of
from reverie.data import Batch
from reverie.errors import InputError
from reverie.learners import LEARNERS
from reverie.loop import Loop
from reverie.models import MODELS, VAE
from reverie.pairing import check, fill, make_learner, make_part, name_of, pairs
from reverie.parts import options_of
from reverie.samplers import Tick
from tests import test_units, worlds

NAMES = ("model", "sampler", "direction", "learner")


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    """One row in each registry, for the length of a test."""
    before = dict(LEARNERS)
    module = importlib.import_module("examples.skeletons.learner")
    monkeypatch.setitem(MODELS, "boltzmann-machine", BoltzmannMachine)
    LEARNERS["pseudolikelihood"] = module.PseudoLikelihood
    yield
    LEARNERS.clear()
    LEARNERS.update(before)
    LEARNERS.pop("pseudolikelihood", None)


def filled(spread=0.7):
    return worlds.made(BoltzmannMachine(), worlds.BINARY.spec, spread=spread)


@pytest.mark.parametrize("name", NAMES)
def test_the_examples_in_the_docstrings_hold(name):
    failures, _ = doctest.testmod(importlib.import_module(f"examples.skeletons.{name}"))
    assert failures == 0


@pytest.mark.parametrize("unit", [BoltzmannMachine, NextFlip, ConditionalLikelihood])
def test_the_docstrings_are_such_as_every_unit_must_have(unit):
    test_units.test_a_docstring_says_where_a_unit_comes_from_and_shows_it(unit)
    test_units.test_a_docstring_says_where_a_unit_comes_from_and_shows_it(LEARNERS["pseudolikelihood"])


def test_a_row_in_a_registry_is_a_row_of_the_matrix():
    told = pairs().to_dict()
    fitting = {(pair["model"], pair["learner"]) for pair in told["pairs"] if pair["fits"]}
    assert {("boltzmann-machine", "pseudolikelihood"), ("rbm", "pseudolikelihood")} <= fitting
    assert {("boltzmann-machine", "cd"), ("boltzmann-machine", "pcd")} <= fitting
    assert ("vae", "pseudolikelihood") not in fitting


def test_options_come_by_name_and_are_checked():
    part = make_part("model", "BoltzmannMachine", {"scale": "0.5"})
    assert options_of(part) == {"scale": 0.5}
    assert name_of(part) == ("model", "boltzmann-machine")
    assert capabilities_of(part) == ("HasPotential", "StartsChains", "HasEnumeration", "HasGibbs")
    assert make_learner("pseudo-likelihood", {"rate": "0.1"}).optimiser["model"].rate == 0.1
    with pytest.raises(InputError, match="must not be negative"):
        BoltzmannMachine(scale=-1.0)
    with pytest.raises(InputError, match="rate must be positive"):
        make_learner("pseudolikelihood", {"rate": 0})
    with pytest.raises(InputError, match=r"pseudolikelihood needs a model with HasPotential; VAE has .* Try: "):
        check(VAE(), make_learner("pseudolikelihood"))


@pytest.mark.parametrize("learner", ["pseudolikelihood", "cd", "pcd"])
def test_the_model_takes_steps(learner):
    made = make_learner(learner)
    world = worlds.BINARY
    parts = fill(check(BoltzmannMachine(), made), noise.make_key(1), world.spec)
    loop = Loop(made, world.rows, world.measure, noise.make_key(0), batch=8)
    state, info = loop.advance(loop.start(parts), 7)
    after = state.parts["model"]
    assert not np.allclose(after.bias, parts["model"].bias)
    assert not np.allclose(np.triu(after.upper, 1), np.triu(parts["model"].upper, 1))
    assert all(np.isfinite(value) for value in info.values())


def test_every_row_goes_through_its_columns_in_turn():
    """Three epochs of four columns: each row is flipped three times in each."""
    world = worlds.BINARY
    x, rows = jnp.asarray(world.rows.raw), len(world.rows)
    sampler, counts = NextFlip(), np.zeros(x.shape)
    chain = sampler.init(jax.random.key(0), {}, rows, Batch(jnp.arange(rows), x))
    assert set(np.unique(chain)) == {0, 1, 2, 3}
    visit = jax.jit(sampler.draw)
    for step in range(12):
        for index in np.random.default_rng(step).permutation(rows).reshape(3, -1):
            tick = Tick(jax.random.key(step), jnp.asarray(step))
            draw, chain, _ = visit(tick, {}, Batch(jnp.asarray(index), x[index]), chain)
            changed = np.asarray(draw["flipped"] != x[index])
            assert np.all(changed.sum(axis=1) == 1)
            counts[index] += changed
    assert np.all(counts == 3)


def test_the_direction_is_that_of_the_pseudolikelihood():
    """The mean over all columns to flip is 1/D of the gradient of Σ_i log p(x_i | x_{−i}), by enumeration."""
    model, states = filled(), jnp.asarray(worlds.states(4))
    weights = jnp.asarray(np.random.default_rng(0).dirichlet(np.ones(16)), jnp.float32)

    def pseudolikelihood(model):
        log_p = jax.vmap(model.potential)(states).reshape(2, 2, 2, 2)
        conditionals = jnp.stack([jax.nn.log_softmax(log_p, axis=i) for i in range(4)])
        return jnp.sum(weights * jnp.sum(conditionals, axis=0).reshape(-1))

    @jax.jit
    def ascend(x, flipped):
        tick = Tick(jax.random.key(0), jnp.asarray(0))
        batch, draw = Batch(jnp.zeros(1, int), x[None]), {"flipped": flipped[None]}
        return ConditionalLikelihood().ascend(tick, {"model": model}, batch, draw, None)[0].along["model"]

    def towards(column):
        # A batch of one for each state: the direction is a mean over its batch, and the states have weights.
        each = jax.vmap(ascend)(states, states.at[:, column].set(~states[:, column]))
        return jax.tree.map(lambda leaf: jnp.tensordot(weights, leaf, 1), each)

    expected = eqx.filter_jit(eqx.filter_grad(pseudolikelihood))(model)
    found = jax.tree.map(lambda *leaves: sum(leaves), *[towards(column) for column in range(4)])
    np.testing.assert_allclose(found.bias, expected.bias, atol=1e-5)
    np.testing.assert_allclose(found.upper, expected.upper, atol=1e-5)
    assert np.abs(np.asarray(expected.bias)).min() > 1e-3


def test_a_sweep_leaves_the_distribution_invariant():
    """Draws of p, enumerated, after one sweep: the frequencies of the 16 states within 4.5 standard errors of p."""
    model, states, count = filled(), worlds.states(4), 40_000
    p = np.asarray(jax.nn.softmax(jax.vmap(model.potential)(jnp.asarray(states))), np.float64)
    start = np.random.default_rng(1).choice(16, size=count, p=p / p.sum())
    keys = jax.random.split(noise.make_key(2), count)
    after = worlds.place(jax.vmap(model.gibbs)(keys, jnp.asarray(states[start])))
    frequency = np.bincount(after, minlength=16) / count
    assert np.all(np.abs(frequency - p) < 4.5 * np.sqrt(p * (1 - p) / count))
    assert np.mean(after != start) > 0.3
