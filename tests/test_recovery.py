"""Fields at levels of noise against quadrature: what they are given a noisier row, how they learn, what is drawn."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.directions import RecoveryContrast
from reverie.errors import InputError
from reverie.evaluation.draws import samples_of
from reverie.learners import RecoveryLikelihood
from reverie.models import RecoveryField
from reverie.parts import parameters
from reverie.samplers import MALA, RecoveryChains
from tests import worlds
from tests.measuring import along, draws, errors_off, tick

LEVELS = 3
GRID = np.linspace(-9.0, 9.0, 1201)
WORLD = worlds.continuous(columns=1)


@pytest.fixture(scope="module")
def model():
    """One column, and a field that is far from its reference."""
    return worlds.made(RecoveryField(LEVELS, hidden=(5,)), WORLD.spec, spread=0.4)


def angle(level):
    return 0.5 * np.pi * 0.99 * level / LEVELS


def test_the_field_given_a_noisier_row_is_that_of_bayes(model):
    """p(z_k | z_{k+1}) ∝ N(z_k; 0, 1) exp(z F(z, a_k)/√(1 + z²)) N(z_{k+1}; κ z_k, σ²), written out on a grid."""
    told = jax.jit(jax.vmap(lambda z, a: z * model.network(z[None], a, jnp.full((), -1))[0], (0, None)))
    root = np.sqrt(1 + GRID**2)
    given = jax.jit(lambda level, noisy, r: jax.vmap(model.given_noisy(level, noisy).potential)(r))
    for level, noisy in enumerate((-1.2, 0.4, 1.7)):
        kept = np.cos(angle(level + 1)) / np.cos(angle(level))
        spread = np.sqrt(1 - kept**2)
        tilt = np.asarray(told(jnp.asarray(GRID, jnp.float32), jnp.asarray(angle(level), jnp.float32))) / root
        log_p = -0.5 * GRID**2 + tilt - 0.5 * ((noisy - kept * GRID) / spread) ** 2
        r = (GRID - kept * noisy) / spread
        found = given(level, jnp.full(1, noisy), jnp.asarray(r[:, None], jnp.float32))
        near = np.abs(r) < 4
        gap = (np.asarray(found) - log_p)[near]
        assert np.ptp(gap) < 2e-3
        assert np.ptp(tilt[near]) > 0.1


def test_the_state_that_goes_with_a_row_gives_the_row_back(model, key):
    state = model.state_of(key, jnp.asarray([5.0]))
    assert float(state[0]) == pytest.approx((5.0 - model.mean[0]) / model.std[0], rel=1e-5)
    assert float(model.row(key, state)[0]) == pytest.approx(5.0, rel=1e-5)


def test_pairs_of_rows_have_the_moments_of_the_noise(model):
    x, level = jnp.asarray([5.0]), 1
    unit = (5.0 - model.mean[0]) / model.std[0]

    def one(key):
        state, noisy = model.noised_pair(key, x, jnp.asarray(level))
        here = model.recovered(jnp.asarray(level), noisy, state)
        here, noisy = here - np.cos(angle(level)) * unit, noisy - np.cos(angle(level + 1)) * unit
        return here, noisy, here**2, noisy**2, here * noisy

    kept = np.cos(angle(level + 1)) / np.cos(angle(level))
    here, there = np.sin(angle(level)) ** 2, np.sin(angle(level + 1)) ** 2
    assert errors_off(draws(one, 4000), tuple(np.full(1, v) for v in (0, 0, here, there, kept * here))) < 4


@pytest.mark.parametrize(("moves", "exact"), [(80, True), (1, False)])
def test_the_direction_is_the_gradient_of_the_recovery_likelihood(model, moves, exact):
    """Long chains that are corrected give the gradient by quadrature, whatever was drawn; one move does not."""
    sampler, batch = RecoveryChains(moves, MALA(0.8)), worlds.batch_of(WORLD.rows.raw[:6])
    r = jnp.linspace(-9.0, 9.0, 181)[:, None]

    def log_likelihood(part, drawn):
        def one(level, noisy, state):
            field = part.given_noisy(level, noisy)
            return field.potential(state) - jax.nn.logsumexp(jax.vmap(field.potential)(r))

        return jnp.mean(jax.vmap(one)(drawn.level, drawn.noisy, drawn.state))

    def off(key):
        parts = {"model": model}
        draw, _, _ = sampler.draw(tick()._replace(key=key), parts, batch, None)
        found = along(RecoveryContrast(), parts, batch, draw)["model"]
        truth = parameters(eqx.filter_grad(log_likelihood)(model, draw["recovery"]))
        return jax.tree.map(jnp.subtract, found, truth)

    gaps = draws(off, 600)
    assert (errors_off(gaps, jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:]), gaps)) < 4) is exact


class Mixture(eqx.Module):
    """F for which z F(z, a)/√(1 + z²) makes every level that of 0.7 N(−1, 0.3²) + 0.3 N(2, 0.2²) with its noise."""

    def __call__(self, z, a, y):
        weights, centres = jnp.log(jnp.asarray([0.7, 0.3])), jnp.cos(a) * jnp.asarray([-1.0, 2.0])
        spreads = jnp.sqrt((jnp.cos(a) * jnp.asarray([0.3, 0.2])) ** 2 + jnp.sin(a) ** 2)
        there = weights - jnp.log(spreads) - 0.5 * ((z[0] - centres) / spreads) ** 2
        return (jax.nn.logsumexp(there) + 0.5 * z[0] ** 2)[None] / z * jnp.sqrt(1 + z**2)


def test_draws_level_by_level_have_the_law_of_the_data(model):
    """With the right field at each level; a chain of p_0 alone would stay in the mode that it began in."""
    exact = dataclasses.replace(model, mean=(0.0,), std=(1.0,), network=Mixture())
    x = samples_of({"model": exact}, 1024, noise.make_key(5), sweeps=600)[:, 0]
    moments = np.stack([x, x**2, x**3, x > 0.5], axis=1)
    second = 0.7 * (1 + 0.09) + 0.3 * (4 + 0.04)
    third = 0.7 * (-1 - 3 * 0.09) + 0.3 * (8 + 3 * 2 * 0.04)
    assert errors_off(moments, np.array([-0.1, second, third, 0.3])) < 4


def test_options_that_make_no_levels_are_refused():
    with pytest.raises(InputError, match="at least 2 levels"):
        RecoveryField(levels=1)
    with pytest.raises(InputError, match="takes no step"):
        RecoveryLikelihood(kernel="gibbs")
