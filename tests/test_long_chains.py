"""A few long chains of everything that claims to be exact or asymptotically so, against laws that are known.

Mean, variance and E e^{−v} of numbers of the states, in standard errors of as many independent draws as the chains are
worth; and they must be worth thousands, so that what is wrong by a tenth of a standard deviation shows.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.evaluation.mixing import effective
from reverie.models import RBM, DeepBoltzmannMachine, Ising, SequenceField
from reverie.samplers import (
    KERNELS,
    MALA,
    SAMPLERS,
    BaseNoise,
    ClampedGibbs,
    CodeNoise,
    DataOnly,
    Dream,
    Gibbs,
    GibbsWithGradients,
    Hamiltonian,
    IndependenceChains,
    Kernel,
    LengthJumps,
    LocallyBalanced,
    MetropolisIndependence,
    NoisedData,
    NoiseRows,
    NoUTurn,
    ParallelTempering,
    PersistentChains,
    PersistentClassChains,
    PersistentStates,
    Sampler,
    Tick,
    Together,
)
from tests import test_inclusive_mis as inclusive_mis
from tests import test_sequence_fields as sequence_fields
from tests import worlds
from tests.laws import LEVELS, SKEWED_TRUTH, Levels, Skewed, moments, skewed
from tests.measuring import label

CHAINS, FLOOR = 8, 4000
WARM = 200
"""Moves in which trajectories without a U-turn tune themselves."""
SCORES = np.array([0.3, 0.7, 1.2, 0.5, 0.9], np.float32)


def score(x):
    """A number of each state of bits, [..., 1]; no two states of three bits have the same."""
    return x @ SCORES[: x.shape[-1], None]


class Run(NamedTuple):
    """Chains, what is seen of them, and what it should be.

    Attributes:
        sampler: what is drawn.
        parts: from what.
        seen: numbers of a draw, [chains, columns].
        truth: the mean, the variance and E e^{−v} of each column.
        batch: what the sampler is given with them.
        steps: how many draws are counted.
        dropped: how many before them are not.
        kept: what the chains remember, [steps, …] a leaf, if it is to be looked at.
    """

    sampler: Sampler | Together
    parts: dict[str, Any]
    seen: Callable[[Any], Any]
    truth: np.ndarray
    batch: Any = worlds.batch_of(np.zeros((CHAINS, 3), bool))
    steps: int = 8000
    dropped: int = 100
    kept: Callable[[Any], Any] = lambda chain: None


def enumerated(model: Any, states: Any, kernel: Kernel, value: Callable[[Any], Any] = score, **settings: Any) -> Run:
    """A kernel on a model with few enough states to list."""
    truth = moments(value(states), tabled(model.potential, states))
    sampler = PersistentChains(1, CHAINS, kernel)
    return Run(sampler, {"model": model}, lambda draw: value(draw["particles"]), truth)._replace(**settings)


def tabled(density: Any, states: Any) -> Any:
    """u or log p of all states."""
    return jax.jit(jax.vmap(density))(jnp.asarray(states))


def of_reals(kernel: Kernel, scale: tuple[float, float] = (1.0, 1.0), **settings: Any) -> Run:
    """A kernel on Gumbel's law."""
    seen = lambda draw: draw["particles"] / jnp.array(scale)
    truth = np.repeat(SKEWED_TRUTH[:, None], 2, axis=1)
    return Run(PersistentChains(1, CHAINS, kernel), {"model": Skewed(scale)}, seen, truth)._replace(**settings)


def sweeps_of_a_machine() -> Run:
    return enumerated(worlds.machine(), worlds.states(3), Gibbs())


def sweeps_of_spins() -> Run:
    rng = np.random.default_rng(2)
    half = np.triu(0.7 * rng.standard_normal((4, 4)), 1)
    model = Ising.from_arrays(field=0.6 * rng.standard_normal(4), couplings=half + half.T)
    return enumerated(model, worlds.states(4), Gibbs())


def sweeps_of_a_deep_machine() -> Run:
    """x of the whole, against sums over all layers."""
    rng = np.random.default_rng(0)
    sizes = (3, 2, 2)
    model = DeepBoltzmannMachine.from_arrays(
        weights=[rng.standard_normal(shape) for shape in itertools.pairwise(sizes)],
        biases=[rng.standard_normal(size) for size in sizes],
    )
    b, w = ([np.asarray(leaf, np.float64) for leaf in leaves] for leaves in (model.biases, model.weights))
    x, h, g = (worlds.states(size).astype(float) for size in sizes)
    joint = (x @ b[0])[:, None, None] + (h @ b[1])[:, None] + g @ b[2] + (x @ w[0] @ h.T)[:, :, None] + h @ w[1] @ g.T
    truth = moments(score(x), scipy.special.logsumexp(joint, axis=(1, 2)))
    seen = lambda draw: score(draw["particles"][:, :3])
    return Run(PersistentStates(1, CHAINS), {"model": model}, seen, truth)


def sweeps_given_classes() -> Run:
    """A column for each class."""
    model, states = worlds.machines(), worlds.states(3)
    u = tabled(lambda x: jax.vmap(lambda y: model.given(y).potential(x))(jnp.arange(3)), states)
    truth = np.concatenate([moments(score(states), one) for one in u.T], axis=1)
    seen = lambda draw: score(draw["class_particles"].x).reshape(3, CHAINS).T
    batch = worlds.batch_of(np.zeros((3, 3), bool))._replace(y=jnp.arange(3))
    return Run(PersistentClassChains(1, CHAINS), {"model": model}, seen, truth, batch)


def informed_flips() -> Run:
    return enumerated(inclusive_mis.pair("bits")[0]["model"], worlds.states(3), GibbsWithGradients(flips=2))


def level(x):
    """A number of each state of `Levels`."""
    return x @ np.array([[1.0], [0.6]], np.float32)


def informed_changes() -> Run:
    return enumerated(Levels(), LEVELS, GibbsWithGradients(), level)


def balanced_changes() -> Run:
    return enumerated(Levels(), LEVELS, LocallyBalanced(balance="barker"), level)


def corrected_langevin_moves() -> Run:
    return of_reals(MALA(step=0.8), steps=16_000)


def hamiltonian_trajectories() -> Run:
    return of_reals(Hamiltonian(step=0.8, leaps=3))


def trajectories_without_a_u_turn() -> Run:
    """After the moves in which they find their own step and masses."""
    kernel = NoUTurn(step=1.0, warmup=WARM, doublings=4)
    return of_reals(kernel, (0.5, 2.0), dropped=WARM + 20, kept=lambda chain: chain.memory)


def jumps_between_lengths() -> Run:
    """The length, and the sum of a line's symbols."""
    model = worlds.made(SequenceField(order=2, room=40), sequence_fields.SPEC, spread=0.6)

    def value(x):
        letters = x < sequence_fields.SYMBOLS
        return jnp.stack([jnp.sum(letters, axis=-1), jnp.sum(jnp.where(letters, x, 0), axis=-1)], -1) * 1.0

    assert np.array_equal(value(sequence_fields.ROWS)[:, 0], sequence_fields.LENGTHS)
    return enumerated(model, sequence_fields.ROWS, LengthJumps(), value)


def generators_proposals() -> Run:
    """From another law, and none of them depends on where a chain is."""
    parts, every, log_p, _ = inclusive_mis.pair("bits")
    truth = moments(score(every), log_p)
    return Run(IndependenceChains(2, CHAINS), parts, lambda draw: score(draw["particles"]), truth)


def exchanged_temperatures() -> Run:
    """Two modes, which no sweep leaves; the one that the base prefers is the lesser at the model."""
    machine = RBM.from_arrays(
        weights=np.full((3, 3), 6.0), visible_bias=[-8.9, -8.6, -8.4], hidden_bias=np.full(3, -9.0)
    )
    machine = dataclasses.replace(machine, base=jnp.array([-1.0, -1.4, -0.5]))
    run = enumerated(machine, worlds.states(3), Gibbs())
    return run._replace(sampler=ParallelTempering(1, CHAINS, 4), steps=16_000)


def codes_by_independence() -> Run:
    """Of one row, whose posterior is far from what proposes."""
    net = worlds.helmholtz()
    truth = moments(score(net.h), net.log_joint[6])
    batch = worlds.batch_of(np.broadcast_to(net.x[6], (CHAINS, 3)))

    def seen(draw):
        """The one of the two candidates at which the chain stands after the move: it has all the weight."""
        codes = draw["codes"]
        return score(codes.h[0][jnp.argmax(codes.weight, axis=0), jnp.arange(CHAINS)])

    return Run(MetropolisIndependence(1), net.parts, seen, truth, batch)


def dreams_and_uniforms() -> Run:
    net = worlds.helmholtz()
    every = np.array([np.concatenate(pair) for pair in itertools.product(net.x, net.h)])
    uniform = np.repeat([[0.5], [1 / 12], [1 - np.exp(-1)]], 2, axis=1)
    truth = np.concatenate([moments(score(every), net.log_joint.ravel()), uniform], axis=1)

    def seen(draw):
        x, h = draw["dreams"]
        return jnp.concatenate([score(jnp.concatenate([x, h[0]], axis=1)), draw["uniforms"][0][0][0]], axis=1)

    return Run(Together((Dream(), CodeNoise())), net.parts, seen, truth)


def noise_of_reals_and_on_rows() -> Run:
    normal = np.repeat([[0.0], [1.0], [np.exp(0.5)]], 6, axis=1)
    parts = {"model": worlds.made(worlds.blank("vp-sde"), worlds.CONTINUOUS.spec)}
    batch = worlds.batch_of(np.ones((CHAINS, 3), np.float32))
    seen = lambda draw: jnp.concatenate([draw["noise"][0], draw["noised"].noise], axis=1)
    return Run(Together((BaseNoise("model"), NoisedData())), parts, seen, normal, batch)


def rows_of_noise() -> Run:
    """Of the base, where no part is the noise."""
    machine, states = worlds.machine(), worlds.states(3)
    truth = moments(score(states), tabled(lambda x: machine.tempered_potential(x, jnp.zeros(())), states))
    return Run(NoiseRows(), {"model": machine}, lambda draw: score(draw["noise_rows"][0]), truth)


ROWS: dict[Callable[[], Run], tuple[type, ...]] = {
    sweeps_of_a_machine: (PersistentChains, Gibbs),
    sweeps_of_spins: (Gibbs,),
    sweeps_of_a_deep_machine: (PersistentStates,),
    sweeps_given_classes: (PersistentClassChains, ClampedGibbs),
    informed_flips: (GibbsWithGradients,),
    informed_changes: (GibbsWithGradients,),
    balanced_changes: (LocallyBalanced,),
    corrected_langevin_moves: (MALA,),
    hamiltonian_trajectories: (Hamiltonian,),
    trajectories_without_a_u_turn: (NoUTurn,),
    jumps_between_lengths: (LengthJumps,),
    generators_proposals: (IndependenceChains,),
    exchanged_temperatures: (ParallelTempering,),
    codes_by_independence: (MetropolisIndependence,),
    dreams_and_uniforms: (Dream, CodeNoise),
    noise_of_reals_and_on_rows: (BaseNoise, NoisedData),
    rows_of_noise: (NoiseRows,),
}
"""Chains, and whose claim they test."""


def test_every_claim_has_a_row():
    units: tuple[type[Kernel | Sampler], ...] = (*KERNELS.values(), ClampedGibbs, *SAMPLERS)
    claims = {cls for cls in units if cls.exactness != "biased"}
    assert claims - {DataOnly} == {cls for classes in ROWS.values() for cls in classes}


@functools.cache
def ran(row):
    """The run, what was seen at each draw, [steps, chains, columns], and what the chains remembered."""
    run = row()

    @eqx.filter_jit
    def passed(parts, key):
        def step(chain, key):
            draw, chain, _ = run.sampler.draw(Tick(key, jnp.zeros((), jnp.int32)), parts, run.batch, chain)
            return chain, (run.seen(draw), run.kept(chain))

        chain = run.sampler.init(jax.random.fold_in(key, 0), parts, CHAINS, run.batch)
        return jax.lax.scan(step, chain, jax.random.split(key, run.dropped + run.steps))[1]

    seen, kept = passed(run.parts, noise.make_key(5))
    return run, np.asarray(seen, np.float64), jax.tree.map(np.asarray, kept)


@pytest.mark.parametrize("row", ROWS, ids=label)
def test_long_chains_have_the_moments_of_their_law(row):
    run, seen, _ = ran(row)
    exactness = run.sampler.exactness_with(run.parts)
    assert exactness in ("exact", "asymptotic")
    found = seen[run.dropped :]
    assert found.shape == (run.steps, CHAINS, run.truth.shape[1])
    floor = 0.8 * run.steps * CHAINS if exactness == "exact" else FLOOR
    for values, truth in zip(skewed(found, run.truth[0]), run.truth, strict=True):
        for column, expected in zip(np.moveaxis(values, 2, 0), truth, strict=True):
            worth = effective(column.T)
            assert worth > floor
            assert abs(column.mean() - expected) < 4 * column.std() / np.sqrt(worth)
            # Chains side by side know nothing of each other.
            assert abs(np.corrcoef(column[:, :2].T)[0, 1]) < 4 / np.sqrt(worth / CHAINS)


def test_chains_tune_themselves_in_their_first_moves_and_never_after():
    """Their masses come to be the variances, 0.25 π²/6 and 4 π²/6."""
    _, _, memory = ran(trajectories_without_a_u_turn)
    assert np.array_equal(memory.moved[:, 0], np.minimum(np.arange(1, len(memory.moved) + 1), WARM))
    for leaf in jax.tree.leaves((memory.steps, memory.masses)):
        assert np.all(leaf[WARM - 1 :] == leaf[WARM - 1])
    masses = memory.masses.inverse_mass_matrix
    assert np.all(masses[0] == 1.0)
    np.testing.assert_allclose(masses[-1].mean(0), np.pi**2 / 6 * np.array([0.25, 4.0]), rtol=0.3)
    assert np.ptp(np.exp(memory.steps.log_step_size_avg[-1])) > 0.05
