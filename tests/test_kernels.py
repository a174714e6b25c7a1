"""Moves on x: the bias of those that have one is what the mathematics says, and informed flips move by their matrix."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.capabilities import HasRealPotential
from reverie.errors import InputError
from reverie.models import BitField
from reverie.samplers import (
    KERNELS,
    MALA,
    FrictionHamiltonian,
    Langevin,
    LocallyBalanced,
    NoUTurn,
    kernel_of,
)
from reverie.samplers.kernel import Chains, begin_all, move_all
from tests import worlds
from tests.laws import LEVELS, SKEWED_TRUTH, Levels, Skewed, skewed
from tests.measuring import label, surprise

CHAINS = 20_000


class Bell(HasRealPotential):
    """One standard normal variable."""

    def start(self, key):
        return jnp.zeros(1)

    def potential(self, x):
        return -0.5 * jnp.sum(x**2)


def after(kernel, model, x, moves, seed=4):
    """A batch of chains after some moves, and the rate of acceptance."""
    key = noise.make_key(seed)

    @jax.jit
    def run(x):
        return move_all(kernel, key, model, Chains(x, begin_all(kernel, jax.random.fold_in(key, 1), model, x)), moves)

    chains, rate = run(x)
    return np.asarray(chains.x), float(rate)


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
            return chains, jnp.stack(skewed(chains.x, np.euler_gamma))

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


def test_less_noise_than_the_diffusion_has_narrows_the_law():
    start = jnp.asarray(np.random.default_rng(1).normal(size=(CHAINS, 1)), jnp.float32)
    x, _ = after(Langevin(step=0.5, noise=0.5), Bell(), start, 30)
    assert abs(np.mean(x**2) - 0.25 / 0.875) < 4 * 0.25 / 0.875 * np.sqrt(2 / CHAINS)


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
        model, every = Levels(), LEVELS
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
