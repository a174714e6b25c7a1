"""Models are what they say: densities sum to one, draws follow them, chains leave them invariant."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie import noise
from reverie.capabilities import (
    HasEnumeration,
    HasJointSample,
    HasLogJoint,
    HasLogProb,
    HasPotential,
    HasPriorDistribution,
    HasTempering,
    Pushforward,
    Samplable,
)
from reverie.data import Leaf, Spec
from reverie.errors import InputError
from reverie.models import FVSBN, MADE, MODELS, RBM, VAE, Critic, GaussianMixture, Generator, RealNVP, SigmoidBeliefNet
from reverie.pairing import fill, shapes_of
from reverie.parts import count_parameters, options_of, parameters
from tests import worlds

ALL = pytest.mark.parametrize("name", MODELS)
CATEGORICAL = Spec({"categorical": Leaf("categorical", 2, levels=3, counts=(3, 2))})
SPECS = {
    "binary": worlds.BINARY.spec,
    "continuous": worlds.CONTINUOUS.spec,
    "categorical": CATEGORICAL,
    "mixed": worlds.MIXED,
}


def having(*capabilities):
    return pytest.mark.parametrize("name", worlds.models_with(*capabilities))


def fixed(model, spec, spread=0.7):
    """A model of which no number is zero and nothing is symmetric."""
    return worlds.made(model, spec, spread=spread)


def filled(name, spread=0.7):
    blank = worlds.blank(name)
    return fixed(blank, worlds.world_for(blank).spec, spread)


def arrays(tree):
    return [leaf for leaf in jax.tree.leaves(tree) if eqx.is_array(leaf)]


# ---------------------------------------------------------------------------------------------- what all models keep


@ALL
def test_a_blank_model_is_its_options(name):
    blank = worlds.blank(name)
    assert arrays(blank) == []
    assert options_of(blank) == options_of(MODELS[name]()) | worlds.TINY.get(name, {})
    assert blank == MODELS[name](**options_of(blank))
    assert hash(blank) == hash(MODELS[name](**options_of(blank)))
    model = filled(name, 0.0)
    assert options_of(model) == options_of(blank)
    assert all(leaf.dtype in (jnp.float32, jnp.int32) and not leaf.weak_type for leaf in arrays(model))
    assert count_parameters(model) == sum(leaf.size for leaf in arrays(model) if leaf.dtype == jnp.float32)


@ALL
def test_init_is_a_function_of_its_key_and_its_shapes_are_known_beforehand(name):
    blank = worlds.blank(name)
    spec = worlds.world_for(blank).spec
    one, again, other = (fill({"model": blank}, noise.make_key(seed), spec)["model"] for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(again), strict=True))
    drawn = any(not np.array_equal(a, b) for a, b in zip(arrays(one), arrays(other), strict=True))
    assert drawn or name == "fvsbn"  # which starts at independent bits
    shapes = shapes_of({"model": blank}, noise.make_key(0), spec)["model"]
    assert jax.tree.structure(shapes) == jax.tree.structure(one)
    told = [leaf for leaf in jax.tree.leaves(shapes) if isinstance(leaf, jax.ShapeDtypeStruct)]
    assert [(leaf.shape, leaf.dtype) for leaf in told] == [(leaf.shape, leaf.dtype) for leaf in arrays(one)]


@ALL
@pytest.mark.parametrize("kind", SPECS)
def test_a_model_takes_data_or_says_in_one_sentence_why_not(name, kind):
    blank = worlds.blank(name)
    why = blank.unsuited(SPECS[kind])
    if why is None:
        shapes_of({"model": blank}, noise.make_key(0), SPECS[kind])
        return
    assert "\n" not in why
    assert kind in why
    with pytest.raises(InputError) as refusal:
        fill({"model": blank}, noise.make_key(0), SPECS[kind])
    assert str(refusal.value) == why


def test_realnvp_wants_two_columns():
    spec = Spec({"continuous": Leaf("continuous", 1, mean=(0.0,), std=(1.0,))})
    assert "have one column" in RealNVP().unsuited(spec)


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (VAE, {"latent": 0}),
        (VAE, {"hidden": (5, 0)}),
        (VAE, {"activation": "sine"}),
        (VAE, {"scale": 0.0}),
        (VAE, {"scale": float("nan")}),
        (SigmoidBeliefNet, {"sizes": ()}),
        (SigmoidBeliefNet, {"sizes": (3, -1)}),
        (MADE, {"hidden": ()}),
        (MADE, {"hidden": (0,)}),
        (MADE, {"orders": 0}),
        (MADE, {"seed": -1}),
        (MADE, {"activation": "sine"}),
        (RealNVP, {"layers": 0}),
        (RealNVP, {"width": 0}),
        (Generator, {"latent": 0}),
        (Generator, {"activation": "sine"}),
        (RBM, {"hidden": 0}),
        (GaussianMixture, {"count": 0}),
        (Critic, {"hidden": (0,)}),
        (Critic, {"activation": "sine"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else value.__name__,
)
def test_options_that_describe_no_model_are_refused(cls, options):
    with pytest.raises(InputError) as refusal:
        cls(**options)
    assert "\n" not in str(refusal.value)


def objective(model, x, key):
    """One number that depends on all of a model's parameters."""
    if isinstance(model, HasLogProb):
        return model.log_prob(x)
    if isinstance(model, HasLogJoint):
        # Codes that are all zeros would hide weights.
        h = tuple(jnp.ones(one.size, bool if one.kind == "bits" else jnp.float32) for one in model.latents)
        return model.log_joint(x, h)
    if isinstance(model, HasPotential):
        return model.potential(x)
    return jnp.sum(jnp.arange(1.0, 5.0) * model.push(model.noise(key)))


@ALL
def test_a_gradient_reaches_every_parameter(name, key):
    model = filled(name)
    rows = jnp.asarray(worlds.world_for(model).rows.raw)
    total = lambda model: jnp.sum(jax.vmap(lambda x: objective(model, x, key))(rows))  # noqa: E731
    along = eqx.filter_jit(eqx.filter_grad(total))(model)
    for path, leaf in jax.tree_util.tree_leaves_with_path(along):
        assert bool(jnp.all(jnp.isfinite(leaf))), path
        # The base of an RBM's annealing path is none of its parameters.
        assert bool(jnp.any(leaf != 0)) != ("base" in jax.tree_util.keystr(path)), path


@having(Samplable)
def test_a_draw_is_a_row_of_the_data(name, key):
    model = filled(name)
    world = worlds.world_for(model)
    drawn = jax.eval_shape(model.sample, key)
    row = jax.eval_shape(lambda: world.measure.to_model(None, jnp.asarray(world.rows.raw[0])))
    assert (drawn.shape, drawn.dtype) == (row.shape, row.dtype)


def score(log_density):
    return lambda model, row: parameters(eqx.filter_grad(lambda model: log_density(model, row))(model))


def zeros(model):
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape), parameters(model))


@having(HasLogProb, Samplable)
def test_draws_follow_the_density_along_every_parameter(name):
    """E ∇_θ log p_θ(x) = 0 for x ~ p_θ, and for no other x in general."""
    model = filled(name, 0.4)
    scores = worlds.draws(lambda key: score(lambda m, x: m.log_prob(x))(model, model.sample(key)), 4000)
    assert worlds.errors_off(scores, zeros(model)) < 4.5


@pytest.mark.parametrize("spec", [worlds.BINARY.spec, worlds.CONTINUOUS.spec, worlds.MIXED], ids=lambda spec: spec.kind)
@having(HasLogJoint, HasJointSample)
def test_dreams_follow_the_joint_density_along_every_parameter(name, spec):
    blank = worlds.blank(name)
    if blank.unsuited(spec) is not None:
        assert spec.kind != "binary"
        return
    model = fixed(blank, spec, 0.4)
    scores = worlds.draws(lambda key: score(lambda m, xh: m.log_joint(*xh))(model, model.sample_joint(key)), 4000)
    assert worlds.errors_off(scores, zeros(model)) < 4.5


@having(HasJointSample)
def test_the_row_of_a_dream_is_the_sample(name, key):
    model = filled(name)
    assert np.array_equal(model.sample(key), model.sample_joint(key)[0])


@having(HasPriorDistribution)
def test_the_prior_as_a_distribution_is_the_prior(name, key):
    model = filled(name)
    h = model.sample_joint(key)[1]
    assert float(model.prior().log_prob(h[0])) == pytest.approx(float(model.log_prior(h)), rel=1e-6)


# ---------------------------------------------------------------------------------------------- bits, by enumeration

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
    assert worlds.surprise(worlds.place(worlds.draws(model.sample, 20_000)), log_p) > 1e-3


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


@pytest.mark.parametrize("sizes", [(2,), (2, 1)])
def test_the_joint_of_a_belief_net_sums_to_one_and_dreams_follow_it(sizes):
    spec = worlds.binary(columns=3).spec
    model = fixed(SigmoidBeliefNet(sizes), spec)
    all_bits = worlds.states(3 + sum(sizes))
    cuts = np.cumsum([3, *sizes])[:-1]

    def joint(bits):
        x, *h = jnp.split(bits, cuts)
        return model.log_joint(x, tuple(h))

    log_p = jax.jit(jax.vmap(joint))(all_bits)
    assert float(jnp.sum(jnp.exp(log_p))) == pytest.approx(1.0, abs=1e-5)
    x, h = worlds.draws(model.sample_joint, 20_000)
    assert worlds.surprise(worlds.place(np.concatenate([x, *h], axis=1)), log_p) > 1e-3


def test_a_belief_net_is_the_product_of_its_layers():
    """Layer for layer as Ou 2019, Eq. 2 has it, with numpy."""
    model = fixed(SigmoidBeliefNet((3, 2)), worlds.BINARY.spec)
    x, h1, h2 = np.array([1, 0, 1, 1]), np.array([1, 0, 1]), np.array([0, 1])

    def log_bits(bits, logits):
        p = 1 / (1 + np.exp(-np.asarray(logits, np.float64)))
        return np.sum(np.log(np.where(bits, p, 1 - p)))

    down = [(np.asarray(layer.weight), np.asarray(layer.bias)) for layer in model.layers]
    expected = log_bits(h2, model.top) + log_bits(h1, h2 @ down[1][0] + down[1][1])
    code = (jnp.asarray(h1, bool), jnp.asarray(h2, bool))
    assert float(model.log_prior(code)) == pytest.approx(expected, rel=1e-5)
    expected += log_bits(x, h1 @ down[0][0] + down[0][1])
    assert float(model.log_joint(jnp.asarray(x, bool), code)) == pytest.approx(expected, rel=1e-5)


# ------------------------------------------------------------------------------------------------------- the machine


@pytest.fixture(scope="module", params=[(3, 2), (2, 3)], ids=["3 by 2", "2 by 3"])
def machine(request):
    """An RBM of a few units whose base is not its visible bias, and all its visible states."""
    visible, hidden = request.param
    rng = np.random.default_rng(5)
    arrays = {"weights": (visible, hidden), "visible_bias": (visible,), "hidden_bias": (hidden,)}
    model = RBM.from_arrays(**{name: 1.2 * rng.standard_normal(shape) for name, shape in arrays.items()})
    return dataclasses.replace(model, base=jnp.asarray(rng.standard_normal(visible), jnp.float32))


def conditionals(model, beta=1.0):
    """p_β(h | x) and p_β(x | h) over all states, as the docstring of the model has them, with numpy."""
    leaves = (model.weights, model.visible_bias, model.hidden_bias, model.base)
    w, b, c, a = (np.asarray(leaf, np.float64) for leaf in leaves)
    xs, hs = worlds.states(len(b)).astype(float), worlds.states(len(c)).astype(float)

    def bits(logits, values):
        p = 1 / (1 + np.exp(-logits))
        return np.prod(np.where(values[None], p[:, None], 1 - p[:, None]), axis=-1)

    return bits(beta * (xs @ w + c), hs), bits((1 - beta) * a + beta * b + beta * hs @ w.T, xs)


def normalised(log_p):
    log_p = np.asarray(log_p, np.float64)
    return np.exp(log_p - scipy.special.logsumexp(log_p))


def test_the_potential_sums_the_hidden_units_out(machine):
    w, b, c = (np.asarray(leaf, np.float64) for leaf in (machine.weights, machine.visible_bias, machine.hidden_bias))
    xs, hs = worlds.states(len(b)), worlds.states(len(c))
    joint = (xs @ b)[:, None] + (hs @ c)[None] + xs @ w @ hs.T
    np.testing.assert_allclose(jax.vmap(machine.potential)(xs), scipy.special.logsumexp(joint, axis=1), rtol=1e-5)
    states = worlds.states(machine.enumeration_bits)
    assert len(states) == min(len(xs), len(hs))
    assert isinstance(machine, HasEnumeration)
    log_z = scipy.special.logsumexp(jax.vmap(machine.enumerated_term)(states))
    assert log_z == pytest.approx(scipy.special.logsumexp(joint), rel=1e-6)


@pytest.mark.parametrize("beta", [1.0, 0.3, 0.0])
def test_a_sweep_leaves_the_tempered_density_invariant(machine, beta):
    """The sweep's transition matrix is the one of its two conditionals, and p_β is its left eigenvector."""
    xs = worlds.states(machine.weights.shape[0])
    up, down = conditionals(machine, beta)
    transition = up @ down
    target = normalised(jax.vmap(lambda x: machine.tempered_potential(x, jnp.asarray(beta)))(xs))
    np.testing.assert_allclose(target @ transition, target, atol=1e-6)
    for start in (0, len(xs) - 2):

        def sweep(key, x=xs[start]):
            return machine.gibbs(key, x) if beta == 1.0 else machine.tempered_gibbs(key, x, jnp.asarray(beta))

        ends = worlds.place(worlds.draws(sweep, 20_000))
        assert worlds.surprise(ends, np.log(transition[start])) > 1e-3


def test_the_path_runs_from_the_base_to_the_model(machine):
    assert isinstance(machine, HasTempering)
    xs = worlds.states(machine.weights.shape[0])
    at = lambda beta: np.asarray(jax.vmap(lambda x: machine.tempered_potential(x, jnp.asarray(beta)))(xs))  # noqa: E731
    np.testing.assert_allclose(at(1.0), jax.vmap(machine.potential)(xs), rtol=1e-6)
    np.testing.assert_allclose(at(0.0), xs @ np.asarray(machine.base) + machine.hidden * np.log(2.0), rtol=1e-5)
    assert float(machine.base_log_normaliser()) == pytest.approx(scipy.special.logsumexp(at(0.0)), rel=1e-6)
    log_base = at(0.0) - float(machine.base_log_normaliser())
    assert worlds.surprise(worlds.place(worlds.draws(machine.base_sample, 20_000)), log_base) > 1e-3
    assert worlds.surprise(worlds.place(worlds.draws(machine.start, 20_000, seed=3)), log_base) > 1e-3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": np.zeros(3)}, "their shapes are"),
        ({"visible_bias": np.zeros(2)}, "their shapes are"),
        ({"hidden_bias": np.zeros((2, 1))}, "their shapes are"),
        ({"weights": np.full((3, 2), np.nan)}, "finite"),
    ],
)
def test_arrays_that_make_no_machine_are_refused(changes, said):
    good = {"weights": np.zeros((3, 2)), "visible_bias": np.zeros(3), "hidden_bias": np.zeros(2)}
    assert RBM.from_arrays(**good).hidden == 2
    with pytest.raises(InputError, match=said):
        RBM.from_arrays(**good | changes)


# ------------------------------------------------------------------------------------------------------ real numbers


@pytest.fixture(scope="module")
def flow():
    return worlds.made(RealNVP(layers=3, width=5), worlds.continuous(columns=2).spec, spread=0.35)


def test_a_flow_integrates_to_one_and_its_draws_have_its_moments(flow):
    """On a grid; a skewed functional shows a sign that moments of even order hide."""
    edge = np.linspace(-14.0, 14.0, 701)
    grid = np.stack(np.meshgrid(edge, edge, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    density = np.exp(np.asarray(jax.jit(jax.vmap(flow.log_prob))(grid), np.float64)) * (edge[1] - edge[0]) ** 2
    assert density.sum() == pytest.approx(1.0, abs=2e-3)

    def functionals(x):
        return np.stack([x[:, 0], x[:, 1], x[:, 0] * x[:, 1], np.exp(-((x[:, 0] - 1) ** 2)), np.tanh(x[:, 1]) ** 3], 1)

    samples = functionals(np.asarray(worlds.draws(flow.sample, 40_000)))
    truth = (functionals(grid.astype(np.float64)) * density[:, None]).sum(0)
    gap = np.abs(samples.mean(0) - truth)
    assert np.all(gap < 4 * samples.std(0) / 200 + 3e-3)


def test_a_flow_changes_variables(flow, key):
    noises = jax.vmap(flow.noise)(jax.random.split(key, 50))

    def one(e):
        volume = jnp.linalg.slogdet(jax.jacobian(flow.push)(e))[1]
        return flow.log_prob(flow.push(e)), jax.scipy.stats.norm.logpdf(e).sum() - volume

    given, expected = jax.jit(jax.vmap(one))(noises)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-3)


@having(Pushforward)
def test_a_pushforward_pushes_its_noise(name, key):
    model = filled(name)
    x = model.push(model.noise(key))
    assert np.array_equal(np.asarray(model.sample(key), np.float32), np.asarray(x, np.float32))
    along = jax.jit(jax.jacobian(model.push))(model.noise(key))
    assert np.all(np.isfinite(along))
    assert np.all(np.any(along != 0, axis=1))
    noises = worlds.draws(model.noise, 4000)
    assert worlds.errors_off(noises, np.zeros(noises.shape[1:])) < 4.0
    assert worlds.errors_off(noises**2, np.ones(noises.shape[1:])) < 4.0


def test_a_generator_of_bits_passes_the_sigmoids_gradient_straight_through(key):
    model = fixed(Generator(latent=2, hidden=(4,)), worlds.BINARY.spec)
    e = model.noise(key)
    assert set(np.unique(jax.vmap(model.push)(jax.random.normal(key, (99, 2))))) == {0.0, 1.0}
    expected = jax.jacobian(lambda e: jax.nn.sigmoid(model.network(e)))(e)
    np.testing.assert_allclose(jax.jacobian(model.push)(e), expected, rtol=1e-5, atol=1e-7)


@pytest.fixture(scope="module")
def mixture():
    """Three Gaussians in the plane with unequal weights and full covariances."""
    return fixed(GaussianMixture(count=3), worlds.continuous(columns=2).spec)


def test_a_mixture_is_the_sum_of_its_gaussians(mixture):
    weights, means, covariances = (np.asarray(array, np.float64) for array in mixture.components())
    assert weights.sum() == pytest.approx(1.0, rel=1e-5)
    x = np.random.default_rng(0).normal(2.0, 3.0, (20, 2)).astype(np.float32)
    normals = [scipy.stats.multivariate_normal(m, c) for m, c in zip(means, covariances, strict=True)]
    expected = np.log(sum(w * normal.pdf(x) for w, normal in zip(weights, normals, strict=True)))
    np.testing.assert_allclose(jax.jit(jax.vmap(mixture.log_prob))(x), expected, rtol=1e-3, atol=1e-3)


def test_a_mixture_is_what_its_components_say(mixture):
    given = tuple(np.asarray(array) for array in mixture.components())
    again = GaussianMixture(count=3).with_components(*(jnp.asarray(array) for array in given))
    for a, b in zip(given, again.components(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    assert np.ptp(given[0]) > 0.1
    assert np.all(np.abs(given[2][:, 0, 1]) > 1e-3)


def test_draws_of_a_mixture_have_its_moments(mixture):
    """Up to the third central moment, which is asymmetric."""
    weights, means, covariances = (np.asarray(array, np.float64) for array in mixture.components())
    x = np.asarray(worlds.draws(mixture.sample, 40_000), np.float64)
    mean = weights @ means
    gap = means - mean
    second = np.einsum("k,kij->ij", weights, covariances + np.einsum("ki,kj->kij", gap, gap))
    third = weights @ (gap**3 + 3 * gap * np.diagonal(covariances, axis1=1, axis2=2))
    centred = x - mean
    assert worlds.errors_off(x, mean) < 4
    assert worlds.errors_off(np.einsum("ni,nj->nij", centred, centred), second) < 4
    assert worlds.errors_off(centred**3, third) < 4
    assert np.any(np.abs(third) > 1.0)
