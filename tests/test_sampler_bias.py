"""What samplers declare holds: their bias is what enumeration says, and shrinks at its order."""

import dataclasses
import functools
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie.learners import ContrastiveDivergence, InclusiveDiscreteField, StochasticMaximumLikelihood
from reverie.models import RBM
from reverie.samplers import (
    KERNELS,
    ChainsFromGenerator,
    IndependenceChains,
    Langevin,
    ParallelTempering,
    PersistentChains,
    ReplayBuffer,
    Together,
    kernel_of,
)
from tests import worlds
from tests.laws import skewed
from tests.measuring import surprise, tick
from tests.test_field_generators import FIELD, covariance, linear

# ------------------------------------------------------------------------------------------------------ declarations


@pytest.mark.parametrize("kernel", ["auto", *KERNELS])
def test_particles_are_as_exact_as_the_kernel_that_moves_them(kernel):
    declared = "biased" if kernel in ("auto", "langevin", "sghmc") else "asymptotic"
    assert StochasticMaximumLikelihood(kernel=kernel).sampler.exactness == declared
    assert StochasticMaximumLikelihood(kernel=kernel, buffer=200).sampler.exactness == "biased"
    assert ContrastiveDivergence(kernel=kernel).sampler.exactness == "biased"
    assert InclusiveDiscreteField(kernel=kernel, sweeps=0).sampler.exactness == "asymptotic"
    assert ParallelTempering(1, 5, kernel=kernel_of(kernel)).exactness == (
        "asymptotic" if kernel == "auto" else declared
    )


@pytest.mark.parametrize(
    ("model", "declared"),
    [("rbm", "asymptotic"), ("bit-field", "asymptotic"), ("random-field", "biased"), ("joint-field", "biased")],
)
def test_where_the_model_chooses_the_kernel_it_has_a_say_in_what_is_declared(model, declared):
    parts = {"model": worlds.blank(model)}
    for sampler in (PersistentChains(1, 5), IndependenceChains(1, 5, 1), Together((PersistentChains(1, 5),))):
        assert (sampler.exactness, sampler.exactness_with(parts)) == ("biased", declared)
    assert IndependenceChains(1, 5).exactness_with(parts) == "asymptotic"
    assert ReplayBuffer(1).exactness_with(parts) == PersistentChains(1, 5, Langevin()).exactness_with(parts) == "biased"
    assert StochasticMaximumLikelihood().targets(parts)["model"].claim == declared


# -------------------------------------------------------------------------------------------------------- enumeration


class Slow(NamedTuple):
    """A machine whose sweeps mix slowly and whose chains begin far off, and all that enumeration gives.

    Attributes:
        model: the machine.
        sweep: the matrix of a sweep, [8, 8].
        p: the model's probabilities.
        start: those of where chains begin.
        rate: λ, the second largest eigenvalue of a sweep.
        f: its eigenfunction, whose mean after k sweeps is nearer to its mean under p by the factor λ^k.
    """

    model: RBM
    sweep: np.ndarray
    p: np.ndarray
    start: np.ndarray
    rate: float
    f: np.ndarray


@functools.cache
def slow():
    made = RBM.from_arrays(
        weights=[[3.0, -1.0], [2.5, 0.5], [-1.0, 3.0]], visible_bias=[-2.0, -1.5, -0.5], hidden_bias=[-2.0, -0.5]
    )
    model = dataclasses.replace(made, base=jnp.array([2.0, 1.5, -1.0]))
    sweep = worlds.transition(model)
    values, vectors = np.linalg.eig(sweep)
    order = np.argsort(-values.real)
    log_p = np.asarray(jax.vmap(model.potential)(jnp.asarray(worlds.states(3))), np.float64)
    start = worlds.conditionals(model, 0.0)[1][0]
    f = vectors[:, order[1]].real
    return Slow(model, sweep, scipy.special.softmax(log_p), start, values[order[1]].real, f)


def bias(x, truth):
    """How far the mean of f over states is from its mean under p, and the standard error."""
    values = slow().f[worlds.place(x)]
    return values.mean() - truth @ slow().f, values.std() / np.sqrt(len(values))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_contrastive_divergences_chains_are_biased_by_the_rate_of_a_sweep_to_the_power_of_k(k):
    """Of chains that begin at one row: the whole distribution, and the slowest functional in standard errors."""
    batch = worlds.batch_of(np.broadcast_to(worlds.states(3)[7], (20_000, 3)))
    draw, chain, _ = jax.jit(ContrastiveDivergence(k=k).sampler.draw)(tick(), {"model": slow().model}, batch, None)
    assert chain is None
    x = draw["particles"]
    assert surprise(worlds.place(x), np.log(np.linalg.matrix_power(slow().sweep, k)[7])) > 1e-3
    found, se = bias(x, slow().p)
    first = slow().f[7] - slow().p @ slow().f
    assert abs(found - slow().rate ** k * first) < 4 * se
    assert abs(found) > 8 * se


def test_a_store_is_biased_by_its_restarts_to_the_first_order_and_less_by_every_move():
    """At each visit of a chain, μ ← ((1 − r) μ + r μ₀) Pᵐ: the store comes to follow the μ that this leaves as it is.

    So the bias of f is that of μ₀ times r λᵐ / (1 − (1 − r) λᵐ).
    """
    batch = worlds.batch_of(np.zeros((10_000, 3), bool))
    parts = {"model": slow().model}

    @functools.partial(jax.jit, static_argnums=1)
    def stored(restart, moves):
        sampler = ReplayBuffer(moves=moves, size=20_000, restart=restart)

        def step(chain, number):
            now = tick(0)._replace(key=jax.random.fold_in(tick().key, number))
            return sampler.draw(now, parts, batch, chain)[1], ()

        chain = sampler.init(tick(1).key, parts, 1, batch)
        return jax.lax.scan(step, chain, jnp.arange(60))[0].x

    found = []
    for restart, moves in ((0.1, 1), (0.05, 1), (0.5, 3)):
        x = stored(restart, moves)
        after = np.linalg.matrix_power(slow().sweep, moves)
        fixed = restart * slow().start @ np.linalg.inv(np.eye(8) - (1 - restart) * after) @ after
        assert surprise(worlds.place(x), np.log(fixed)) > 1e-3
        found.append(bias(x, slow().p))
        kept = slow().rate ** moves
        expected = restart * kept / (1 - (1 - restart) * kept) * (slow().start - slow().p) @ slow().f
        assert abs(found[-1][0] - expected) < 4 * found[-1][1] < 0.5 * abs(expected)
    (whole, se), (half, se_half), _ = found
    assert abs(2 * half - whole) < 4 * np.hypot(2 * se_half, se) < abs(whole)


@functools.cache
def revise(moves):
    return eqx.filter_jit(ChainsFromGenerator(moves, Langevin(0.1)).draw)


@pytest.mark.parametrize(("moves", "share"), [(1, 1.0), (6, 1.0), (6, 0.5)])
def test_what_a_generator_began_is_biased_by_what_it_is_off_and_geometrically_less_by_every_move(moves, share):
    """Of a linear generator and Langevin moves of ε in a field N(μ, s²): ρ = 1 − ε / 2s² is what a move leaves.

    The mean is off by ρ^k of what it was, the variance by ρ^{2k} of what it was from where those moves come to rest,
    s² / (1 − ε / 4s²); a generator that is half as far off leaves half the bias.
    """
    part, field = linear(), FIELD
    middle, spread = (np.asarray(leaf, np.float64) for leaf in (field.middle, field.spread))
    off = share * (np.asarray(part.network.layers[0].bias, np.float64) - middle)
    part = eqx.tree_at(lambda p: p.network.layers[0].bias, part, jnp.asarray(middle + off, jnp.float32))
    batch = worlds.batch_of(np.zeros((20_000, 2), np.float32))
    draw, _, _ = revise(moves)(tick(moves), {"model": field, "generator": part}, batch, None)
    x = np.asarray(draw["particles"], np.float64)

    left, rest = (1 - 0.1 / (2 * spread**2)) ** moves, spread**2 / (1 - 0.1 / (4 * spread**2))
    mean = middle + left * off
    variance = rest + left**2 * (np.diag(covariance(part)) - rest)
    truth = [mean, variance, np.exp(variance / 2 - mean)]
    for values, expected in zip(skewed(x, mean), truth, strict=True):
        assert np.all(np.abs(values.mean(0) - expected) < 4 * values.std(0) / np.sqrt(len(x)))
    assert np.all(np.abs(x.mean(0) - middle) > 8 * x.std(0) / np.sqrt(len(x)))
