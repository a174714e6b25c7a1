"""Samplers are as exact as they say: measured against enumeration."""

import typing

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.capabilities import StartsChains
from reverie.models import RBM
from reverie.samplers import (
    SAMPLERS,
    BaseNoise,
    ChainsFromData,
    ChainsFromGenerator,
    ClassChainsFromData,
    CodeNoise,
    Codes,
    DataOnly,
    Dream,
    FastWeightChains,
    Importance,
    IndependenceChains,
    Kernel,
    LocalVariational,
    MetropolisIndependence,
    NoisedData,
    NoiseOrCodes,
    NoiseRows,
    ParallelTempering,
    PersistentChains,
    PersistentClassChains,
    PersistentStates,
    PersistentToldChains,
    RecoveryChains,
    ReplayBuffer,
    StackPasses,
    Tick,
    Together,
    ToldChainsFromData,
)
from reverie.samplers.metropolis import KeptCodes
from reverie.samplers.sampler import Exactness
from tests import worlds
from tests.measuring import errors_off, surprise, tick


@pytest.fixture(scope="module")
def net():
    return worlds.helmholtz()


def gaussian_pair():
    parts = worlds.parts_for("vae", "elbo")
    return worlds.scattered(parts, 4, 0.3)


# One example of each: the sampler, and parts that it can draw from.
ROWS = {
    DataOnly: lambda: (DataOnly(), worlds.helmholtz().parts),
    BaseNoise: lambda: (BaseNoise("inference", 3), gaussian_pair()),
    CodeNoise: lambda: (CodeNoise(3, sets=2), worlds.helmholtz().parts),
    Importance: lambda: (Importance(3), worlds.helmholtz().parts),
    NoiseOrCodes: lambda: (NoiseOrCodes(3), worlds.helmholtz().parts),
    LocalVariational: lambda: (LocalVariational(2, count=3), gaussian_pair()),
    Dream: lambda: (Dream(), worlds.helmholtz().parts),
    MetropolisIndependence: lambda: (MetropolisIndependence(3), worlds.helmholtz().parts),
    IndependenceChains: lambda: (IndependenceChains(2, 5, 1), worlds.parts_for("rbm", "inclusive-mis")),
    NoisedData: lambda: (NoisedData(0.1), worlds.parts_for("vp-sde", "denoising")),
    ChainsFromData: lambda: (ChainsFromData(2), {"model": worlds.machine()}),
    PersistentChains: lambda: (PersistentChains(2, 5), {"model": worlds.machine()}),
    ClassChainsFromData: lambda: (ClassChainsFromData(2), {"model": worlds.machines()}),
    PersistentClassChains: lambda: (PersistentClassChains(2, 5), {"model": worlds.machines()}),
    ToldChainsFromData: lambda: (ToldChainsFromData(2), worlds.parts_for("rbm-given-columns", "told-cd")),
    PersistentToldChains: lambda: (PersistentToldChains(2), worlds.parts_for("conditional-field", "told-pcd")),
    PersistentStates: lambda: (PersistentStates(2, 5), worlds.parts_for("dbm", "mean-field-pcd")),
    StackPasses: lambda: (StackPasses(2, 5), worlds.parts_for("dbn", "up-down")),
    ParallelTempering: lambda: (ParallelTempering(1, 5, 3), {"model": worlds.machine()}),
    FastWeightChains: lambda: (FastWeightChains(2, 5, 0.1), {"model": worlds.machine()}),
    RecoveryChains: lambda: (RecoveryChains(2), worlds.parts_for("recovery-field", "recovery")),
    ReplayBuffer: lambda: (ReplayBuffer(2, 9, 0.5), {"model": worlds.machine()}),
    ChainsFromGenerator: lambda: (
        ChainsFromGenerator(2, code_moves=1),
        worlds.parts_for("random-field", "inclusive"),
    ),
    NoiseRows: lambda: (NoiseRows(3), worlds.parts_for("rbm", "nce")),
}
FOUR = (BaseNoise, LocalVariational, StackPasses, ToldChainsFromData, PersistentToldChains)
"""Samplers whose parts take rows of four bits."""


def test_every_sampler_has_a_row():
    assert set(ROWS) == set(SAMPLERS)


@pytest.mark.parametrize("cls", SAMPLERS, ids=lambda cls: cls.__name__)
def test_a_sampler_keeps_its_contract(cls):
    """Traced only: what it gives, by name; a chain that keeps its shapes; numbers for people."""
    sampler, parts = ROWS[cls]()
    assert sampler.exactness in typing.get_args(Exactness)
    assert hash(sampler) == hash(ROWS[cls]()[0])
    batch = worlds.batch_of(worlds.states(4 if cls in FOUR else 3)[:6], index=np.arange(6) * 2)._replace(
        y=jnp.arange(6) % 4 - 1
    )
    chain = eqx.filter_eval_shape(sampler.init, noise.make_key(0), parts, 20, batch)
    draw, after, info = eqx.filter_eval_shape(sampler.draw, tick(), parts, batch, chain)
    assert tuple(draw) == sampler.gives
    assert worlds.alike(after, chain)
    for old, new in zip(jax.tree.leaves(chain), jax.tree.leaves(after), strict=True):
        assert (old.shape, old.dtype) == (new.shape, new.dtype)
    assert all(value.shape == () for value in info.values())
    for codes in (value for value in draw.values() if isinstance(value, Codes)):
        assert codes.weight.shape == codes.log_weight.shape == jax.tree.leaves(codes.h)[0].shape[:2]


def test_noise_is_fresh_for_each_row_and_draw():
    parts = gaussian_pair()
    batch = worlds.batch_of(worlds.states(4))
    draw, _, _ = BaseNoise("inference", 500).draw(tick(), parts, batch, None)
    e = np.asarray(draw["noise"])
    assert e.shape == (500, 16, 2)
    assert len(np.unique(e)) > 0.999 * e.size
    flat = e.reshape(500, -1)
    correlation = np.corrcoef(flat, rowvar=False) - np.eye(32)
    assert np.abs(correlation).max() < 4.5 / np.sqrt(500)
    assert errors_off(flat**2, np.ones(32)) < 4.5


def test_dreams_follow_the_model(net):
    batch = worlds.batch_of(np.zeros((20_000, 3), bool))
    draw, _, _ = jax.jit(Dream().draw)(tick(), net.parts, batch, None)
    places = 4 * worlds.place(draw["dreams"].x) + worlds.place(draw["dreams"].h[0])
    assert surprise(places, net.log_joint.ravel()) > 1e-3


# -------------------------------------------------------------------------------------------------------- importance


def tuples(net, x, count):
    """All K-tuples of codes for a row: their places [n, K], their probabilities under q, and their weights [n, K]."""
    places = np.indices((4,) * count).reshape(count, -1).T
    log_w = (net.log_joint - net.log_q)[x][places]
    return places, np.exp(net.log_q[x][places].sum(1)), scipy.special.softmax(log_w, axis=1), log_w


def importance_mean(net, x, count, f):
    """E Σ_k w̄_k f(h_k), exactly."""
    places, probability, weight, _ = tuples(net, x, count)
    return np.sum(probability * np.sum(weight * f[places], axis=1))


F = np.array([0.0, 1.0, -2.0, 5.0])


def test_importance_sampling_is_biased_by_one_over_k(net):
    """The bias times K settles, so that it falls as 1/K; with one code the draw is one of q."""
    truth = net.posterior[3] @ F
    bias = {k: importance_mean(net, 3, k, F) - truth for k in (1, 2, 3, 5, 6, 7)}
    assert bias[1] == pytest.approx(np.exp(net.log_q[3]) @ F - truth, rel=1e-4)
    assert abs(bias[7]) > 0.01
    assert abs(bias[7]) < 0.5 * abs(bias[2])
    order = -np.log(bias[7] / bias[5]) / np.log(7 / 5)
    assert 0.8 < order < 1.2


@pytest.mark.parametrize("count", [1, 3])
def test_importance_sampling_draws_what_enumeration_expects(net, count):
    batch = worlds.batch_of(np.broadcast_to(net.x[3], (20_000, 3)))
    draw, _, info = jax.jit(Importance(count).draw)(tick(), net.parts, batch, None)
    codes = draw["codes"]
    places = worlds.place(codes.h[0])
    np.testing.assert_allclose(codes.log_weight, (net.log_joint - net.log_q)[3][places], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(codes.weight.sum(0), 1.0, rtol=1e-5)
    _, probability, weight, log_w = tuples(net, 3, count)
    values = np.sum(np.asarray(codes.weight) * F[places], axis=0)
    assert errors_off(values, importance_mean(net, 3, count, F)) < 4
    bounds = scipy.special.logsumexp(np.asarray(codes.log_weight), axis=0) - np.log(count)
    assert float(info["iw_bound"]) == pytest.approx(bounds.mean(), rel=1e-4)
    exact = probability @ (scipy.special.logsumexp(log_w, axis=1) - np.log(count))
    assert errors_off(bounds, exact) < 4
    assert float(info["ess"]) == pytest.approx(np.mean(1 / np.sum(np.asarray(codes.weight) ** 2, axis=0)), rel=1e-4)
    assert abs(float(info["ess"]) - probability @ (1 / np.sum(weight**2, axis=1))) < 0.05


# -------------------------------------------------------------------------------------------------------- metropolis

ROWS_OF = np.array([2, 6])  # two rows of different posteriors


def kept(places, visited=True):
    return KeptCodes((jnp.asarray(worlds.states(2)[places]),), jnp.full(len(places), visited))


def test_the_metropolis_chain_leaves_every_rows_posterior_invariant(net):
    """Codes that are exact draws stay exact draws, each of its own row's posterior, though q is far from it."""
    rng = np.random.default_rng(0)
    which = np.tile(ROWS_OF, 10_000)
    start = np.array([rng.choice(4, p=net.posterior[x] / net.posterior[x].sum()) for x in which])
    batch = worlds.batch_of(net.x[which])
    draw, chain, info = jax.jit(MetropolisIndependence(2).draw)(tick(), net.parts, batch, kept(start))
    ends = worlds.place(chain.h[0])
    for x in ROWS_OF:
        assert np.abs(net.posterior[x] - np.exp(net.log_q[x])).max() > 0.1
        assert surprise(ends[which == x], np.log(net.posterior[x])) > 1e-3
    assert 0.1 < float(info["acceptance"]) < 0.95
    assert np.mean(ends != start) > 0.1
    # So do all the states that the moves passed through, by the weight that they are given.
    codes = draw["codes"]
    np.testing.assert_allclose(codes.weight.sum(0), 1.0, rtol=1e-6)
    assert set(np.unique(codes.weight)) == {0.0, 0.5, 1.0}
    values = np.sum(np.asarray(codes.weight) * F[worlds.place(codes.h[0])], axis=0)
    for x in ROWS_OF:
        assert errors_off(values[which == x], net.posterior[x] @ F) < 4


def test_the_metropolis_chain_moves_by_its_acceptance_probability(net):
    """One move from one code, against min{1, w(h)/w(kept)} in numpy."""
    q, log_w = np.exp(net.log_q[3]), (net.log_joint - net.log_q)[3]
    for start in range(4):
        accept = np.minimum(1.0, np.exp(log_w - log_w[start]))
        expected = q * accept
        expected[start] += 1 - expected.sum()
        batch = worlds.batch_of(np.broadcast_to(net.x[3], (20_000, 3)))
        chain = kept(np.full(20_000, start))
        _, chain, _ = MOVE(tick(start), net.parts, batch, chain)
        assert surprise(worlds.place(chain.h[0]), np.log(expected)) > 1e-3


MOVE = jax.jit(MetropolisIndependence(1).draw)


def test_the_first_proposal_of_a_row_is_accepted(net):
    batch = worlds.batch_of(np.broadcast_to(net.x[6], (20_000, 3)))
    log_w = (net.log_joint - net.log_q)[6]
    assert np.ptp(log_w[0] - log_w) > 1  # so that the code that fills the empty places would refuse some
    assert log_w[0] > log_w.min()
    chain = MetropolisIndependence(1).init(noise.make_key(0), net.parts, 20_000, batch)
    assert not np.any(chain.visited)
    draw, chain, info = MOVE(tick(), net.parts, batch, chain)
    assert float(info["acceptance"]) == 1.0
    assert np.all(chain.visited)
    assert np.all(np.asarray(draw["codes"].weight) == [[0.0], [1.0]])
    assert surprise(worlds.place(chain.h[0]), net.log_q[6]) > 1e-3


def test_codes_are_kept_from_a_later_step_on(net):
    """Before it a row begins with a fresh code, which is accepted; from it on with the code that it kept last."""
    batch = worlds.batch_of(np.broadcast_to(net.x[6], (500, 3)))
    draw = jax.jit(MetropolisIndependence(1, cache_after=5).draw)
    likely = int(np.argmax((net.log_joint - net.log_q)[6]))
    _, before, info = draw(tick(1, 4), net.parts, batch, kept(np.full(500, likely)))
    assert float(info["acceptance"]) == 1.0
    _, after, info = draw(tick(2, 5), net.parts, batch, before)
    assert 0.0 < float(info["acceptance"]) < 1.0
    stayed = np.mean(worlds.place(after.h[0]) == worlds.place(before.h[0]))
    assert stayed >= 1.0 - float(info["acceptance"]) - 1e-6


def test_codes_are_kept_by_row(net):
    """A batch changes the codes of its own rows, and starts from them."""
    start = np.arange(40) % 4
    index = np.array([31, 2, 17, 8])
    chain = KeptCodes(kept(start).h, jnp.zeros(40, bool).at[jnp.array([2, 5])].set(True))
    batch = worlds.batch_of(net.x[[1, 2, 3, 4]], index=index)
    draw, after, _ = jax.jit(MetropolisIndependence(3).draw)(tick(), net.parts, batch, chain)
    others = np.setdiff1d(np.arange(40), index)
    ends = worlds.place(after.h[0])
    assert np.array_equal(ends[others], start[others])
    assert set(np.flatnonzero(after.visited)) == {2, 5, *index}
    codes = worlds.place(draw["codes"].h[0])
    assert np.array_equal(codes[0], start[index])
    # The last place that carries weight is not known, but the kept code is one that does.
    for row, number in enumerate(index):
        carried = codes[np.asarray(draw["codes"].weight)[:, row] > 0, row]
        assert ends[number] in carried
    unvisited = np.asarray(draw["codes"].weight)[0, [0, 2, 3]]
    assert np.all(unvisited == 0.0)


# ------------------------------------------------------------------------------------------------------------- gibbs


def density(model):
    log_p = np.asarray(jax.vmap(model.potential)(worlds.states(3)), np.float64)
    return log_p - scipy.special.logsumexp(log_p)


def test_particles_go_on_from_where_they_were_and_reach_the_model():
    model = worlds.machine()
    sampler = PersistentChains(moves=5, particles=20_000)
    batch = worlds.batch_of(np.zeros((2, 3), bool))
    start = sampler.init(noise.make_key(1), {"model": model}, 2, batch)
    assert start.x.shape == (20_000, 3)
    stuck = jnp.broadcast_to(jnp.asarray(worlds.states(3)[6]), (20_000, 3))
    draw = jax.jit(sampler.draw)
    drawn, chain, info = draw(tick(0), {"model": model}, batch, start._replace(x=stuck))
    assert np.array_equal(drawn["particles"], chain.x)
    moved = np.mean(np.asarray(chain.x) != np.asarray(stuck))
    assert float(info["particles_moved"]) == pytest.approx(moved, rel=1e-5)
    for step in range(1, 12):
        _, chain, _ = draw(tick(step), {"model": model}, batch, chain)
    assert surprise(worlds.place(chain.x), density(model)) > 1e-3


def test_exchanges_leave_every_temperature_as_it_was_and_make_modes_meet():
    """Two modes that a sweep does not leave: alone, chains stay in one; with a single warmer one they reach both."""
    weights = np.full((3, 3), 6.0)
    machine = RBM.from_arrays(weights=weights, visible_bias=[-9.3, -9.0, -8.8], hidden_bias=np.full(3, -9.0))
    sampler = ParallelTempering(moves=60, particles=4000, replicas=2)
    batch = worlds.batch_of(np.zeros((2, 3), bool))
    start = jax.tree.map(jnp.zeros_like, sampler.init(noise.make_key(1), {"model": machine}, 2, batch))
    draw, chain, info = jax.jit(sampler.draw)(tick(), {"model": machine}, batch, start)
    assert surprise(worlds.place(draw["particles"]), density(machine)) > 1e-3
    assert np.array_equal(draw["particles"], chain[-1])
    assert surprise(worlds.place(chain[0]), base_density(machine)) > 1e-3
    assert 0.02 < float(info["exchanged"]) < 0.98
    alone = PersistentChains(moves=60, particles=4000)
    stuck = alone.init(noise.make_key(1), {"model": machine}, 2, batch)
    drawn, _, _ = jax.jit(alone.draw)(tick(), {"model": machine}, batch, stuck._replace(x=jnp.zeros((4000, 3), bool)))
    assert surprise(worlds.place(drawn["particles"]), density(machine)) < 1e-3


def base_density(model):
    log_p = np.asarray(jax.vmap(lambda x: model.tempered_potential(x, 0.0))(worlds.states(3)), np.float64)
    return log_p - scipy.special.logsumexp(log_p)


class Nought(StartsChains):
    """Chains begin at 0."""

    def start(self, key):
        return jnp.zeros(1)


class Counting(Kernel):
    """A move adds one."""

    exactness = "asymptotic"
    needs = (StartsChains,)

    def move(self, key, model, x, memory):
        return x + 1.0, memory, jnp.ones(())


def test_a_store_moves_as_many_chains_as_the_batch_has_rows_and_begins_some_anew():
    sampler = ReplayBuffer(moves=2, size=1000, restart=0.3, kernel=Counting())
    batch = worlds.batch_of(np.zeros((100, 3), bool))
    parts = {"model": Nought()}
    store = sampler.init(noise.make_key(1), parts, 100, batch)
    assert np.array_equal(store.x, np.zeros((1000, 1)))
    draw, after, _ = jax.jit(sampler.draw)(tick(), parts, batch, store._replace(x=store.x + 50.0))
    values, counts = np.unique(after.x, return_counts=True)
    assert values.tolist() == [2.0, 50.0, 52.0]
    assert counts[1] == 900
    assert abs(counts[0] - 30) < 4 * np.sqrt(100 * 0.3 * 0.7)
    assert np.unique(draw["particles"]).tolist() == [2.0, 52.0]


# ---------------------------------------------------------------------------------------------------------- together


def test_samplers_together_have_keys_of_their_own_and_merge_by_name(net):
    both = Together((Importance(1), Dream()))
    assert both.gives == ("codes", "dreams")
    batch = worlds.batch_of(np.zeros((64, 3), bool))
    chain = both.init(noise.make_key(0), net.parts, 64, batch)
    assert chain == (None, None)
    draw, chain, info = jax.jit(both.draw)(tick(), net.parts, batch, chain)
    assert set(draw) == {"codes", "dreams"}
    assert set(info) == {"iw_bound", "ess"}
    keys = jax.random.split(noise.make_key(0), 2)
    for sampler, key in zip(both.samplers, keys, strict=True):
        alone, _, _ = jax.jit(sampler.draw)(Tick(key, jnp.asarray(0)), net.parts, batch, None)
        merged = {name: draw[name] for name in alone}
        assert jax.tree.all(jax.tree.map(np.array_equal, alone, merged))


@pytest.mark.parametrize(
    ("members", "exactness"),
    [
        ((Dream(), DataOnly()), "exact"),
        ((Dream(), MetropolisIndependence(1)), "asymptotic"),
        ((Importance(2), MetropolisIndependence(1), Dream()), "biased"),
    ],
)
def test_samplers_together_are_as_exact_as_the_weakest(members, exactness):
    assert Together(members).exactness == exactness
