"""Discrete fields with generators: chains leave p as it is, the field is told the truth, the generator follows p."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.auxiliaries import AutoregressiveGenerator
from reverie.data import Leaf, Spec
from reverie.directions import Contrastive, GeneratorFromParticles
from reverie.errors import InputError
from reverie.learners import InclusiveDiscreteField
from reverie.models import BitField, Potts
from reverie.samplers import IndependenceChains, Tick
from reverie.samplers.kernel import Chains
from tests import worlds
from tests.measuring import along, draws, errors_off, gradient, surprise, tick

CATEGORIES = Spec({"categorical": Leaf("categorical", 2, levels=3, counts=(3, 2))})
GRID = np.array([[i, j] for i in range(3) for j in range(2)], np.int32)
CHAINS = 10_000
BATCH = worlds.batch_of(worlds.states(3))  # Neither these chains nor what the generator learns depends on data.


def potts():
    rng = np.random.default_rng(7)
    field = rng.standard_normal((2, 3))
    field[1, 2] = -np.inf
    return Potts.from_arrays(field=field, couplings=1.2 * rng.standard_normal((2, 2, 3, 3)))


@functools.cache
def pair(kind):
    """A field and a generator that is another law, all states, and the log probabilities of both."""
    if kind == "bits":
        spec, x = worlds.binary(columns=3).spec, worlds.states(3)
        model = worlds.made(BitField(hidden=(4,)), spec, spread=0.8)
    else:
        spec, x, model = CATEGORIES, GRID, potts()
    generator = AutoregressiveGenerator(width=4).init(noise.make_key(3), spec, model)
    generator = worlds.scattered(generator, 5, 0.7)
    parts = {"model": model, "generator": generator}
    return parts, x, *tables(parts, x)


@eqx.filter_jit
def both(parts, x):
    return jax.vmap(parts["model"].potential)(x), jax.vmap(parts["generator"].log_prob)(x)


def tables(parts, x):
    """log p and log q of the rows of x, which are all that there are."""
    log_p, log_q = (np.asarray(each, np.float64) for each in both(parts, jnp.asarray(x)))
    return log_p - scipy.special.logsumexp(log_p), log_q


def places(x, every):
    return np.argmax((np.asarray(x)[:, None] == every[None]).all(-1), axis=1)


KIND = pytest.mark.parametrize("kind", ["bits", "categories"])


@KIND
def test_a_generators_draws_follow_its_density(kind):
    parts, every, _, log_q = pair(kind)
    assert scipy.special.logsumexp(log_q) == pytest.approx(0.0, abs=1e-5)
    x = draws(parts["generator"].sample, CHAINS)
    assert x.dtype == every.dtype
    assert surprise(places(x, every), log_q) > 1e-3


@pytest.mark.parametrize(("kind", "sweeps"), [("bits", 2), ("categories", 0)])
def test_chains_leave_the_field_as_it_is_and_accept_as_often_as_they_should(kind, sweeps):
    """From exact draws: min{1, w(x') / w(x)} is accepted for x ~ p, x' ~ q. They begin as the generator's draws."""
    parts, every, log_p, log_q = pair(kind)
    run = eqx.filter_jit(IndependenceChains(1, CHAINS, sweeps).draw)
    start = every[np.random.default_rng(2).choice(len(every), CHAINS, p=np.exp(log_p))]
    draw, _, info = run(tick(), parts, BATCH, Chains(jnp.asarray(start), None))
    assert surprise(places(draw["particles"], every), log_p) > 1e-3
    w = log_p - log_q
    rate = np.exp(log_p)[:, None] * np.exp(log_q)[None] * np.minimum(1.0, np.exp(w[None] - w[:, None]))
    assert abs(float(info["independence_acceptance"]) - rate.sum()) < 4 * np.sqrt(rate.sum() / CHAINS)
    assert 0.2 < rate.sum() < 0.9
    begun = IndependenceChains(1, CHAINS).init(noise.make_key(1), parts, 0, BATCH)
    assert surprise(places(begun.x, every), log_q) > 1e-3


def test_the_directions_are_the_exact_gradients():
    """θ: of E_data log p; φ: of −KL[p ‖ q], both with all states written out."""
    parts, every, log_p, _ = pair("categories")
    batch, states, p = worlds.batch_of(every[[1, 4, 5]]), jnp.asarray(every), jnp.asarray(np.exp(log_p), jnp.float32)
    sampler = IndependenceChains(2, 8)

    def one(key):
        key_start, key_draw = jax.random.split(key)
        start = states[jax.random.choice(key_start, len(every), (8,), p=p)]
        draw, _, _ = sampler.draw(Tick(key_draw, jnp.asarray(0)), parts, batch, Chains(start, None))
        ours = (along(direction, parts, batch, draw) for direction in (Contrastive(), GeneratorFromParticles()))
        return [*(next(iter(each.values())) for each in ours)]

    def log_likelihood(parts):
        u = jax.vmap(parts["model"].potential)
        return jnp.mean(u(batch.x)) - jax.nn.logsumexp(u(states))

    def cross(parts):
        return p @ jax.vmap(parts["generator"].log_prob)(states)

    truth = [gradient(log_likelihood, parts, "model"), gradient(cross, parts, "generator")]
    assert errors_off(draws(one, 3000), truth) < 4.5


def test_the_generator_comes_to_the_field_and_proposals_are_accepted():
    parts, every, log_p, log_q = pair("bits")
    sampler, direction = IndependenceChains(2, 200), GeneratorFromParticles()
    chain = sampler.init(noise.make_key(1), parts, 0, BATCH)

    def step(state, key):
        parts, chain = state
        draw, chain, info = sampler.draw(Tick(key, jnp.asarray(0)), parts, BATCH, chain)
        ascent = direction.ascend(tick(), parts, BATCH, draw, None)[0].along["generator"]
        moved = eqx.apply_updates(parts["generator"], jax.tree.map(lambda leaf: 0.5 * leaf, ascent))
        return (parts | {"generator": moved}, chain), info["independence_acceptance"]

    keys = jax.random.split(noise.make_key(5), 600)
    (after, _), rates = eqx.filter_jit(lambda state: jax.lax.scan(step, state, keys))((parts, chain))
    before, later = (np.exp(log_p) @ (log_p - log) for log in (log_q, tables(after, every)[1]))
    assert later < 0.02 < 0.1 < before
    assert np.mean(rates[-50:]) > np.mean(rates[:5]) + 0.05


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (InclusiveDiscreteField, {"moves": 0}, "moves must be at least 1, not 0"),
        (InclusiveDiscreteField, {"sweeps": -1}, "sweeps must not be negative, not -1"),
        (AutoregressiveGenerator, {"width": 0}, "needs width >= 1, not 0"),
    ],
)
def test_options_that_describe_nothing_are_refused(assemble, options, said):
    with pytest.raises(InputError, match=said):
        assemble(**options)


def test_the_generator_serves_what_is_discrete():
    part = AutoregressiveGenerator()
    assert "bits or categories" in (part.unserving(worlds.blank("random-field")) or "")
    assert part.unserving(worlds.blank("rbm")) is None
    assert "continuous" in (part.unsuited(worlds.CONTINUOUS.spec) or "")
