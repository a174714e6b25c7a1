"""Chains in a model shifted by fast weights: where they go, how the weights move, and that modes are left sooner."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.errors import InputError
from reverie.learners import FastWeightPCD
from reverie.models import RBM
from reverie.parts import parameters
from reverie.samplers import FastWeightChains
from tests import worlds
from tests.measuring import surprise, tick


def drawn(sampler, model, batch, steps, x, fast=None):
    """The last chain and the share of bits that are on after each step."""
    parts = {"model": model}
    chain = sampler.init(noise.make_key(1), parts, len(batch.x), batch)
    chain = chain._replace(chains=chain.chains._replace(x=jnp.asarray(x)), fast=chain.fast if fast is None else fast)

    def one(chain, step):
        time = tick()._replace(key=jax.random.fold_in(noise.make_key(2), step))
        _, chain, _ = sampler.draw(time, parts, batch, chain)
        return chain, jnp.mean(chain.chains.x)

    return jax.jit(lambda chain: jax.lax.scan(one, chain, jnp.arange(steps)))(chain)


def test_chains_follow_the_shifted_model():
    """Weights that stay as they are: draws have the probabilities of θ + w, and not those of θ."""
    model = worlds.machine()
    fast = worlds.scattered(jax.tree.map(jnp.zeros_like, parameters(model)), 9, 0.8)
    sampler = FastWeightChains(40, 4000, rate=0.0, decay=1.0)
    start = np.zeros((4000, 3), bool)
    chain, _ = drawn(sampler, model, worlds.batch_of(worlds.states(3)), 1, start, fast)
    places = worlds.place(chain.chains.x)

    def log_p(model):
        return jax.nn.log_softmax(jax.vmap(model.potential)(jnp.asarray(worlds.states(3))))

    assert surprise(places, log_p(eqx.apply_updates(model, fast))) > 1e-3
    assert surprise(places, log_p(model)) < 1e-6


def test_fast_weights_move_as_the_equation_says():
    """w ← a w + r (data − particles), with the gradient of u at θ in closed form."""
    model, x = worlds.machine(), worlds.states(3)[[1, 6, 3]]
    fast = worlds.scattered(jax.tree.map(jnp.zeros_like, parameters(model)), 9, 0.8)
    sampler = FastWeightChains(1, 7, rate=0.3, decay=0.9)
    chain, _ = drawn(sampler, model, worlds.batch_of(x), 1, worlds.states(3)[:7], fast)

    def moments(x):
        x = np.asarray(x, np.float64)
        on = 1 / (1 + np.exp(-(x @ np.asarray(model.weights) + np.asarray(model.hidden_bias))))
        return x.T @ on / len(x), on.mean(0), x.mean(0)

    names = ("weights", "hidden_bias", "visible_bias")
    for name, data, taken in zip(names, moments(x), moments(chain.chains.x), strict=True):
        expected = 0.9 * np.asarray(getattr(fast, name)) + 0.3 * (data - taken)
        np.testing.assert_allclose(getattr(chain.fast, name), expected, rtol=1e-4, atol=1e-5)


def test_particles_leave_a_mode_that_holds_too_many():
    """Two modes, all off and all on, between which a sweep hardly passes; rows in both, all chains start in one."""
    model = RBM.from_arrays(weights=np.full((6, 2), 2.5), visible_bias=np.full(6, -2.5), hidden_bias=np.full(2, -7.5))
    batch = worlds.batch_of(np.repeat([[False] * 6, [True] * 6], 10, axis=0))
    start = np.zeros((200, 6), bool)
    share = {rate: drawn(FastWeightChains(1, 200, rate), model, batch, 20, start)[1][-1] for rate in (0.0, 0.3)}
    assert share[0.0] < 0.3
    assert 0.45 < share[0.3] < 0.8


@pytest.mark.parametrize("options", [{"rate": -0.1}, {"rate": float("inf")}, {"decay": 1.0}, {"decay": -0.1}])
def test_rates_that_are_none_are_refused(options):
    with pytest.raises(InputError, match="rate must be finite"):
        FastWeightPCD(**options)
