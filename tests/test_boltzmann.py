"""Boltzmann machines of all kinds of units against sums over all their states: sweeps, paths, log Z, gradients."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from reverie import noise
from reverie.data import Leaf, Spec
from reverie.directions import Contrastive
from reverie.errors import InputError
from reverie.evaluation import log_normaliser
from reverie.models import CategoricalRBM, GaussianRBM, Ising, Potts
from reverie.models.graph import edges, visits
from tests import worlds
from tests.measuring import along, draws, errors_off, gradient, surprise


def scattered(model, base=0.5):
    """With another base, so that it is not by accident the model's own field."""
    rng = np.random.default_rng(9)
    moved = jax.tree.map(lambda leaf: jnp.asarray(base * rng.standard_normal(leaf.shape), jnp.float32), model.base)
    return dataclasses.replace(model, base=moved)


def ising_of_all_pairs():
    rng = np.random.default_rng(2)
    half = np.triu(0.7 * rng.standard_normal((4, 4)), 1)
    return scattered(Ising.from_arrays(field=0.6 * rng.standard_normal(4), couplings=half + half.T))


def ising_on_a_torus():
    model = scattered(Ising.grid(2, 3, coupling=0.4, field=0.2, temperature=1.5, periodic=True))
    return worlds.scattered(model, 4, 0.3)


def potts_of_unequal_columns():
    rng = np.random.default_rng(7)
    field = 0.5 * rng.standard_normal((3, 4))
    field[1, 2:], field[2, 3:] = -np.inf, -np.inf
    return scattered(Potts.from_arrays(field=field, couplings=0.6 * rng.standard_normal((3, 3, 4, 4))))


def potts_on_a_grid():
    return worlds.scattered(Potts.grid(1, 4, levels=3, coupling=0.8, temperature=1.3), 4, 0.3)


def machine_of_categories():
    rng = np.random.default_rng(6)
    arrays = {"weights": (3, 4, 2), "visible_bias": (3, 4), "hidden_bias": (2,)}
    return scattered(
        CategoricalRBM.from_arrays(
            counts=(4, 2, 3), **{name: 1.2 * rng.standard_normal(shape) for name, shape in arrays.items()}
        )
    )


def every_state(model):
    """All states that x can be in."""
    if isinstance(model, Potts | CategoricalRBM):
        return jnp.asarray(list(itertools.product(*map(range, model.counts))), jnp.int32)
    return jnp.asarray(worlds.states(model.field.shape[0]))


CASES = {
    "ising": ising_of_all_pairs,
    "ising on a torus": ising_on_a_torus,
    "potts": potts_of_unequal_columns,
    "potts on a grid": potts_on_a_grid,
    "rbm of categories": machine_of_categories,
}
CASE = pytest.mark.parametrize("made", CASES.values(), ids=CASES)


def log_p(model, beta=1.0):
    """log p_β of all states, in float64."""
    terms = jax.vmap(lambda x: model.tempered_potential(x, jnp.asarray(beta)))(every_state(model))
    terms = np.asarray(terms, np.float64)
    return terms - scipy.special.logsumexp(terms)


def places(model, x):
    """Which of all states each x is."""
    same = jnp.all(x[..., None, :] == every_state(model), axis=-1)
    return np.asarray(jnp.argmax(same, axis=-1))


def test_the_ising_potential_is_the_sum_over_pairs():
    rng = np.random.default_rng(0)
    field, half = rng.standard_normal(4), np.triu(rng.standard_normal((4, 4)), 1)
    model = Ising.from_arrays(field=field, couplings=half + half.T)
    s = 2.0 * worlds.states(4) - 1.0
    expected = s @ field + np.einsum("ni,ij,nj->n", s, half, s)
    np.testing.assert_allclose(jax.vmap(model.potential)(jnp.asarray(worlds.states(4))), expected, rtol=1e-5, atol=1e-5)
    torus = Ising.grid(3, 4, coupling=2.0, field=0.5, temperature=4.0, periodic=True)
    s = np.where(np.random.default_rng(1).random((3, 4)) < 0.5, 1.0, -1.0)
    expected = 0.125 * s.sum() + 0.5 * (s * np.roll(s, 1, 0) + s * np.roll(s, 1, 1)).sum()
    assert float(torus.potential(jnp.asarray(s.ravel() > 0))) == pytest.approx(expected, rel=1e-6)


def test_a_ring_of_spins_has_the_closed_form():
    """Z of N spins on a ring is λ₊ᴺ + λ₋ᴺ, the eigenvalues of the transfer matrix (Ising 1925)."""
    coupling, field, sites = 0.6, -0.3, 10
    ring = Ising.grid(1, sites, coupling=coupling, field=field, periodic=True)
    t = np.array([[s * r * coupling + field * (s + r) / 2 for r in (1, -1)] for s in (1, -1)])
    expected = np.log((np.linalg.eigvalsh(np.exp(t)) ** sites).sum())
    assert log_normaliser(ring).value == pytest.approx(expected, rel=1e-6)


def test_the_potts_potential_is_the_sum_over_pairs():
    rng = np.random.default_rng(0)
    field, couplings = rng.standard_normal((3, 4)), rng.standard_normal((3, 3, 4, 4))
    field[1, 2:] = -np.inf
    model = Potts.from_arrays(field=field, couplings=couplings)
    assert model.counts == (4, 2, 4)
    for x in ((0, 1, 3), (3, 0, 2)):
        pairs = sum(couplings[i, j, x[i], x[j]] for i in range(3) for j in range(i + 1, 3))
        expected = sum(field[i, x[i]] for i in range(3)) + pairs
        assert float(model.potential(jnp.asarray(x))) == pytest.approx(expected, rel=1e-5)
        assert float(model.potential(jax.nn.one_hot(jnp.asarray(x), 4))) == pytest.approx(expected, rel=1e-5)


def test_a_ring_of_categories_has_the_closed_form():
    """Z of N columns of q levels on a ring is (e^J + q − 1)ᴺ + (q − 1)(e^J − 1)ᴺ (Wu 1982, §I)."""
    ring = Potts.grid(1, 7, levels=4, coupling=1.6, temperature=2.0, periodic=True)
    e = np.exp(0.8)
    assert log_normaliser(ring).value == pytest.approx(np.log((e + 3) ** 7 + 3 * (e - 1) ** 7), rel=1e-6)


@pytest.mark.parametrize(("shape", "periodic", "colours"), [((4, 4), False, 2), ((4, 6), True, 2), ((3, 5), True, 3)])
def test_sites_that_are_drawn_together_are_not_coupled(shape, periodic, colours):
    sites = shape[0] * shape[1]
    order = visits(sites, shape, periodic=periodic)
    groups = [set(group) - {sites} for group in order.tolist()]
    assert groups == groups[::-1]
    assert set().union(*groups) == set(range(sites))
    assert colours <= len({frozenset(group) for group in groups}) <= 4
    for a, b in edges(sites, shape, periodic=periodic):
        assert not any({a, b} <= group for group in groups)


@CASE
def test_sweeps_lead_to_the_tempered_density_and_are_reversible(made):
    model = made()
    states = every_state(model)

    @jax.jit
    def chains(keys, logits, beta):
        """A state of p_β, the one after a sweep, and the one after a dozen sweeps from where it always starts."""

        def one(key):
            key_first, key_sweep = jax.random.split(key)
            first = states[jax.random.categorical(key_first, logits)]
            sweep = lambda x, key: (model.tempered_gibbs(key, x, beta),) * 2
            start = jnp.stack([first, states[-2]])
            ends, path = jax.lax.scan(jax.vmap(sweep), start, jax.random.split(key_sweep, (12, 2)))
            return first, path[0, 0], ends[1]

        return jax.vmap(one)(keys)

    for beta in (1.0, 0.4):
        target = log_p(model, beta)
        drawn = chains(jax.random.split(noise.make_key(3), 15_000), jnp.asarray(target, jnp.float32), jnp.asarray(beta))
        first, then, ends = (places(model, x) for x in drawn)
        assert surprise(then, target) > 1e-3
        assert surprise(ends, target) > 1e-3
        met = np.zeros((len(states), len(states)))
        np.add.at(met, (first, then), 1)
        both = met + met.T
        often = np.triu(both >= 20, 1)
        square = ((met - met.T) ** 2 / np.maximum(both, 1))[often]
        assert scipy.stats.chi2.sf(square.sum(), square.size) > 1e-3


@CASE
def test_the_path_runs_from_the_base_to_the_model(made):
    model = made()
    terms = lambda beta: np.asarray(
        jax.vmap(lambda x: model.tempered_potential(x, jnp.asarray(beta)))(every_state(model)), np.float64
    )
    np.testing.assert_allclose(terms(1.0), jax.vmap(model.potential)(every_state(model)), rtol=1e-5, atol=1e-5)
    assert float(model.base_log_normaliser()) == pytest.approx(scipy.special.logsumexp(terms(0.0)), rel=1e-5)
    assert surprise(places(model, draws(model.start, 20_000)), log_p(model, 0.0)) > 1e-3


@CASE
def test_annealing_finds_the_exact_log_normaliser(made):
    model = made()
    exact = log_normaliser(model, method="exact")
    terms = np.asarray(jax.vmap(model.potential)(every_state(model)), np.float64)
    assert exact.kind == "exact"
    assert exact.value == pytest.approx(scipy.special.logsumexp(terms), rel=1e-6)
    for seed in range(3):
        found = log_normaliser(model, method="ais", temperatures=20, seed=seed, chains=500)
        assert abs(found.value - exact.value) < 4 * found.se


@CASE
def test_data_up_and_the_models_own_states_down_is_the_gradient_of_the_likelihood(made):
    model = made()
    parts, states = {"model": model}, every_state(model)
    x = states[jnp.asarray([1, 6, 3])]
    logits = jnp.asarray(log_p(model), jnp.float32)

    def log_likelihood(parts):
        potential = jax.vmap(parts["model"].potential)
        return jnp.mean(potential(x)) - jax.nn.logsumexp(potential(states))

    def one(key):
        particles = states[jax.random.categorical(key, logits, shape=(5,))]
        return along(Contrastive(), parts, worlds.batch_of(x), {"particles": particles})["model"]

    assert errors_off(draws(one, 4000), gradient(log_likelihood, parts, "model")) < 4


def test_temperature_and_couplings_must_make_a_model():
    zero = np.zeros((3, 3))
    assert Ising.from_arrays(field=np.zeros(3), couplings=zero).couplings.shape == (3,)
    for field, couplings, said in (
        (np.zeros(2), zero, "their shapes are"),
        (np.zeros(3), zero + np.triu(np.ones((3, 3)), 1), "symmetric"),
        (np.zeros(3), np.eye(3), "symmetric"),
        (np.full(3, np.inf), zero, "finite"),
    ):
        with pytest.raises(InputError, match=said):
            Ising.from_arrays(field=field, couplings=couplings)
    with pytest.raises(InputError, match="temperature, not 2, 2 and 0"):
        Ising.grid(2, 2, temperature=0.0)
    with pytest.raises(InputError, match="only a grid can be periodic"):
        Ising(periodic=True)
    grid = Ising(graph="grid")
    assert "choose graph='full'" in str(grid.unsuited(worlds.BINARY.spec))
    assert grid.unsuited(worlds.IMAGE.spec) is None
    assert worlds.made(grid, worlds.IMAGE.spec).couplings.shape == (3,)


def test_tables_must_make_a_potts_model():
    field, couplings = np.zeros((2, 3)), np.zeros((2, 2, 3, 3))
    gap = np.array([[0.0, -np.inf, 0.0], [0.0, 0.0, 0.0]])
    for fields, tables, said in (
        (field[:1], couplings, "their shapes are"),
        (field, np.full_like(couplings, np.nan), "finite"),
        (np.full_like(field, -np.inf), couplings, "finite"),
        (gap, couplings, "must come after"),
    ):
        with pytest.raises(InputError, match=said):
            Potts.from_arrays(field=fields, couplings=tables)
    with pytest.raises(InputError, match="two levels, not 2, 2"):
        Potts.grid(2, 2, levels=1)
    wide = Spec({"categorical": Leaf("categorical", 40, levels=1000, counts=(1000,) * 40)})
    assert "needs fewer columns or levels" in str(Potts().unsuited(wide))


def test_the_machine_of_categories_sums_its_hidden_units_out():
    model = machine_of_categories()
    w, b, c = (np.asarray(leaf, np.float64) for leaf in (model.weights, model.visible_bias, model.hidden_bias))
    hs = worlds.states(2).astype(float)
    for x in ((3, 1, 2), (0, 0, 1)):
        rows = np.stack([w[i, k] for i, k in enumerate(x)])
        terms = sum(b[i, k] for i, k in enumerate(x)) + hs @ c + (rows @ hs.T).sum(0)
        assert float(model.potential(jnp.asarray(x))) == pytest.approx(scipy.special.logsumexp(terms), rel=1e-5)
    wide = CategoricalRBM.from_arrays(weights=np.ones((2, 2, 7)), visible_bias=np.ones((2, 2)), hidden_bias=np.ones(7))
    assert wide.enumeration_levels == (2, 2)
    for counts in ((2,), (2, 3), (1, 1), (0, 2)):
        with pytest.raises(InputError, match="the levels of each of 2 columns"):
            CategoricalRBM.from_arrays(
                weights=np.ones((2, 2, 7)), visible_bias=np.ones((2, 2)), hidden_bias=np.ones(7), counts=counts
            )
    assert model.enumeration_levels == (2, 2)


class Mixture:
    """The machine of reals as the mixture of Gaussians that it is, with numpy."""

    def __init__(self, model):
        w, b, c, log_s = (
            np.asarray(leaf, np.float64)
            for leaf in (model.weights, model.visible_bias, model.hidden_bias, model.log_scale)
        )
        h = worlds.states(len(c)).astype(float)
        self.mean, self.scale = b + h @ w.T, np.exp(log_s)
        terms = h @ c + (0.5 * (self.mean / self.scale) ** 2 + 0.5 * np.log(2 * np.pi * self.scale**2)).sum(1)
        self.log_z = scipy.special.logsumexp(terms)
        self.weight = np.exp(terms - self.log_z)

    def draws(self, count, seed=0):
        rng = np.random.default_rng(seed)
        which = rng.choice(len(self.weight), count, p=self.weight)
        return self.mean[which] + self.scale * rng.standard_normal((count, self.mean.shape[1]))

    def log_prob(self, x):
        each = scipy.stats.norm.logpdf(x, self.mean, self.scale).sum(1)
        return scipy.special.logsumexp(each + np.log(self.weight))

    def expected(self):
        """Of x, x², x₀ x₁ and exp ½x."""
        squares = self.mean**2 + self.scale**2
        tilted = np.exp(0.5 * self.mean + self.scale**2 / 8)
        both = np.prod(self.mean, axis=1, keepdims=True)
        return self.weight @ np.concatenate([self.mean, squares, both, tilted], axis=1)


@pytest.fixture(scope="module")
def machine_of_reals():
    rng = np.random.default_rng(8)
    arrays = {"weights": 0.7 * rng.standard_normal((2, 3)), "visible_bias": np.array([0.4, -0.8])}
    model = GaussianRBM.from_arrays(**arrays, hidden_bias=rng.standard_normal(3), scale=np.array([0.8, 1.1]))
    return scattered(model, 0.3)


def test_the_machine_of_reals_is_a_mixture_of_gaussians(machine_of_reals):
    truth = Mixture(machine_of_reals)
    assert log_normaliser(machine_of_reals).value == pytest.approx(truth.log_z, rel=1e-5)
    for x in truth.draws(3):
        density = float(machine_of_reals.potential(jnp.asarray(x, jnp.float32))) - truth.log_z
        assert density == pytest.approx(truth.log_prob(x), abs=1e-4)
    for seed in range(3):
        found = log_normaliser(machine_of_reals, method="ais", temperatures=100, seed=seed)
        assert abs(found.value - truth.log_z) < 4 * found.se


def test_a_sweep_of_reals_leaves_the_mixture_as_it_is(machine_of_reals):
    truth = Mixture(machine_of_reals)
    x = jnp.asarray(truth.draws(20_000), jnp.float32)
    keys = jax.random.split(noise.make_key(4), len(x))
    after = np.asarray(jax.jit(jax.vmap(machine_of_reals.gibbs))(keys, x), np.float64)
    moments = np.concatenate([after, after**2, np.prod(after, axis=1, keepdims=True), np.exp(0.5 * after)], axis=1)
    assert errors_off(moments, truth.expected()) < 4
    assert abs(np.corrcoef(np.asarray(x)[:, 1], after[:, 1])[0, 1]) < 0.9  # It moves.


def test_data_up_and_draws_of_the_mixture_down_is_the_gradient_of_the_likelihood(machine_of_reals):
    parts, truth = {"model": machine_of_reals}, Mixture(machine_of_reals)
    x = jnp.asarray([[0.3, -1.0], [1.2, 0.4]])
    particles = jnp.asarray(truth.draws(20_000, seed=2).reshape(4000, 5, 2), jnp.float32)
    hidden = jnp.asarray(worlds.states(3))

    def log_likelihood(parts):
        terms = jax.vmap(parts["model"].enumerated_term)(hidden)
        return jnp.mean(jax.vmap(parts["model"].potential)(x)) - jax.nn.logsumexp(terms)

    def one(particles):
        return along(Contrastive(), parts, worlds.batch_of(x), {"particles": particles})["model"]

    found = jax.jit(jax.vmap(one))(particles)
    assert errors_off(found, gradient(log_likelihood, parts, "model")) < 4


def test_scales_must_be_positive():
    with pytest.raises(InputError, match="standard deviation"):
        GaussianRBM(scale=0.0)
    good = {"weights": np.zeros((2, 1)), "visible_bias": np.zeros(2), "hidden_bias": np.zeros(1)}
    with pytest.raises(InputError, match="scale must be"):
        GaussianRBM.from_arrays(**good, scale=np.zeros(2))
    fixed = worlds.made(GaussianRBM(hidden=2, scale=0.5), worlds.CONTINUOUS.spec)
    assert fixed.log_scale is None
    np.testing.assert_allclose(fixed.natural().precision, 4.0)
