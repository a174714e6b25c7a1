"""Draws come by the way that the model has, one for each place, and go back to raw rows."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.auxiliaries import Critic
from reverie.capabilities import Pushforward
from reverie.data import Binarise, Dequantise, Standardise
from reverie.errors import InputError
from reverie.evaluation import samples_of, to_raw
from reverie.models import RBM
from reverie.parts import Part
from tests import measuring, worlds

KEY = noise.make_key(4)


@pytest.mark.parametrize("name", ["vae", "made", "generator", "rbm"])
def test_the_first_draws_do_not_depend_on_how_many_come(name):
    model = worlds.blank(name)
    parts = {"model": worlds.made(model, worlds.world_for(model).spec, spread=0.5)}
    many = samples_of(parts, 300, KEY, sweeps=20)
    assert isinstance(many, np.ndarray)
    assert len(many) == 300
    assert many.dtype in (np.bool_, np.float32)
    assert np.array_equal(samples_of(parts, 7, KEY, sweeps=20), many[:7])
    assert len(np.unique(many, axis=0)) > 3
    assert not np.array_equal(samples_of(parts, 7, noise.make_key(5), sweeps=20), many[:7])


def rbm():
    rng = np.random.default_rng(1)
    made = RBM.from_arrays(weights=rng.normal(size=(4, 3)), visible_bias=rng.normal(size=4), hidden_bias=np.zeros(3))
    # Chains start far from where they must end.
    return dataclasses.replace(made, base=jnp.full(4, 3.0))


def test_gibbs_chains_end_where_the_potential_says():
    model, x = rbm(), worlds.states(4)
    potential = np.asarray(jax.vmap(model.potential)(jnp.asarray(x)), np.float64)
    log_prob = potential - np.logaddexp.reduce(potential)
    assert measuring.surprise(worlds.place(samples_of({"model": model}, 2000, KEY, sweeps=50)), log_prob) > 1e-3
    assert measuring.surprise(worlds.place(samples_of({"model": model}, 2000, KEY, sweeps=0)), log_prob) < 1e-9


class Pushed(Part, Pushforward):
    """Twice the noise, plus three."""

    def init(self, key, spec, model=None):
        return self

    def noise(self, key):
        return noise.normal(key, (2,))

    def push(self, noise):
        return 2.0 * noise + 3.0


def test_a_map_of_noise_is_enough():
    x = samples_of({"model": Pushed()}, 1000, KEY)
    assert measuring.errors_off(x, np.full(2, 3.0)) < 4
    assert x.std(axis=0) == pytest.approx(np.full(2, 2.0), rel=0.1)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="Critic has no draws: a model needs Samplable, HasGibbs or Pushforward"):
        samples_of({"model": Critic()}, 3, KEY)
    for n, sweeps in ((0, 10), (3, -1)):
        with pytest.raises(InputError, match="draws need n of at least 1 and sweeps of at least 0"):
            samples_of({"model": rbm()}, n, KEY, sweeps=sweeps)


def test_draws_go_back_to_raw_rows():
    x = np.random.default_rng(0).normal(size=(300, 2)).astype(np.float32)
    raw = to_raw(Standardise((3.0, -1.0), (2.0, 0.5)), x)
    assert raw == pytest.approx(x * [2.0, 0.5] + [3.0, -1.0], abs=1e-5)
    whole = np.random.default_rng(0).integers(0, 5, (300, 3))
    assert np.array_equal(to_raw(Dequantise(5), (whole + 0.5) / 5), whole)
    bits = to_raw(Binarise(threshold=7.0), whole > 2)
    assert isinstance(bits, np.ndarray)
    assert bits.shape == (300, 3)
