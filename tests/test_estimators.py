"""Gradient estimators for discrete codes: their means against sums over all codes, decoder and encoder apart."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.directions import (
    Concrete,
    ConcreteBound,
    ControlVariate,
    MuProp,
    NeuralVariational,
    StraightThrough,
    StraightThroughConcrete,
    layers,
)
from reverie.directions.arm import expected
from reverie.directions.concrete_bound import relaxed_signal
from reverie.errors import InputError
from reverie.evaluation.gradient_draws import warmed
from reverie.learners import GumbelSoftmax
from reverie.samplers import CodeNoise, Importance, Tick
from tests.estimating import WORLDS, deep, drawn, exact, shallow
from tests.measuring import along, ascents, errors_off

MEASURED = [
    ("shallow", "reinforce"),
    ("shallow", "relax"),
    *(("deep", name) for name in ("reinforce-others", "nvil", "muprop", "arm", "disarm", "rebar", "relax")),
    *(("categories", name) for name in ("nvil", "muprop", "rebar", "relax")),
]


@pytest.mark.parametrize(("world", "name"), MEASURED)
def test_an_unbiased_estimator_has_the_mean_of_the_exact_gradient(world, name):
    """Decoder and encoder apart; an error of a tenth would be seen in either."""
    given, truth = drawn(world, name), exact(world)
    for part in ("model", "inference"):
        assert errors_off(given[part], truth[part]) < 4
        assert errors_off(given[part], jax.tree.map(lambda leaf: 1.1 * leaf, truth[part])) > 4


# ----------------------------------------------------------------------------------------------------------- variance


def noise_of(given, count=1):
    """Σ Var / Σ mean² of an ascent of φ with one code: free of its scale."""
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(given)]
    variance = count * sum(leaf.var(axis=0).sum() for leaf in leaves)
    return float(variance / sum((leaf.mean(axis=0) ** 2).sum() for leaf in leaves))


@functools.cache
def later(cls, world="deep"):
    """Ascents once the memory and the baseline have seen many steps, and that memory; the other parts stay."""
    parts, batch = WORLDS[world]()
    direction = cls()
    parts, memory = warmed(Importance(1), direction, parts, batch)
    return ascents(Importance(1), direction, parts, batch, seed=3, memory=memory), memory


def test_the_variance_comes_down():
    """Each in its own way: other codes, a baseline that has learned, an expansion, mirrored codes, a surrogate."""
    plain = noise_of(drawn("deep", "reinforce")["inference"], 16)
    others, mirrored = (noise_of(drawn("deep", name)["inference"], 8) for name in ("reinforce-others", "arm"))
    surrogate = noise_of(drawn("deep", "rebar")["inference"], 4)
    nvil, muprop = (noise_of(later(cls)[0]["inference"]) for cls in (NeuralVariational, MuProp))
    assert max(nvil, others, mirrored, muprop, surrogate) < 0.4 * plain
    assert surrogate < muprop < 0.9 * nvil
    assert noise_of(drawn("deep", "disarm")["inference"], 8) < 0.9 * mirrored


def test_disarm_is_arm_with_the_uniform_summed_out():
    """Its weight is the mean of u − ½ over all u that give the same two bits: a grid of them has it."""
    a = jnp.array([-2.0, -0.3, 0.0, 0.4, 1.7])
    u = (jnp.arange(20_000) + 0.5) / 20_000
    bit, other = u < jax.nn.sigmoid(a)[:, None], u > jax.nn.sigmoid(-a)[:, None]
    for one, two in ((0, 1), (1, 0), (0, 0), (1, 1)):
        same = (bit == one) & (other == two)
        seen = same.any(axis=1)
        mean = jnp.sum(jnp.where(same, u - 0.5, 0.0), axis=1) / jnp.maximum(same.sum(axis=1), 1)
        given = expected(a, jnp.full(5, float(one)), jnp.full(5, float(two)))
        np.testing.assert_allclose(jnp.where(seen, given, 0.0), mean, atol=1e-4)


def test_a_local_signal_varies_less_than_one_of_all_of_log_p():
    """The second layer's owes nothing to how well the first reads x; the first layer has the same one either way."""
    parts, batch = deep()
    draw, _, _ = jax.jit(Importance(200).draw)(Tick(noise.make_key(3), jnp.asarray(0)), parts, batch, None)

    def pull(local):
        direction = NeuralVariational(local=local)
        memory = direction.init(noise.make_key(0), parts)
        ascend = lambda: direction.ascend(Tick(noise.make_key(0), jnp.asarray(0)), parts, batch, draw, memory)
        return jax.jit(ascend)()

    (ascent, after, _), (whole, before, _) = pull(local=True), pull(local=False)
    for one, other in zip(jax.tree.leaves(ascent.along["model"]), jax.tree.leaves(whole.along["model"]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    first, second = after.variance / before.variance
    assert float(first) == pytest.approx(1.0, abs=1e-4)
    assert float(second) < 0.75


def test_a_local_baseline_owes_nothing_to_its_own_block():
    """Any change of the second layer leaves both guesses; one of the first moves the second guess alone."""
    parts, batch = deep()
    guesses = lambda *h: np.asarray(parts["baseline"].local_values(batch.x[0], h))
    at = guesses(jnp.array([True, False, True]), jnp.array([False, True]))
    np.testing.assert_array_equal(at, guesses(jnp.array([True, False, True]), jnp.array([True, False])))
    moved = guesses(jnp.array([True, True, True]), jnp.array([False, True]))
    assert moved[0] == at[0]
    assert abs(moved[1] - at[1]) > 0.01


def test_nvil_is_unbiased_but_for_its_scale():
    """Each layer of φ by its own: what its signal has spread so far, if that is more than 1; the second's is less."""
    given, memory = later(NeuralVariational)
    truth = exact("deep")
    assert errors_off(given["model"], truth["model"]) < 4
    scale = np.maximum(1.0, np.sqrt(memory.variance))
    assert scale[0] > 1.2 > scale[1]
    for layer, factor in enumerate(scale):
        scaled = jax.tree.map(lambda leaf, by=factor: by * leaf, given["inference"].layers[layer])
        assert errors_off(scaled, truth["inference"].layers[layer]) < 4
        assert (errors_off(given["inference"].layers[layer], truth["inference"].layers[layer]) > 8) == (factor > 1.2)


def test_muprop_is_unbiased_with_what_it_remembers():
    given, memory = later(MuProp)
    assert float(np.abs(memory).max()) > 0.2
    for part in ("model", "inference"):
        assert errors_off(given[part], exact("deep")[part]) < 4


def test_muprops_baseline_goes_to_the_rest():
    """Down the squared rest: the slope of its last biases is the mean rest, which the memory takes up too."""
    parts, batch = deep()
    draw, _, _ = jax.jit(Importance(3).draw)(Tick(noise.make_key(3), jnp.asarray(0)), parts, batch, None)
    memory = jnp.array([0.4, -0.3])
    ascend = jax.jit(lambda: MuProp(0.9).ascend(Tick(noise.make_key(0), jnp.asarray(0)), parts, batch, draw, memory))
    ascent, after, _ = ascend()
    np.testing.assert_allclose((after - memory) / 0.1, ascent.along["baseline"].network.layers[-1].bias, rtol=1e-3)


def test_a_surrogate_goes_down_the_variance_of_the_gradient():
    """Its mean is the slope of −E ‖g_φ‖², by differences with the same noise on both sides."""
    parts, batch = shallow()
    surrogate = parts["surrogate"]
    keys = jax.random.split(noise.make_key(5), 1000)

    @jax.jit
    def of(heat):
        moved = dataclasses.replace(surrogate, log_temperature=surrogate.log_temperature + heat)

        def one(key):
            draw, _, _ = CodeNoise(1, 2).draw(Tick(key, jnp.asarray(0)), parts, batch, None)
            return along(ControlVariate(), parts | {"surrogate": moved}, batch, draw, key)

        given = jax.vmap(one)(keys)
        squares = [jnp.sum(leaf**2) / len(keys) for leaf in jax.tree.leaves(given["inference"])]
        return sum(squares), jnp.mean(given["surrogate"].log_temperature)

    (up, _), (down, _), (_, given) = of(0.01), of(-0.01), of(0.0)
    slope = (up - down) / 0.02
    assert abs(float(slope)) > 0.01
    np.testing.assert_allclose(given, -slope, rtol=0.02)


# ------------------------------------------------------------------------------------------------------------- biased


@pytest.mark.parametrize("direction", [StraightThrough(), StraightThroughConcrete(1.0, 1.0)], ids=str)
def test_straight_through_is_biased_for_the_encoder_only(direction):
    given, truth = ascents(CodeNoise(4), direction, *shallow()), exact("shallow")
    assert errors_off(given["inference"], truth["inference"]) > 8
    assert errors_off(given["model"], truth["model"]) < 4


@pytest.mark.parametrize("world", ["shallow", "categories"])
def test_the_bias_of_concrete_falls_with_the_temperature_and_its_variance_rises(world):
    parts, batch = WORLDS[world]()
    truth = exact(world)["inference"]

    @jax.jit
    def at(heat):
        return ascents(CodeNoise(4), Concrete(heat, heat), parts, batch)["inference"]

    bias, variance = [], []
    for heat in (2.0, 0.7, 0.2):
        given = at(heat)
        assert heat < 0.5 or errors_off(given, truth) > 8
        gaps = jax.tree.map(lambda leaf, true: float(jnp.sum((leaf.mean(0) - true) ** 2)), given, truth)
        bias.append(sum(jax.tree.leaves(gaps)))
        variance.append(sum(float(np.var(leaf, axis=0).sum()) for leaf in jax.tree.leaves(given)))
    assert bias[0] > 2 * bias[1] > 4 * bias[2]
    assert variance[0] < variance[1] < variance[2]


@pytest.mark.parametrize("shape", [(2,), (2, 3)], ids=["bits", "categories"])
def test_one_concrete_density_over_another_has_the_mean_one(shape):
    """Under draws of the other, of other logits and another temperature; that of a bit is one of two levels."""
    rng = np.random.default_rng(3)
    a, b = (jnp.asarray(0.5 * rng.normal(size=shape), jnp.float32) for _ in range(2))
    u = jax.random.uniform(noise.make_key(2), (40_000, *shape))

    @jax.jit
    @jax.vmap
    def ratio(u):
        y = layers.perturbed(a, u) / 0.7
        return jnp.exp(layers.concrete_log_prob(b, y, 0.9) - layers.concrete_log_prob(a, y, 0.7))

    found = np.asarray(ratio(u))
    assert errors_off(found, 1.0) < 4
    assert errors_off(1.05 * found, 1.0) > 4
    bit, level = jnp.array([0.3]), jnp.array([[-0.2, 0.1]])
    for y in (-1.5, 0.4):
        pair = layers.concrete_log_prob(level, jnp.array([[0.0, y]]), 0.7)
        assert float(layers.concrete_log_prob(bit, jnp.array([y]), 0.7)) == pytest.approx(float(pair), rel=1e-5)


def test_the_relaxed_bound_is_that_of_a_model_of_relaxed_codes():
    """E exp of the signal against the integral of p(x | σ(y)) p(y) over the y of two bits; its mean lies below."""
    parts, batch = shallow()
    model, x = parts["model"], batch.x[0]
    grid = np.linspace(-25.0, 25.0, 301)
    y = jnp.asarray(np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2), jnp.float32)

    @jax.jit
    def integrand(y):
        h = (jax.nn.sigmoid(y),)
        return model.log_likelihood(x, h) + layers.concrete_log_prob(model.prior_logits(h)[0], y, 0.5)

    truth = np.exp(np.asarray(jax.vmap(integrand)(y), np.float64)).sum() * (grid[1] - grid[0]) ** 2
    uniforms = jax.random.uniform(noise.make_key(4), (20_000, 2))
    signal = jax.jit(jax.vmap(lambda u: relaxed_signal(model, parts["inference"], x, (u,), (0.7, 0.5))))(uniforms)
    assert errors_off(np.exp(np.asarray(signal, np.float64)), truth) < 4
    assert float(jnp.mean(signal)) < np.log(truth) - 0.05
    # The direction ascends that mean, and says it.
    direction = ConcreteBound(0.7, 0.7, prior_temperature=0.5)
    draw = {"uniforms": ((uniforms[:4, None],),)}
    one_row = batch._replace(index=batch.index[:1], x=batch.x[:1])
    ascend = jax.jit(lambda: direction.ascend(Tick(noise.make_key(0), jnp.asarray(0)), parts, one_row, draw, None))
    assert float(ascend()[2]["relaxed_elbo"]) == pytest.approx(float(jnp.mean(signal[:4])), rel=1e-5)


def test_options_of_the_relaxed_density_are_refused_where_there_is_none():
    for options in ({"hard": True, "density": "relaxed"}, {"prior_temperature": 0.5}):
        with pytest.raises(InputError, match="relaxed"):
            GumbelSoftmax(**options)
    assert isinstance(GumbelSoftmax(density="relaxed", prior_temperature=0.5).direction, ConcreteBound)


def test_the_temperature_falls_to_its_floor():
    direction = Concrete(2.0, 0.5, 0.01)
    told = [float(direction.heat(jnp.asarray(step))) for step in (0, 100, 1000)]
    np.testing.assert_allclose(told, [2.0, 2.0 * np.exp(-1.0), 0.5], rtol=1e-6)
