"""Tempered particles of models without sweeps of their own: by MALA of reals, by informed flips of bits."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.capabilities import HasRealPotential, HasTempering
from reverie.errors import InputError
from reverie.learners import LEARNERS, TemperedMaximumLikelihood
from reverie.models import BitField
from reverie.samplers import MALA, ParallelTempering
from tests import worlds
from tests.measuring import surprise, tick


class Wells(HasTempering, HasRealPotential):
    """Two wells, 30 standard deviations apart and unequally deep, on top of N(0, 2²); u_β is a straight path."""

    def start(self, key):
        return self.base_sample(key)

    def base_sample(self, key):
        return 2.0 * jax.random.normal(key, (1,))

    def base_log_normaliser(self):
        return jnp.log(2.0 * jnp.sqrt(2 * jnp.pi))

    def potential(self, x):
        return jnp.logaddexp(0.7 - 50.0 * jnp.sum((x - 1.5) ** 2), -50.0 * jnp.sum((x + 1.5) ** 2))

    def tempered_potential(self, x, beta):
        return (1.0 - beta) * -0.125 * jnp.sum(x**2) + beta * self.potential(x)


def test_reals_are_tempered_by_moves_that_are_not_the_models_own():
    """The share of the deeper well, and moments within it, from starts that are all in the other."""
    model, batch = Wells(), worlds.batch_of(np.zeros((2, 1), np.float32))
    sampler = ParallelTempering(moves=100, particles=2000, replicas=8, kernel=MALA(0.02))
    start = jnp.full_like(sampler.init(noise.make_key(1), {"model": model}, 2, batch), -1.5)
    draw, _, info = jax.jit(sampler.draw)(tick(), {"model": model}, batch, start)
    x = np.asarray(draw["particles"], np.float64)[:, 0]
    share = scipy.special.expit(0.7)
    assert abs(np.mean(x > 0) - share) < 4 * np.sqrt(share * (1 - share) / 2000)
    inside = x[x > 0] - 1.5
    assert abs(inside.mean()) < 4 * inside.std() / np.sqrt(inside.size)
    assert abs(np.var(inside) / 0.01 - 1.0) < 4 * np.sqrt(2 / inside.size)
    assert 0.02 < float(info["exchanged"]) < 0.98


def test_bits_without_a_sweep_of_their_own_are_tempered_by_flips():
    model = worlds.made(BitField(hidden=(4,)), worlds.binary(columns=3).spec, spread=0.8)
    batch = worlds.batch_of(np.zeros((2, 3), bool))
    log_p = np.asarray(jax.vmap(model.potential)(jnp.asarray(worlds.states(3))), np.float64)
    log_p -= scipy.special.logsumexp(log_p)
    sampler = ParallelTempering(moves=40, particles=4000, replicas=3)
    start = jnp.zeros_like(sampler.init(noise.make_key(1), {"model": model}, 2, batch))
    draw, _, _ = jax.jit(sampler.draw)(tick(), {"model": model}, batch, start)
    assert surprise(worlds.place(draw["particles"]), log_p) > 1e-3


def test_a_kernel_that_remembers_is_refused():
    with pytest.raises(InputError, match="choose auto or gibbs or mala"):
        LEARNERS["tempered-pcd"](kernel="nuts")
    with pytest.raises(InputError, match="takes no step"):
        TemperedMaximumLikelihood(kernel="gibbs", step=0.1)
