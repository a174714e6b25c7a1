"""Models of bits, by enumeration: densities sum to one and draws follow them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.bits import as_float
from reverie.capabilities import HasLogProb, Samplable
from reverie.inference import SigmoidBeliefPosterior
from reverie.learners import WakeSleep
from reverie.models import DARN, FVSBN, MADE, SigmoidBeliefNet
from reverie.pairing import check, missing
from tests import worlds
from tests.measuring import draws, surprise


def fixed(model, spec):
    """A model of which no number is zero and nothing is symmetric."""
    return worlds.made(model, spec, spread=0.7)


BITS = [
    name
    for name in worlds.models_with(HasLogProb, Samplable)
    if worlds.blank(name).unsuited(worlds.BINARY.spec) is None
]
AUTOREGRESSIVE = {
    **{name: worlds.blank(name) for name in BITS},
    "made, one order": MADE(hidden=(6,), orders=1),
    "made, three orders": MADE(hidden=(5, 4), orders=3, seed=2),
}
X = worlds.states(4)


@pytest.mark.parametrize("which", AUTOREGRESSIVE)
def test_densities_of_bits_sum_to_one_and_draws_follow_them(which):
    model = fixed(AUTOREGRESSIVE[which], worlds.BINARY.spec)
    log_p = jax.jit(jax.vmap(model.log_prob))(X)
    assert float(jnp.sum(jnp.exp(log_p))) == pytest.approx(1.0, abs=1e-5)
    assert np.ptp(log_p) > 1.0
    assert surprise(worlds.place(draws(model.sample, 20_000)), log_p) > 1e-3


@pytest.mark.parametrize("model", [FVSBN(), MADE(hidden=(6, 5), orders=3)], ids=["fvsbn", "made"])
def test_a_conditional_reads_the_columns_before_it_and_no_other(model):
    model = fixed(model, worlds.BINARY.spec)
    for member in range(getattr(model, "orders", 1)):
        order = [int(column) for column in model.order(jnp.asarray(member))]
        assert sorted(order) == list(range(4))
        reads = jax.jacobian(lambda x, m=member: model.conditional_logits(x, jnp.asarray(m)))(jnp.full(4, 0.5))
        for place, column in enumerate(order):
            assert np.all(np.asarray(reads)[column, order[place:]] == 0.0)
    assert np.any(reads != 0.0)


def test_the_first_order_of_made_is_the_columns_own_and_the_rest_are_drawn():
    one, other = (worlds.made(MADE(hidden=(6,), orders=3, seed=s), worlds.binary(columns=7).spec) for s in (1, 2))
    orders, others = ([tuple(int(c) for c in m.order(jnp.asarray(k))) for k in range(3)] for m in (one, other))
    assert orders[0] == others[0] == tuple(range(7))
    assert len({*orders, *others}) == 5


NETS = [SigmoidBeliefNet((2,)), SigmoidBeliefNet((2, 1), hidden=(3,)), DARN((2,)), DARN((2, 2), hidden=(3,))]


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{type(net).__name__} {net.sizes}")
def test_the_joint_of_a_belief_net_sums_to_one_and_dreams_follow_it(net):
    model = fixed(net, worlds.binary(columns=3).spec)
    all_bits = worlds.states(3 + sum(net.sizes))
    cuts = np.cumsum([3, *net.sizes])[:-1]

    def joint(bits):
        x, *h = jnp.split(bits, cuts)
        return model.log_joint(x, tuple(h))

    log_p = jax.jit(jax.vmap(joint))(all_bits)
    assert float(jnp.sum(jnp.exp(log_p))) == pytest.approx(1.0, abs=1e-5)
    x, h = draws(model.sample_joint, 20_000)
    assert surprise(worlds.place(np.concatenate([x, *h], axis=1)), log_p) > 1e-3


def test_a_belief_net_is_the_product_of_its_layers():
    """Layer for layer as Ou 2019, Eq. 2 has it, with numpy."""
    model = fixed(SigmoidBeliefNet((3, 2)), worlds.BINARY.spec)
    x, h1, h2 = np.array([1, 0, 1, 1]), np.array([1, 0, 1]), np.array([0, 1])

    def log_bits(bits, logits):
        p = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
        return np.sum(np.log(np.where(bits, p, 1 - p)))

    steps = [model.decoder.network, *model.layers]
    down = [(np.asarray(step.layers[0].weight), np.asarray(step.layers[0].bias)) for step in steps]
    expected = log_bits(h2, model.top) + log_bits(h1, h2 @ down[1][0] + down[1][1])
    code = (jnp.asarray(h1, bool), jnp.asarray(h2, bool))
    assert float(model.log_prior(code)) == pytest.approx(expected, rel=1e-5)
    expected += log_bits(x, h1 @ down[0][0] + down[0][1])
    assert float(model.log_joint(jnp.asarray(x, bool), code)) == pytest.approx(expected, rel=1e-5)


def test_a_bit_of_darn_reads_the_bits_before_it_in_its_layer():
    """p(h_1 | h_2) bit by bit, with numpy; and what comes after a bit does not reach it."""
    model = fixed(DARN((3, 2)), worlds.BINARY.spec)
    h1, h2 = np.array([1, 0, 1]), np.array([0, 1])
    step, weight = model.layers[0].layers[0], np.asarray(model.sideways[0].weight)
    outside = h2 @ np.asarray(step.weight) + np.asarray(step.bias)
    expected = 0.0
    for i in range(3):
        p = 1 / (1 + np.exp(-(outside[i] + sum(weight[i, j] * h1[j] for j in range(i)))))
        expected += np.log(p if h1[i] else 1 - p)
    given = model.sideways[0].log_prob(jnp.asarray(outside), jnp.asarray(h1, bool))
    assert float(given) == pytest.approx(expected, rel=1e-5)
    assert np.abs(np.tril(weight, -1)).max() > 0.1


def test_darn_without_its_sideways_weights_is_a_belief_net():
    spec = worlds.BINARY.spec
    net = fixed(SigmoidBeliefNet((3, 2)), spec)
    darn = DARN((3, 2)).init(noise.make_key(0), spec)
    darn = dataclasses.replace(darn, top=net.top, decoder=net.decoder, layers=net.layers)
    x, h = jnp.array([True, False, True, True]), (jnp.array([True, False, True]), jnp.array([False, True]))
    assert float(darn.log_joint(x, h)) == pytest.approx(float(net.log_joint(x, h)), rel=1e-5)


def test_a_relaxed_code_of_darn_is_the_code_at_the_corners():
    model = fixed(DARN((3, 2)), worlds.BINARY.spec)
    x = jnp.array([True, False, True, True])
    hard = tuple(jnp.asarray(block) for block in model.codes())
    both = jax.jit(jax.vmap(lambda h: (model.log_joint(x, h), model.log_joint(x, jax.tree.map(as_float, h)))))(hard)
    np.testing.assert_allclose(both[0], both[1], rtol=1e-4)


def test_a_helmholtz_machine_is_the_pair_of_two_belief_nets():
    """A net downwards and a net upwards over the same layers, which wake and sleep teach in turn."""
    pair = check(SigmoidBeliefNet((3, 2)), WakeSleep())
    assert pair == {"model": SigmoidBeliefNet((3, 2)), "inference": SigmoidBeliefPosterior()}
    assert not missing(DARN((3, 2)), WakeSleep())
