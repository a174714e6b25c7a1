"""Fields with generators: revision reaches the field and the codes follow; the bound of the entropy is one."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie import noise
from reverie.auxiliaries import FieldGenerator
from reverie.capabilities import HasRealPotential
from reverie.data import Leaf, Spec
from reverie.directions import Contrastive, FieldAgainstGenerator, GeneratorFromRevised, GeneratorUpField
from reverie.directions.direction import Join
from reverie.directions.field_generators import entropy_bound, entropy_of_spreads
from reverie.errors import InputError
from reverie.learners import CooperativeField, ExclusiveField, InclusiveField, StochasticMaximumLikelihood
from reverie.samplers import MALA, BaseNoise, ChainsFromGenerator, Langevin
from reverie.samplers.revised import exchanged
from tests import worlds
from tests.measuring import along, draws, errors_off, tick

SPEC = Spec({"continuous": Leaf("continuous", 2, mean=(0.4, -1.0), std=(1.0, 0.6))})


class Bell(HasRealPotential):
    """u(x) = −½ |(x − m) / s|²."""

    middle: jax.Array
    spread: jax.Array

    def start(self, key):
        return self.middle

    def potential(self, x):
        return -0.5 * jnp.sum(((x - self.middle) / self.spread) ** 2)


FIELD = Bell(jnp.array([1.5, -2.0]), jnp.array([0.5, 0.8]))
ROWS = worlds.batch_of(np.zeros((64, 2), np.float32))


def linear():
    """x = A h + b + s ε, of which all is known; the columns of x hang together."""
    part = FieldGenerator(latent=2, hidden=(), scale=0.5).init(noise.make_key(2), SPEC, FIELD)
    return eqx.tree_at(lambda p: p.network.layers[0].weight, part, jnp.array([[0.9, 0.3], [-0.2, 0.5]]))


def covariance(part):
    weight = np.asarray(part.network.layers[0].weight, float)
    return weight.T @ weight + np.diag(np.exp(2 * np.asarray(part.log_scale, float)))


def exact(part):
    """E_q u + H[q], in closed form."""
    weight, scale = part.network.layers[0].weight, jnp.exp(part.log_scale)
    cov, mean = weight.T @ weight + jnp.diag(scale**2), part.network.layers[0].bias
    reward = -0.5 * jnp.sum((jnp.diag(cov) + (mean - FIELD.middle) ** 2) / FIELD.spread**2)
    return reward + 0.5 * jnp.linalg.slogdet(2 * jnp.pi * jnp.e * cov)[1]


def test_a_generators_draws_and_densities_agree():
    part = linear()
    x, (h,) = draws(lambda key: part.pair(part.noise(key)), 4000)
    middle = np.array([0.4, -1.0])
    assert errors_off(x, middle) < 4
    assert errors_off((np.asarray(x) - middle) ** 2, np.diag(covariance(part))) < 4
    score = jax.jit(jax.vmap(lambda x, h: eqx.filter_grad(lambda p: p.log_joint(x, (h,)))(part)))(x, h)
    assert errors_off(eqx.filter(score, eqx.is_array), jax.tree.map(jnp.zeros_like, part)) < 4.5


def test_the_bound_of_the_entropy_is_below_it_and_rises_with_the_batch():
    part = linear()
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance(part))[1]

    def bound(batch):
        def one(key):
            x, h = jax.vmap(part.pair)(jax.vmap(part.noise)(jax.random.split(key, batch)))
            return entropy_bound(part, x, h)

        values = np.asarray(draws(one, 6000 // batch))
        return values.mean(), values.std(ddof=1) / np.sqrt(len(values))

    (few, error), (more, _), (many, small) = bound(2), bound(10), bound(100)
    assert few + 4 * error < more < many < entropy + 4 * small
    assert entropy - many < 0.1 * (entropy - few)


def test_the_exclusive_generator_goes_down_the_divergence():
    """With a batch of 200 codes the bound is all but tight, and the direction is the closed form's gradient."""
    part = linear()
    batch = worlds.batch_of(np.zeros((200, 2), np.float32))

    def one(key):
        draw, _, _ = BaseNoise("generator").draw(tick()._replace(key=key), {"generator": part}, batch, None)
        return along(GeneratorUpField(), {"model": FIELD, "generator": part}, batch, draw)["generator"]

    given = jax.tree.map(lambda leaf: np.asarray(leaf).mean(0), draws(one, 60))
    truth = eqx.filter_grad(exact)(part)
    ours, theirs = (np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (given, truth))
    assert np.linalg.norm(ours - theirs) < 0.06 * np.linalg.norm(theirs)


@pytest.mark.parametrize("hidden", [(), (3,)])
def test_entropy_by_normalisation_is_that_of_independent_gaussians_with_the_spreads_of_all_units(hidden):
    part = FieldGenerator(latent=2, hidden=hidden, scale=0.5).init(noise.make_key(2), SPEC, FIELD)
    x, h = jax.vmap(part.pair)(jax.vmap(part.noise)(jax.random.split(noise.make_key(0), 50)))
    layer = part.network.layers[0]
    got = np.asarray(h[0]) @ np.asarray(layer.weight) + np.asarray(layer.bias)
    units = np.concatenate([np.asarray(x), got], axis=1) if hidden else np.asarray(x)
    expected = scipy.stats.norm(scale=units.std(0)).entropy().sum()
    assert float(entropy_of_spreads(part, x, h)) == pytest.approx(expected, rel=1e-5)


def test_normalisation_and_the_bound_are_two_directions():
    part, batch = linear(), worlds.batch_of(np.zeros((64, 2), np.float32))
    parts = {"model": FIELD, "generator": part}
    draw, _, _ = BaseNoise("generator").draw(tick(3), parts, batch, None)
    given = along(GeneratorUpField("normalisation"), parts, batch, draw)["generator"].network.layers[0].weight

    def by_hand(weight):
        at = eqx.tree_at(lambda p: p.network.layers[0].weight, part, weight)
        x = jax.vmap(at.pair)(draw["noise"][0])[0]
        return jnp.mean(jax.vmap(FIELD.potential)(x)) + jnp.sum(jnp.log(jnp.std(x, axis=0)))

    expected = jax.grad(by_hand)(part.network.layers[0].weight)
    np.testing.assert_allclose(given, expected, rtol=1e-4)
    other = along(GeneratorUpField(), parts, batch, draw)["generator"].network.layers[0].weight
    assert np.abs(other - expected).max() > 0.05 * np.abs(expected).max()
    direction = ExclusiveField(entropy="normalisation").direction
    assert isinstance(direction, Join)
    assert direction.directions[1] == GeneratorUpField("normalisation")


def test_the_exclusive_field_is_told_the_data_from_the_draws():
    part = linear()
    x = np.random.default_rng(1).normal(size=(64, 2)).astype(np.float32)
    batch, parts = worlds.batch_of(x), {"model": FIELD, "generator": part}
    draw, _, _ = BaseNoise("generator").draw(tick(3), parts, batch, None)
    drawn = np.asarray(jax.vmap(part.pair)(draw["noise"][0])[0])
    given = along(FieldAgainstGenerator(), parts, batch, draw)["model"]
    np.testing.assert_allclose(given.middle, (x.mean(0) - drawn.mean(0)) / np.square(FIELD.spread), rtol=1e-4)


def test_revision_reaches_the_field_and_the_codes_follow():
    """x ~ p_θ, and h ~ q(h | x): E[h | x] is the regression of the generator's own pairs, though p_θ is another law."""
    part = linear()
    sampler = ChainsFromGenerator(60, MALA(0.3), code_moves=60, code_step=0.05)
    batch = worlds.batch_of(np.zeros((2000, 2), np.float32))
    draw, _, info = eqx.filter_jit(sampler.draw)(tick(), {"model": FIELD, "generator": part}, batch, None)
    x, (h,) = (jax.tree.map(np.asarray, leaf) for leaf in draw["revised"])
    assert np.array_equal(x, draw["particles"])
    assert errors_off(x, FIELD.middle) < 4
    assert errors_off((x - FIELD.middle) ** 2, np.square(FIELD.spread)) < 4
    weight = np.asarray(part.network.layers[0].weight)
    regression = weight @ np.linalg.inv(covariance(part))
    expected = (x - np.asarray(part.network.layers[0].bias)) @ regression.T
    assert errors_off((h - expected)[:, :, None] * (x - x.mean(0))[:, None, :], np.zeros((2, 2))) < 4.5
    assert errors_off(h - expected, np.zeros(2)) < 4.5
    spread = np.eye(2) - regression @ weight.T
    np.testing.assert_allclose(np.cov((h - expected).T), spread, atol=0.05)
    assert float(info["revision"]) > 0.5


def test_codes_chosen_among_those_of_the_batch_keep_their_law():
    """Of pairs as they are drawn: the moments of (h, x) stay, though nearly all rows get the code of another."""
    part = linear()
    weight, bias = part.network.layers[0].weight, part.network.layers[0].bias

    def one(key):
        x, (h,) = jax.vmap(part.pair)(jax.vmap(part.noise)(jax.random.split(key, 40)))
        (after,) = exchanged(jax.random.fold_in(key, 1), part, x, (h,))
        moments = after.T @ jnp.concatenate([after, x - bias], axis=1) / 40
        return jnp.mean(after, axis=0), moments, jnp.mean(jnp.any(after != h, axis=1))

    middle, moments, other = draws(one, 1000)
    assert errors_off(middle, np.zeros(2)) < 4
    assert errors_off(moments, np.concatenate([np.eye(2), weight], axis=1)) < 4
    assert np.mean(np.asarray(other)) > 0.8


def test_a_generator_that_is_right_stays_where_it_is():
    """Revised by next to nothing, pairs are its own draws, and E ∇ log q(x, h) = 0."""
    part = linear()
    parts, sampler = {"model": FIELD, "generator": part}, ChainsFromGenerator(1, Langevin(1e-10))

    def one(key):
        draw, _, _ = sampler.draw(tick()._replace(key=key), parts, ROWS, None)
        return along(GeneratorFromRevised(), parts, ROWS, draw)["generator"]

    assert errors_off(draws(one, 200), jax.tree.map(jnp.zeros_like, part)) < 4.5


def test_the_codes_of_a_narrow_generator_do_not_fly_off():
    """Pairs as they are drawn are exact, so that moves of h leave their law alone, however steep q(h | x) is."""
    part = eqx.tree_at(lambda p: p.log_scale, linear(), jnp.log(jnp.array([0.03, 0.03])))
    sampler = ChainsFromGenerator(1, Langevin(1e-10), code_moves=30, code_step=0.005)
    batch = worlds.batch_of(np.zeros((2000, 2), np.float32))
    draw, _, info = eqx.filter_jit(sampler.draw)(tick(), {"model": FIELD, "generator": part}, batch, None)
    (h,) = draw["revised"].h
    assert errors_off(h, np.zeros(2)) < 4
    assert errors_off(jnp.square(h), np.ones(2)) < 4
    assert 0.02 < float(info["code_acceptance"]) < 0.98


def test_a_penalty_is_on_the_size_of_the_potential_at_rows_and_at_draws():
    x, drawn = np.random.default_rng(5).normal(size=(2, 64, 2)).astype(np.float32) + 1.0
    given = along(Contrastive(0.3), {"model": FIELD}, worlds.batch_of(x), {"particles": jnp.asarray(drawn)})["model"]

    def slopes(x):
        along_middle = (x - FIELD.middle) / np.square(FIELD.spread)
        u = -0.5 * np.sum(np.square((x - FIELD.middle) / FIELD.spread), axis=1, keepdims=True)
        return np.mean(along_middle, axis=0), 2 * np.mean(u * along_middle, axis=0)

    (up, square), (down, other) = slopes(x), slopes(drawn)
    np.testing.assert_allclose(given.middle, up - down - 0.3 * (square + other), rtol=1e-4)


def test_cooperative_chains_begin_without_noise_and_keep_their_codes():
    part = linear()
    parts, sampler = {"model": FIELD, "generator": part}, ChainsFromGenerator(1, Langevin(1e-10), noiseless=True)
    draw, _, _ = sampler.draw(tick(), parts, ROWS, None)
    np.testing.assert_allclose(draw["particles"], jax.vmap(part.centre)(draw["revised"].h), atol=1e-4)
    cooperative = CooperativeField().sampler
    assert isinstance(cooperative, ChainsFromGenerator)
    assert cooperative.noiseless


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (InclusiveField, {"moves": 0}, "moves must be at least 1, not 0"),
        (InclusiveField, {"code_moves": -1}, "code_moves must not be negative"),
        (InclusiveField, {"step": 0.0}, "the step of a kernel must be positive"),
        (InclusiveField, {"kernel": "gibbs"}, "the kernel gibbs takes no step"),
        (ExclusiveField, {"field_steps": 0}, "field_steps must be at least 1, not 0"),
        (InclusiveField, {"penalty": -1.0}, "penalty must not be negative"),
        (StochasticMaximumLikelihood, {"penalty": float("inf")}, "penalty must not be negative nor infinite"),
        (FieldGenerator, {"detail": 0.0}, "the detail of a generator must be positive"),
        (FieldGenerator, {"latent": 0}, "a generator needs latent >= 1"),
        (FieldGenerator, {"scale": 0.0}, "the scale of a generator must be positive"),
        (FieldGenerator, {"activation": "sine"}, "activation must be one of"),
    ],
)
def test_options_that_describe_nothing_are_refused(assemble, options, said):
    with pytest.raises(InputError, match=said):
        assemble(**options)


def test_a_generator_of_reals_serves_no_bits():
    assert "potential of reals" in (FieldGenerator().unserving(worlds.blank("rbm")) or "")
