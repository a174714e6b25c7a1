"""Moves on x: those that claim to leave p invariant do; the bias of the others is what the mathematics says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.special

from reverie import noise
from reverie.capabilities import HasRealPotential, HasRelaxedPotential
from reverie.errors import InputError
from reverie.models import BitField
from reverie.samplers import (
    KERNELS,
    MALA,
    FrictionHamiltonian,
    GibbsWithGradients,
    Hamiltonian,
    Langevin,
    NoUTurn,
    kernel_of,
)
from reverie.samplers.kernel import Chains, begin_all, move_all
from tests import worlds
from tests.measuring import surprise

CHAINS = 20_000


class Skewed(HasRealPotential):
    """Two independent variables of Gumbel's law, scaled: u(x) = −Σ_i z_i + e^{−z_i}, z = x / scale."""

    scale: tuple[float, float] = (1.0, 1.0)

    def start(self, key):
        return jnp.zeros(2)

    def potential(self, x):
        z = x / jnp.array(self.scale)
        return -jnp.sum(z + jnp.exp(-z))


def check_skewed(x):
    """Mean γ, variance π²/6, E e^{−x} = 1."""
    for values, truth in (
        (x, np.euler_gamma),
        ((x - np.euler_gamma) ** 2, np.pi**2 / 6),
        (np.exp(-x), 1.0),
    ):
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


@pytest.mark.parametrize("step", [0.5, 0.1])
def test_the_bias_of_langevin_moves_is_of_the_order_of_the_step(step):
    """On N(0, 1): x' = (1 − ε/2) x + √ε ξ has the variance 1 / (1 − ε/4)."""
    variance = 1.0 / (1.0 - step / 4.0)
    start = jnp.asarray(np.random.default_rng(1).normal(size=(CHAINS, 1)) * np.sqrt(variance), jnp.float32)
    x, _ = after(Langevin(step=step), Bell(), start, 20)
    assert abs(np.mean(x**2) - variance) < 4 * variance * np.sqrt(2 / CHAINS)
    if step == 0.5:
        assert np.mean(x**2) - 1.0 > 8 * np.sqrt(2 / CHAINS)


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


def frictional(step, friction=0.3):
    """The covariance of (x, v) on N(0, 1), a linear recursion: it solves a discrete Lyapunov equation."""
    matrix = np.array([[1.0 - step, 1.0 - friction], [-step, 1.0 - friction]])
    return scipy.linalg.solve_discrete_lyapunov(matrix, 2.0 * friction * step * np.ones((2, 2)))


@pytest.mark.parametrize("step", [0.5, 0.1])
def test_the_bias_of_moves_with_friction_is_that_of_their_recursion(step):
    variance = frictional(step)[0, 0]
    start = jnp.asarray(np.random.default_rng(1).normal(size=(CHAINS, 1)), jnp.float32)
    x, _ = after(FrictionHamiltonian(step, 0.3), Bell(), start, 100)
    assert abs(np.mean(x**2) - variance) < 4 * variance * np.sqrt(2 / CHAINS)
    if step == 0.5:
        assert np.mean(x**2) - 1.0 > 8 * np.sqrt(2 / CHAINS)


def test_the_bias_of_moves_with_friction_falls_with_the_step():
    """Of the first order: the bias over ε tends to a number that is not nought."""
    slopes = [(frictional(step)[0, 0] - 1.0) / step for step in (0.02, 0.01, 0.005)]
    assert np.ptp(slopes) < 0.02 * slopes[-1]
    assert slopes[-1] > 0.2


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
