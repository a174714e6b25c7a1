"""Moves on x: those that claim to leave p invariant do; the bias of the others is what the mathematics says."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.capabilities import HasRealPotential, HasRelaxedPotential
from reverie.errors import InputError
from reverie.evaluation.mixing import effective
from reverie.models import BitField
from reverie.samplers import (
    KERNELS,
    MALA,
    FrictionHamiltonian,
    GibbsWithGradients,
    Hamiltonian,
    Langevin,
    LocallyBalanced,
    NoUTurn,
    PersistentChains,
    Tick,
    kernel_of,
)
from reverie.samplers.kernel import Chains, begin_all, move_all
from tests import worlds
from tests.measuring import label, surprise

CHAINS = 20_000


class Skewed(HasRealPotential):
    """Two independent variables of Gumbel's law, scaled: u(x) = −Σ_i z_i + e^{−z_i}, z = x / scale."""

    scale: tuple[float, float] = (1.0, 1.0)

    def start(self, key):
        return jnp.zeros(2)

    def potential(self, x):
        z = x / jnp.array(self.scale)
        return -jnp.sum(z + jnp.exp(-z))


SKEWED_TRUTH = np.array([np.euler_gamma, np.pi**2 / 6, 1.0])


def skewed_values(x):
    """Of which the means are those of `SKEWED_TRUTH`: γ, the variance π²/6, and E e^{−x} = 1."""
    return x, (x - np.euler_gamma) ** 2, jnp.exp(-x) if isinstance(x, jax.Array) else np.exp(-x)


def check_skewed(x):
    """Means of independent draws, in standard errors."""
    for values, truth in zip(skewed_values(x), SKEWED_TRUTH, strict=True):
        assert np.all(np.abs(values.mean(0) - truth) < 4 * values.std(0) / np.sqrt(len(x)))


class Bell(HasRealPotential):
    """One standard normal variable."""

    def start(self, key):
        return jnp.zeros(1)

    def potential(self, x):
        return -0.5 * jnp.sum(x**2)


class Levels(HasRelaxedPotential):
    """Two sites of three levels, coupled."""

    levels = 3

    def start(self, key):
        return jnp.zeros(2, jnp.int32)

    def potential(self, x):
        relaxed = x if jnp.issubdtype(x.dtype, jnp.floating) else jax.nn.one_hot(x, 3)
        field = jnp.array([[0.0, 0.7, -0.4], [0.3, 0.0, 1.0]])
        coupling = jnp.array([[1.0, -1.0, 0.0], [0.0, 0.5, -0.5], [-0.8, 0.0, 0.6]])
        return jnp.sum(field * relaxed) + relaxed[0] @ coupling @ relaxed[1]


def after(kernel, model, x, moves, seed=4):
    """A batch of chains after some moves, and the rate of acceptance."""
    key = noise.make_key(seed)

    @jax.jit
    def run(x):
        return move_all(kernel, key, model, Chains(x, begin_all(kernel, jax.random.fold_in(key, 1), model, x)), moves)

    chains, rate = run(x)
    return np.asarray(chains.x), float(rate)


@pytest.mark.parametrize("kernel", [MALA(step=0.8), Hamiltonian(step=0.8, leaps=3)])
def test_what_is_corrected_leaves_a_skewed_law_as_it_was(kernel):
    """Exact draws stay exact, and they move."""
    start = jnp.asarray(np.random.default_rng(1).gumbel(size=(CHAINS, 2)), jnp.float32)
    x, rate = after(kernel, Skewed(), start, 12)
    assert 0.3 < rate < 0.97
    assert abs(np.corrcoef(x[:, 0], np.asarray(start)[:, 0])[0, 1]) < 0.6
    check_skewed(x)


@pytest.mark.parametrize("kernel", [MALA(step=0.8), Hamiltonian(step=0.8, leaps=3)])
def test_one_long_chain_has_the_moments_of_a_skewed_law(kernel):
    """In standard errors of as many draws as its states are worth."""
    sampler, batch = PersistentChains(1, 1, kernel), worlds.batch_of(np.zeros((2, 2), np.float32))

    @jax.jit
    def run(key):
        def step(chain, key):
            after = sampler.draw(Tick(key, jnp.asarray(0)), {"model": Skewed()}, batch, chain)[1]
            return after, after.x[0]

        begun = sampler.init(key, {"model": Skewed()}, 2, batch)
        return jax.lax.scan(step, begun, jax.random.split(key, 8000))[1]

    x = np.asarray(run(noise.make_key(5)), np.float64)[200:]
    for values, truth in zip(skewed_values(x), SKEWED_TRUTH, strict=True):
        for column in values.T:
            worth = effective(column[None])
            assert worth > 300
            assert abs(column.mean() - truth) < 4 * column.std() / np.sqrt(worth)


def rubbed(step):
    """With more friction than is usual, so that a chain mixes in fewer moves."""
    return FrictionHamiltonian(step, 0.3)


@pytest.mark.parametrize(("made", "step"), [(Langevin, 0.3), (rubbed, 0.15)], ids=label)
def test_what_is_not_corrected_is_biased_to_the_first_order_of_the_step(made, step):
    """The bias of a step is twice that of half the step; e^{-x} has none, since its slope is nought in the mean."""
    start = jnp.asarray(np.random.default_rng(6).gumbel(size=(4000, 2)), jnp.float32)

    @jax.jit
    def run(step, key):
        def some(chains, key):
            chains, _ = move_all(kernel, key, model, chains, 5)
            return chains, jnp.stack(skewed_values(chains.x))

        kernel, model = made(step), Skewed()
        begun = Chains(start, begin_all(kernel, key, model, start))
        return jnp.mean(jax.lax.scan(some, begun, jax.random.split(key, 400))[1][20:], axis=0)

    (whole, se), (half, se_half) = (
        (values.mean(0) - SKEWED_TRUTH, values.std(0) / np.sqrt(len(values)))
        for number, size in enumerate((step, step / 2))
        for values in [np.asarray(run(size, noise.make_key(number + 6)), np.float64).reshape(3, -1).T]
    )
    assert np.all((np.abs(whole) < 4 * se) == [False, False, True])
    assert np.all(whole[:2] > 8 * se[:2])
    assert np.all(half[:2] > 4 * se_half[:2])
    assert np.all(np.abs(2 * half - whole) < 4 * np.hypot(2 * se_half, se))
    assert 0.5 < np.log2(whole[0] / half[0]) < 1.5  # of the mean, which is told best


def test_trajectories_without_a_u_turn_leave_a_skewed_law_as_it_was_and_tune_themselves():
    """One kernel twice: with a step and masses that are given, from exact draws; and from the mode, finding its own."""
    scale, count = (0.1, 3.0), 1500
    kernel, key = NoUTurn(step=1.0, inverse_mass=(0.05, 5.0), warmup=45, doublings=3), noise.make_key(4)
    model = Skewed(scale)

    @jax.jit
    def moved(chains, seed):
        return move_all(kernel, jax.random.fold_in(key, seed), model, chains, 15)

    def same(a, b):
        return all(np.array_equal(x, y) for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True))

    start = jnp.asarray(np.random.default_rng(1).gumbel(size=(count, 2)) * scale, jnp.float32)
    begun = begin_all(kernel, key, model, start)
    steps = begun.steps._replace(log_step_size_avg=jnp.full(count, np.log(0.5), jnp.float32))
    given = begun._replace(moved=jnp.full(count, 45, jnp.int32), steps=steps)
    after, rate = moved(Chains(start, given), 0)
    assert same(after.memory, given)
    assert 0.6 < float(rate) < 0.97
    assert abs(np.corrcoef(after.x[:, 1], start[:, 1])[0, 1]) < 0.2
    check_skewed(np.asarray(after.x / jnp.array(scale)))

    first, _ = moved(Chains(jnp.zeros((count, 2)), begun), 1)
    second, _ = moved(first, 2)
    assert same(second, moved(jax.tree.map(jnp.asarray, jax.tree.map(np.asarray, first)), 2)[0])
    third, _ = moved(second, 3)
    assert np.all(third.memory.moved == 45)
    masses = np.mean(third.memory.masses.inverse_mass_matrix, axis=0)
    np.testing.assert_allclose(masses, np.pi**2 / 6 * np.square(scale), rtol=0.45)
    last, rate = moved(third, 4)
    assert same(last.memory, third.memory)
    assert 0.6 < float(rate) < 0.95
    check_skewed(np.asarray(last.x / jnp.array(scale)))


def test_less_noise_than_the_diffusion_has_narrows_the_law():
    start = jnp.asarray(np.random.default_rng(1).normal(size=(CHAINS, 1)), jnp.float32)
    x, _ = after(Langevin(step=0.5, noise=0.5), Bell(), start, 30)
    assert abs(np.mean(x**2) - 0.25 / 0.875) < 4 * 0.25 / 0.875 * np.sqrt(2 / CHAINS)


@pytest.mark.parametrize("flips", [1, 3])
def test_informed_flips_leave_a_field_of_bits_as_it_was(flips):
    model = worlds.made(BitField(hidden=(4,)), worlds.binary(columns=3).spec, spread=0.8)
    log_p = np.asarray(jax.vmap(model.potential)(jnp.asarray(worlds.states(3))), np.float64)
    log_p -= scipy.special.logsumexp(log_p)
    places = np.random.default_rng(2).choice(8, CHAINS, p=np.exp(log_p))
    x, rate = after(GibbsWithGradients(flips), model, jnp.asarray(worlds.states(3)[places]), 3)
    assert 0.2 < rate < 1.0
    assert np.mean(worlds.place(x) == places) < 0.8
    assert surprise(worlds.place(x), log_p) > 1e-3
    stuck, _ = after(GibbsWithGradients(flips), model, jnp.zeros((CHAINS, 3), bool), 60)
    assert surprise(worlds.place(stuck), log_p) > 1e-3


def test_informed_changes_leave_a_field_of_categories_as_it_was():
    model = Levels()
    grid = jnp.asarray([[i, j] for i in range(3) for j in range(3)], jnp.int32)
    log_p = np.asarray(jax.vmap(model.potential)(grid), np.float64)
    log_p -= scipy.special.logsumexp(log_p)
    x, rate = after(GibbsWithGradients(), model, jnp.zeros((CHAINS, 2), jnp.int32), 60)
    assert 0.3 < rate < 1.0
    assert surprise(x[:, 0] * 3 + x[:, 1], log_p) > 1e-3


def balanced(u, every, balance):
    """The matrix of one locally balanced proposal, made of the potentials of all states."""
    near = np.sum(every[:, None] != every[None], axis=-1) == 1
    ratio = np.exp(u[None] - u[:, None])
    worth = np.where(near, np.sqrt(ratio) if balance == "root" else ratio / (1 + ratio), 0.0)
    total = worth.sum(1)
    moved = worth / total[:, None] * np.minimum(1.0, total[:, None] / total[None])
    return moved + np.diag(1 - moved.sum(1))


@pytest.mark.parametrize(("discrete", "balance"), [("bits", "barker"), ("categories", "root")])
def test_balanced_flips_are_in_detailed_balance_and_move_by_their_matrix(discrete, balance):
    """From each state as many chains: where one flip leads, against the matrix, and three, against its third power."""
    if discrete == "bits":
        model, every = worlds.made(BitField(hidden=(4,)), worlds.binary(columns=3).spec, spread=0.8), worlds.states(3)
    else:
        model, every = Levels(), np.array([[i, j] for i in range(3) for j in range(3)], np.int32)
    u = np.asarray(jax.vmap(model.potential)(jnp.asarray(every)), np.float64)
    p, matrix = scipy.special.softmax(u), balanced(u, every, balance)
    np.testing.assert_allclose(p[:, None] * matrix, (p[:, None] * matrix).T, atol=1e-12)
    assert np.ptp(p) > 0.15
    for flips in (1, 3):
        start = np.repeat(np.arange(len(every)), 2500)
        x, rate = after(LocallyBalanced(flips, balance), model, jnp.asarray(every[start]), 1)
        ends = np.argmax(np.all(x[:, None] == every[None], axis=-1), axis=1)
        expected = np.linalg.matrix_power(matrix, flips) / len(every)
        possible = np.flatnonzero(expected.ravel())
        places = np.searchsorted(possible, start * len(every) + ends)
        assert np.array_equal(possible[places], start * len(every) + ends)
        assert surprise(places, np.log(expected.ravel()[possible])) > 1e-3
        if flips == 1:
            assert rate == pytest.approx(1 - np.mean(np.diag(matrix)), abs=0.02)


def test_kernels_are_chosen_by_name():
    assert kernel_of("auto") is None
    assert kernel_of("mala", 0.3) == MALA(step=0.3)
    assert all(isinstance(kernel_of(name), kind) for name, kind in KERNELS.items())
    for name, step in (("gibbs", 0.1), ("auto", 0.1), ("hmc", -1.0), ("langevin", float("nan"))):
        with pytest.raises(InputError):
            kernel_of(name, step)


@pytest.mark.parametrize("options", [{"doublings": 0}, {"warmup": -1}, {"target": 1.0}, {"inverse_mass": (1.0, 0.0)}])
def test_options_that_describe_no_kernel_are_refused(options):
    with pytest.raises(InputError, match=r"no-U-turn kernel needs|must be positive"):
        NoUTurn(**options)
    with pytest.raises(InputError, match="for each of 2 columns"):
        NoUTurn(inverse_mass=(1.0,)).move(noise.make_key(0), Skewed(), jnp.zeros(2), None)
    wrong: tuple[tuple[int, Any], ...] = ((0, "root"), (1, "square"))
    for flips, balance in wrong:
        with pytest.raises(InputError, match="balance root or barker"):
            LocallyBalanced(flips, balance)
