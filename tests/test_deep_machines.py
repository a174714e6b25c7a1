"""Deep Boltzmann machines and deep belief nets against sums over all their layers."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.directions import MeanFieldContrastive, UpDown
from reverie.errors import InputError
from reverie.evaluation import log_normaliser
from reverie.evaluation.draws import samples_of
from reverie.evaluation.likelihood import score
from reverie.learners import MeanFieldPCD
from reverie.models import DeepBeliefNet, DeepBoltzmannMachine
from reverie.parts import parameters
from reverie.samplers import StackPasses
from tests import worlds
from tests.measuring import along, draws, errors_off, gradient, surprise, tick


def boltzmann(sizes, seed=0, spread=0.8):
    rng = np.random.default_rng(seed)
    weights = [spread * rng.standard_normal(shape) for shape in itertools.pairwise(sizes)]
    return DeepBoltzmannMachine.from_arrays(
        weights=weights, biases=[spread * rng.standard_normal(size) for size in sizes]
    )


def centred():
    """A machine whose units are centred, with no number zero."""
    return worlds.made(DeepBoltzmannMachine((3, 2), iterations=40), worlds.binary(columns=3).spec, spread=0.8)


def by_layers(model):
    """log p̃ of all states of all layers, as the docstring has it: an axis for each layer."""
    offsets = [np.asarray(one, np.float64) for one in model._offsets()]
    biases = [np.asarray(one, np.float64) for one in model.biases]
    depth = len(biases)
    total = np.zeros((1,) * depth)
    for level, b in enumerate(biases):
        h = worlds.states(b.size).astype(float)
        shape = [1] * depth
        shape[level] = len(h)
        total = total + (h @ b).reshape(shape)
        if level + 1 < depth:
            above = worlds.states(biases[level + 1].size) - offsets[level + 1]
            pair = (h - offsets[level]) @ np.asarray(model.weights[level], np.float64) @ above.T
            shape[level + 1] = len(above)
            total = total + pair.reshape(shape)
    return total


def log_marginal(model):
    """log p̃ of every x, but for what the offsets add to all of them."""
    joint = by_layers(model)
    return scipy.special.logsumexp(joint, axis=tuple(range(1, joint.ndim)))


def constant(model):
    """What the offsets add: Σ_l o_{l−1} W_l o_l."""
    offsets = [np.asarray(one, np.float64) for one in model._offsets()]
    ends = zip(itertools.pairwise(offsets), model.weights, strict=True)
    return sum(below @ np.asarray(w, np.float64) @ above for (below, above), w in ends)


@pytest.mark.parametrize(
    "model",
    [boltzmann((3, 4)), boltzmann((3, 2, 2)), boltzmann((3, 2, 3, 2)), centred()],
    ids=["one layer", "two", "three", "centred"],
)
def test_the_whole_is_the_machine_with_its_odd_layers_summed_out(model):
    joint = by_layers(model) - constant(model)
    odd = tuple(range(1, joint.ndim, 2))
    expected = scipy.special.logsumexp(joint, axis=odd).ravel()
    even = [worlds.states(one.size) for one in model.biases[::2]]
    states = np.array([np.concatenate(layers) for layers in itertools.product(*even)])
    np.testing.assert_allclose(jax.vmap(model.whole().potential)(jnp.asarray(states)), expected, rtol=1e-4, atol=1e-5)
    assert log_normaliser(model).value == pytest.approx(scipy.special.logsumexp(joint), rel=1e-5)
    assert np.array_equal(model.row(noise.make_key(0), jnp.asarray(states[5])), states[5][:3])


def test_annealing_finds_log_z_of_deep_machines():
    for seed in range(3):
        model = boltzmann((5, 4, 3), seed)
        exact = log_normaliser(model, method="exact")
        found = log_normaliser(model, method="ais", temperatures=100, seed=seed)
        assert exact.kind == "exact"
        assert abs(found.value - exact.value) < 4 * found.se


def test_chains_on_the_whole_have_the_rows_of_the_model():
    model = boltzmann((3, 2, 2))
    log_p = log_marginal(model)
    x = samples_of({"model": model}, 4000, noise.make_key(1), sweeps=30)
    assert surprise(worlds.place(x), log_p - scipy.special.logsumexp(log_p)) > 1e-3


def test_the_mean_field_bound_is_a_bound_and_its_means_are_a_fixed_point():
    model = centred()
    xs = jnp.asarray(worlds.states(3))
    means = jax.vmap(model.mean_field)(xs)
    found = np.asarray(jax.vmap(model.mean_field_bound)(xs, means), np.float64)
    truth = log_marginal(model) - constant(model)
    assert (found < truth + 1e-4).all()
    assert (truth - found).max() < 0.7
    slope = jax.vmap(jax.grad(model.mean_field_bound, argnums=1))(xs, means)
    assert max(float(jnp.abs(leaf).max()) for leaf in slope) < 1e-3
    # Any factorised q has E_q log p̃ + H(q), here summed out.
    q = [np.array([0.3, 0.6, 0.9]), np.array([0.2, 0.7])]
    weigh = [np.prod(np.where(worlds.states(one.size), one, 1 - one), axis=1) for one in q]
    joint = (by_layers(model) - constant(model))[5]
    expected = np.einsum("ij,i,j", joint, *weigh) - sum(float(np.sum(scipy.special.xlogy(w, w))) for w in weigh)
    value = model.mean_field_bound(xs[5], tuple(jnp.asarray(one, jnp.float32) for one in q))
    assert float(value) == pytest.approx(expected, abs=1e-4)


def test_the_bound_up_and_the_models_own_states_down_is_the_gradient_of_the_likelihoods_bound():
    model = centred()
    parts, x = {"model": model}, jnp.asarray(worlds.states(3)[[1, 6, 3]])
    states = jnp.asarray(worlds.states(5))
    means = jax.vmap(model.mean_field)(x)
    logits = jax.vmap(model.whole().potential)(states)

    def bound(parts):
        log_z = jax.nn.logsumexp(jax.vmap(parts["model"].whole().potential)(states))
        return jnp.mean(jax.vmap(parts["model"].mean_field_bound)(x, means)) - log_z + based(parts)

    def based(parts):
        whole, ends = parts["model"].whole(), jnp.concatenate([x.astype(float), means[1]], axis=1)
        at_base = jnp.mean(jax.vmap(lambda s: parts["model"].base @ s)(ends))
        return at_base + whole.hidden * jnp.log(2.0) - whole.base_log_normaliser()

    def one(key):
        particles = states[jax.random.categorical(key, logits, shape=(5,))]
        return along(MeanFieldContrastive(), parts, worlds.batch_of(x), {"particles": particles})["model"]

    assert errors_off(draws(one, 4000), gradient(bound, parts, "model")) < 4


@functools.cache
def belief():
    return worlds.made(DeepBeliefNet((2, 2)), worlds.binary(columns=3).spec, spread=0.9)


def belief_table(model):
    """log p(x | h) + u(h) and log q(h | x) for all rows and h_1, with numpy."""
    w, b, r, q = (
        np.asarray(one, np.float64)
        for one in (model.weights[0], model.biases[0], model.up_biases[0], model.up_weights[0])
    )
    xs, hs = worlds.states(3).astype(float), worlds.states(2).astype(float)
    bits = lambda logits, values: (values * logits - np.logaddexp(0, logits)).sum(-1)
    down = bits((b + hs @ w.T)[None], xs[:, None])
    up = bits((r + xs @ q)[:, None], hs[None])
    w2, b1, b2 = (np.asarray(one, np.float64) for one in (model.weights[1], model.biases[1], model.biases[2]))
    return down + (hs @ b1 + np.logaddexp(0, b2 + hs @ w2).sum(-1))[None], up


def test_a_draw_of_the_belief_nets_bound_weighs_right():
    model = belief()
    joint, up = belief_table(model)
    x = jnp.asarray(worlds.states(3)[5])
    weights = np.exp(np.asarray(draws(lambda key: model.potential_bound(key, x), 8000), np.float64))
    assert errors_off(weights, np.exp(scipy.special.logsumexp(joint[5]))) < 4
    bounds = draws(lambda key: model.potential_bound(key, x), 8000, seed=2)
    assert errors_off(bounds, np.exp(up[5]) @ (joint[5] - up[5])) < 4


def test_rows_of_a_belief_net_come_down_from_its_top():
    model = belief()
    log_p = scipy.special.logsumexp(belief_table(model)[0], axis=1)
    x = samples_of({"model": model}, 4000, noise.make_key(1), sweeps=30)
    assert surprise(worlds.place(x), log_p - scipy.special.logsumexp(log_p)) > 1e-3


@pytest.mark.parametrize("kind", ["machine", "net"])
def test_states_go_with_a_row_and_the_base_is_that_of_the_path(kind):
    model = worlds.scattered(centred() if kind == "machine" else belief(), 5, 0.3)
    x, whole = jnp.asarray(worlds.states(3)[5]), model.whole()
    found = draws(lambda key: model.state_of(key, x), 4000)
    if kind == "machine":
        assert np.all(found[:, :3] == worlds.states(3)[5])
        assert errors_off(found[:, 3:], np.asarray(model.mean_field(x)[1])) < 4
    else:
        assert surprise(worlds.place(found), belief_table(model)[1][5]) > 1e-3
    at_base = whole.tempered_potential(jnp.asarray(found[7]), jnp.zeros(())) - whole.base_log_normaliser()
    assert float(model.base_log_prob(jnp.asarray(found[7]))) == pytest.approx(float(at_base), rel=1e-5)


@pytest.mark.parametrize("kind", ["machine", "net"])
def test_likelihoods_of_deep_models_are_bounds(kind):
    model = centred() if kind == "machine" else belief()
    world = worlds.binary(columns=3)
    rows = worlds.states(3)
    scores = score({"model": model}, world.measure, rows, noise.make_key(0), samples=1000)
    log_p = (log_marginal(model) - constant(model)) if kind == "machine" else None
    log_p = scipy.special.logsumexp(belief_table(model)[0], axis=1) if log_p is None else log_p
    log_p = log_p - scipy.special.logsumexp(log_p)
    assert scores is not None
    assert scores.kind == "lower bound"
    # Of the net: close to log p from the weights of a thousand draws, whose noise may pass it.
    above, below = (1e-3, 0.6) if kind == "machine" else (0.05, 0.05)
    assert log_p.mean() - below < scores.values.mean() < log_p.mean() + above


def moved(step, pretrain=5):
    parts, batch = {"model": belief()}, worlds.batch_of(worlds.states(3))
    now = tick(step=step)
    draw, _, info = StackPasses(2, pretrain).draw(now, parts, batch, None)
    ascent, _, _ = UpDown(pretrain).ascend(now, parts, batch, draw, None)
    return draw["passes"], parameters(ascent.along["model"]), float(info["level"])


def still(leaf):
    return not np.any(np.asarray(leaf))


def test_machines_take_turns_and_then_all_layers_move():
    for step in (0, 4):
        passes, g, level = moved(step)
        assert level == 0
        assert not still(g.weights[0])
        assert np.array_equal(g.weights[0], g.up_weights[0])
        assert not still(g.up_biases[0])
        assert still(g.weights[1])
        assert still(g.biases[1])
        assert still(g.base)
        assert np.array_equal(passes.down[0], passes.up[0])
        assert np.array_equal(passes.particles[1], passes.up[1])
    _, g, level = moved(5)
    assert level == 1
    assert still(g.weights[0])
    assert still(g.up_weights[0])
    assert not still(g.weights[1])
    assert not still(g.biases[2])
    assert not still(g.base)
    passes, g, level = moved(10)
    assert level == 2
    assert not any(still(leaf) for leaf in (*g.weights, *g.biases, *g.up_weights, *g.up_biases))
    assert not np.array_equal(g.weights[0], g.up_weights[0])
    assert not np.array_equal(passes.down[0], passes.up[0])


def test_particles_that_persist_forget_the_data_and_wait_for_their_turn():
    model, sampler = belief(), StackPasses(1, 30, persist=True)
    parts, batch = {"model": model}, worlds.batch_of(worlds.states(3)[np.zeros(400, int)])

    @jax.jit
    def after(key):
        def step(chain, i):
            now = tick()._replace(key=jax.random.fold_in(key, i), step=i)
            draw, chain, _ = sampler.draw(now, parts, batch, chain)
            return chain, draw["passes"].particles[1]

        start = sampler.init(key, parts, 400, batch)
        chain, tops = jax.lax.scan(step, start, jnp.arange(30))
        return start, chain, tops

    start, chain, tops = after(noise.make_key(5))
    assert np.array_equal(start[0], batch.x)
    assert np.array_equal(tops, np.broadcast_to(start[1], tops.shape))
    log_p = jax.vmap(model.machine(0).potential)(jnp.asarray(worlds.states(3)))
    assert surprise(worlds.place(chain[0]), log_p - scipy.special.logsumexp(log_p)) > 1e-3


def test_directions_of_a_stack_are_their_expectations():
    """Of its first machine, in its turn; then of all layers, waking and asleep, one sweep of the top between: sums."""
    model = belief()
    parts, rows = {"model": model}, np.array([1, 6, 3])
    batch = worlds.batch_of(worlds.states(3)[rows])
    xs, hs = jnp.asarray(worlds.states(3)), jnp.asarray(worlds.states(2))

    @jax.jit
    def drawn(step):
        def one(key):
            now = tick()._replace(key=key, step=step)
            draw, _, _ = StackPasses(1, 5).draw(now, parts, batch, None)
            return parameters(UpDown(5).ascend(now, parts, batch, draw, None)[0].along["model"])

        return jax.vmap(one)(jax.random.split(noise.make_key(11), 4000))

    def potentials(machine, states):
        return jax.vmap(machine.potential)(states)

    def first(parts):
        before = np.bincount(rows, minlength=8) / 3
        machine = parts["model"].machine(0)
        return (before - before @ worlds.transition(model.machine(0))) @ potentials(machine, xs)

    def all_layers(parts):
        rise = np.exp(belief_table(model)[1])[rows]
        before = rise.mean(axis=0)
        after = before @ worlds.transition(model.whole())
        pairs = lambda of: jax.vmap(lambda x: jax.vmap(lambda h: of((x, h)))(hs))(xs)
        fall = after * jnp.exp(pairs(model.log_prob_down))
        wake = jnp.sum(rise * pairs(parts["model"].log_prob_down)[rows]) / 3
        asleep = jnp.sum(fall * pairs(parts["model"].log_prob_up))
        whole = parts["model"].whole()
        based = before @ (hs @ whole.base) - whole.base_log_normaliser()
        return wake + asleep + (before - after) @ potentials(whole, hs) + based

    of_first = gradient(first, parts, "model").tied()
    assert errors_off(drawn(jnp.asarray(0)), of_first) < 4.5
    assert errors_off(drawn(jnp.asarray(10)), gradient(all_layers, parts, "model")) < 4.5


def conditionals(machine, copies):
    """The fields of hidden units from the copies of a layer, and of these from copies of the hidden ones."""
    below, above = copies
    up = machine.hidden_bias + jnp.tile(below, machine.weights.shape[0] // below.size) @ machine.weights
    return up, machine.visible_bias + machine.weights @ jnp.tile(above, machine.weights.shape[1] // above.size)


def test_machines_of_a_boltzmann_machine_hear_twice_from_the_one_side_that_there_is():
    model = worlds.made(DeepBoltzmannMachine((3, 2, 4)), worlds.binary(columns=3).spec, spread=0.8)
    rng = np.random.default_rng(0)
    layers = [jnp.asarray(rng.integers(0, 2, size), jnp.float32) for size in (3, 3, 2, 4)]
    offsets = model._offsets()
    for level, (up_twice, down_twice) in enumerate([(2, 1), (2, 2), (1, 2)]):
        up, down = conditionals(model.machine(level), layers[level : level + 2])
        w, b, c = model.weights[level], model.biases[level], model.biases[level + 1]
        expected_up = c + up_twice * (layers[level] - offsets[level]) @ w
        expected_down = b + down_twice * w @ (layers[level + 1] - offsets[level + 1])
        np.testing.assert_allclose(up.reshape(-1, c.size), jnp.tile(expected_up, (up.size // c.size, 1)), atol=1e-5)
        np.testing.assert_allclose(
            down.reshape(-1, b.size), jnp.tile(expected_down, (down.size // b.size, 1)), atol=1e-5
        )
    assert model.machine(0).weights.shape == (6, 3)
    assert model.machine(2).weights.shape == (2, 8)
    alone = worlds.made(DeepBoltzmannMachine((3,)), worlds.binary(columns=3).spec, spread=0.8)
    whole = jax.vmap(alone.whole().potential)(jnp.asarray(worlds.states(3)))
    np.testing.assert_allclose(jax.vmap(alone.machine(0).potential)(jnp.asarray(worlds.states(3))), whole, atol=1e-5)


def test_machines_of_a_boltzmann_machine_are_learned_first():
    """One after the other, by the expectation of their contrast; then the bound."""
    model, rows = centred(), np.array([1, 6, 3])
    parts, batch = {"model": model}, worlds.batch_of(worlds.states(3)[rows])
    learner = MeanFieldPCD(k=1, particles=5, pretrain=5)
    chain = learner.sampler.init(noise.make_key(0), parts, 3, batch)

    @jax.jit
    def drawn(step):
        def one(key):
            now = tick()._replace(key=key, step=step)
            draw, _, _ = learner.sampler.draw(now, parts, batch, chain)
            return parameters(learner.direction.ascend(now, parts, batch, draw, None)[0].along["model"])

        return jax.vmap(one)(jax.random.split(noise.make_key(11), 4000))

    twice = jnp.asarray(worlds.states(6))
    before = np.bincount(worlds.place(np.tile(worlds.states(3)[rows], (1, 2))), minlength=64) / 3
    after = before @ worlds.transition(model.machine(0))

    def first(parts):
        return (before - after) @ jax.vmap(parts["model"].machine(0).potential)(twice)

    assert errors_off(drawn(jnp.asarray(0)), gradient(first, parts, "model")) < 4.5
    second = jax.tree.map(lambda leaf: leaf[0], drawn(jnp.asarray(5)))
    assert still(second.weights[0])
    assert not still(second.weights[1])
    both = jax.tree.map(lambda leaf: leaf[0], drawn(jnp.asarray(10)))
    assert not any(still(leaf) for leaf in (*both.weights, *both.biases))
    with pytest.raises(InputError, match="pretrain must not be negative"):
        MeanFieldPCD(pretrain=-1)


def test_what_makes_no_deep_model_is_refused():
    for made, said in (
        (lambda: DeepBoltzmannMachine(()), "sizes of at least 1"),
        (lambda: DeepBoltzmannMachine((2,), iterations=0), "1 iteration"),
        (lambda: DeepBeliefNet((3,)), "with one it is an RBM"),
        (lambda: DeepBoltzmannMachine.from_arrays(weights=[np.zeros((2, 2))], biases=[np.zeros(2)]), "one vector"),
        (
            lambda: DeepBoltzmannMachine.from_arrays(weights=[np.zeros((2, 3))], biases=[np.zeros(2)] * 2),
            "their shapes are",
        ),
        (
            lambda: DeepBoltzmannMachine.from_arrays(weights=[np.full((2, 2), np.nan)], biases=[np.zeros(2)] * 2),
            "finite",
        ),
    ):
        with pytest.raises(InputError, match=said):
            made()
