"""Inference models: their draws follow their densities, and each serves the models that it says."""

import functools
import typing
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from reverie import noise
from reverie.capabilities import (
    HasPosterior,
    HasPosteriorDistribution,
    HasRealCodes,
    Latent,
    Proposes,
    Reparameterised,
    ReparameterisedProposal,
    posterior_of,
)
from reverie.errors import InputError
from reverie.inference import (
    INFERENCE,
    AutoregressivePosterior,
    FamilyPosterior,
    GaussianPosterior,
    HamiltonianPosterior,
    MinimumRatePosterior,
    RefinedLayersPosterior,
    RefinedPosterior,
    SigmoidBeliefPosterior,
)
from reverie.inference.family import FLOOR, Family, LogGamma, LogOdds, LogRatios
from reverie.models import GMVAE, M1M2, RBM, VAE, VQVAE, DeepLatentGaussian, SigmoidBeliefNet
from reverie.pairing import usual
from reverie.parts import options_of, parameters
from tests import worlds
from tests.measuring import draws, errors_off, surprise

ONE, DEEP, BITS = VAE(latent=2, hidden=(4,)), DeepLatentGaussian((2, 1), hidden=(4,)), SigmoidBeliefNet((3, 2))
CLASSES, STACKED = GMVAE(2, 3, (4,)), M1M2(2, 1, 3, (4,))
SMALL = {"hidden": (4,)}
# The options that make each small, and a model that it serves.
ROWS: dict[str, tuple[dict[str, Any], Any]] = {
    "gaussian": (SMALL, ONE),
    "belief-net": (SMALL, BITS),
    "categorical": (SMALL, VQVAE(3, 3, 2, (4,))),
    "vector-quantiser": (SMALL, VQVAE(3, 3, 2, (4,))),
    "full-gaussian": (SMALL, ONE),
    "minimum-rate": (SMALL, ONE),
    "bottom-up": (SMALL, DEEP),
    "top-down": (SMALL, DEEP),
    "planar": (SMALL | {"layers": 2}, ONE),
    "radial": (SMALL | {"layers": 2}, ONE),
    "iaf": (SMALL | {"layers": 2, "width": 5}, ONE),
    "maf": (SMALL | {"layers": 2, "width": 5}, ONE),
    "coupling": (SMALL | {"layers": 2, "width": 5}, ONE),
    "sylvester": (SMALL | {"layers": 2, "columns": 2}, ONE),
    "auxiliary": (SMALL | {"auxiliary": 2}, ONE),
    "hierarchical": (SMALL | {"planes": 1}, ONE),
    "hamiltonian": (SMALL | {"steps": 2}, ONE),
    "refined": (SMALL | {"steps": 2, "draws": 2}, ONE),
    "refined-layers": (SMALL | {"steps": 2, "draws": 2}, DEEP),
    "family": (SMALL | {"family": "gamma"}, ONE),
    "implicit": (SMALL | {"noises": 3}, ONE),
    "nade": ({"width": 4}, BITS),
    "class-gaussian": (SMALL, CLASSES),
    "auxiliary-class": (SMALL | {"auxiliary": 2, "draws": 2}, CLASSES),
    "stacked": (SMALL | {"draws": 2}, STACKED),
}
DENSE = [name for name, cls in INFERENCE.items() if issubclass(cls, HasPosterior)]
X = jnp.array([True, False, True, True])


@functools.cache
def filled(name, spread=0.7):
    options, served = ROWS[name]
    spec = worlds.BINARY.spec
    model = worlds.made(served, spec)
    part = INFERENCE[name](**options).init(noise.make_key(5), spec, model)
    return worlds.scattered(part, 6, spread), model


def ready(part, model):
    """The posterior, with the model at hand where it asks for it."""
    return posterior_of({"model": model, "inference": part})


def having(*capabilities, without=()):
    names = [name for name, cls in INFERENCE.items() if all(issubclass(cls, one) for one in capabilities)]
    return pytest.mark.parametrize("name", [name for name in names if name not in without])


def test_every_inference_model_is_tested():
    assert set(ROWS) == set(INFERENCE)
    assert all(issubclass(cls, Proposes | Reparameterised) for cls in INFERENCE.values())


@pytest.mark.parametrize("name", INFERENCE)
def test_a_blank_one_is_its_options(name):
    part, _ = filled(name)
    blank = type(part)(**options_of(part))
    assert jax.tree.leaves(blank) == []
    assert hash(blank) == hash(type(part)(**options_of(part)))


@having(HasPosterior)
def test_codes_have_the_models_shapes(name):
    part, model = filled(name)
    code = jax.eval_shape(ready(part, model).sample, noise.make_key(0), X)
    kinds = {"bits": jnp.bool_, "reals": jnp.float32, "categories": jnp.int32}
    assert [(leaf.shape, leaf.dtype) for leaf in code] == [((one.size,), kinds[one.kind]) for one in model.latents]
    assert jax.eval_shape(ready(part, model).log_prob, code, X).shape == ()


@having(
    Proposes,
    without=(
        "belief-net",
        "categorical",
        "nade",
        "vector-quantiser",
        "auxiliary",
        "hierarchical",
        "class-gaussian",
        "auxiliary-class",
        "stacked",
    ),
)
def test_a_density_over_that_of_proposals_has_the_mean_one(name):
    """E g(h)/q̂ = ∫ g = 1 for a normal density g within the bulk of q: the law that every bound and weight rests on."""
    part, model = filled(name, 0.1)
    h, log_q = draws(lambda key: ready(part, model).propose(key, X), 20_000)
    check_mean_one(np.concatenate(h, axis=1), log_q)


def check_mean_one(codes, log_q):
    log_g = scipy.stats.norm.logpdf(codes, np.median(codes, axis=0), 0.4 * codes.std(0)).sum(1)
    weights = np.exp(log_g - np.asarray(log_q, np.float64))
    assert weights.std() < 8
    assert abs(weights.mean() - 1.0) < 4 * weights.std() / np.sqrt(len(weights))
    assert abs(1.2 * weights.mean() - 1.0) > 4 * weights.std() / np.sqrt(len(weights))


def zeroed(tree):
    return jax.tree.map(jnp.zeros_like, tree)


def test_an_auxiliary_variable_is_weighed_out():
    """a ~ N(0.2, 1), h | a ~ N(0.5 a, 1), r(a | h) too narrow and off its mark: the mean is one all the same."""
    part, _ = filled("auxiliary", 0.0)
    part = zeroed(part)
    slope = part.given.layers[0].weight.at[4:, :2].set(jnp.eye(2))
    shape = part.given.layers[1].weight.at[:2, :2].set(0.5 * jnp.eye(2))

    def where(p):
        biases = p.encoder.layers[-1].bias, p.reverse.layers[-1].bias
        return p.given.layers[0].weight, p.given.layers[1].weight, *biases

    part = eqx.tree_at(where, part, (slope, shape, jnp.array([0.2, 0.2, 0.0, 0.0]), jnp.array([0.0, 0.1, -0.4, -0.4])))
    h, log_q = draws(lambda key: part.propose(key, X), 20_000)
    assert np.all(np.abs(np.var(h[0], axis=0) - 1.1) < 0.12)
    check_mean_one(np.asarray(h[0]), log_q)


def test_a_hierarchy_is_weighed_out():
    """λ moved by a plane, h wide given λ, and r narrower than λ's own law."""
    part, _ = filled("hierarchical", 0.0)
    part = zeroed(part)
    said = part.encoder.layers[-1].bias.at[2:4].set(0.7).at[6:8].set(-2.0)
    said = said.at[8:].set(jnp.array([0.5, -0.3, 0.0, 0.0, 0.4, 0.6, 0.0, 0.0, 0.1]))
    taken = jnp.array([0.0, 0.0, 0.7, 0.7, -0.4, -0.4, -2.3, -2.3])
    part = eqx.tree_at(lambda p: (p.encoder.layers[-1].bias, p.reverse.layers[-1].bias), part, (said, taken))
    h, log_q = draws(lambda key: part.propose(key, X), 20_000)
    check_mean_one(np.asarray(h[0]), log_q)


@pytest.mark.parametrize("name", ["belief-net", "nade"])
def test_weights_of_bits_have_the_mean_of_the_likelihood(name):
    """E p(x, h)/q = p(x), against draws of the prior."""
    part, model = filled(name, 0.2)

    def weight(key):
        h, log_q = part.propose(key, X)
        return jnp.exp(model.log_joint(X, h) - log_q)

    def likelihood(key):
        return jnp.exp(model.log_likelihood(X, model.sample_joint(key)[1]))

    told, truth = np.asarray(draws(weight, 20_000)), np.asarray(draws(likelihood, 20_000, seed=12))
    se = np.hypot(told.std(), truth.std()) / np.sqrt(20_000)
    assert abs(told.mean() - truth.mean()) < 4 * se
    assert abs(1.1 * told.mean() - truth.mean()) > 4 * se


@having(ReparameterisedProposal, HasPosterior)
def test_the_density_of_a_draw_is_the_density_of_its_code(name):
    @eqx.filter_jit
    def both(part, model):
        posterior = ready(part, model)
        h, log_q = posterior.transform_and_log_prob(posterior.noise(noise.make_key(1)), X)
        return log_q, posterior.log_prob(h, X)

    found, expected = both(*filled(name))
    assert float(found) == pytest.approx(float(expected), rel=1e-3, abs=1e-3)


@having(ReparameterisedProposal, without=("auxiliary", "hierarchical", "hamiltonian", "family"))
def test_the_density_of_a_draw_is_that_of_its_noise_over_the_determinant(name):
    """The Jacobian by automatic differentiation of the whole transform."""

    @eqx.filter_jit
    def asked(part, model):
        posterior = ready(part, model)
        epsilon = posterior.noise(noise.make_key(1))
        jacobian = jax.jacfwd(lambda e: jnp.concatenate(posterior.transform(e, X)))(epsilon)
        return epsilon, jacobian, posterior.transform_and_log_prob(epsilon, X)[1]

    epsilon, jacobian, found = asked(*filled(name))
    expected = scipy.stats.norm.logpdf(epsilon).sum() - np.log(abs(np.linalg.det(np.asarray(jacobian, np.float64))))
    assert float(found) == pytest.approx(expected, rel=1e-3, abs=1e-3)


@having(Proposes, without=("vector-quantiser",))
def test_gradients_reach_every_parameter(name):
    part, model = filled(name)

    def bound(part, key):
        h, log_q = ready(part, model).propose(key, X)
        return model.log_joint(X, h) - log_q

    slopes = draws(lambda key: parameters(eqx.filter_grad(bound)(part, key)), 20)
    if name in ("belief-net", "nade"):
        slopes = draws(lambda key: parameters(jax.grad(lambda p: p.propose(key, X)[1])(part)), 20)
    assert all(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(slopes))


@pytest.fixture(params=[name for name in DENSE if name != "vector-quantiser"])
def pair(request):
    """A filled inference model with a density, and the model that it serves."""
    return filled(request.param)


def test_draws_follow_the_density_along_every_parameter(pair):
    """E ∇_φ log q_φ(h | x) = 0 for h ~ q_φ(· | x), at several x at once."""
    part, model = pair
    xs = jnp.asarray(worlds.BINARY.rows.raw[:3])

    def score(key):
        def one(key, x):
            h = ready(part, model).sample(key, x)
            return jax.grad(lambda p: ready(p, model).log_prob(h, x))(part)

        return jax.tree.map(lambda leaf: leaf.sum(0), jax.vmap(one)(jax.random.split(key, 3), xs))

    scores = draws(score, 4000)
    assert errors_off(parameters(scores), jax.tree.map(lambda leaf: np.zeros(leaf.shape), part)) < 4.5
    seen = jax.tree.map(lambda leaf: bool(jnp.any(leaf != 0)), scores)
    assert all(jax.tree.leaves(seen))


@pytest.mark.parametrize("hidden", [(), (4,)])
def test_a_belief_net_posterior_sums_to_one_and_its_draws_follow_it(hidden):
    model = worlds.made(SigmoidBeliefNet((3, 2)), worlds.BINARY.spec)
    part = SigmoidBeliefPosterior(hidden=hidden).init(noise.make_key(5), worlds.BINARY.spec, model)
    part = worlds.scattered(part, 6, 0.8)
    states = worlds.states(5)
    log_q = jax.jit(jax.vmap(lambda h: part.log_prob((h[:3], h[3:]), X)))(states)
    assert float(jnp.sum(jnp.exp(log_q))) == pytest.approx(1.0, abs=1e-5)
    codes = draws(lambda key: part.sample(key, X), 20_000)
    assert surprise(worlds.place(np.concatenate(codes, axis=1)), log_q) > 1e-3


def test_a_linear_step_upwards_is_logistic_regression():
    part, _ = filled("belief-net")
    linear = SigmoidBeliefPosterior().init(noise.make_key(5), worlds.BINARY.spec, ROWS["belief-net"][1])
    assert [len(step.layers) for step in part.layers] == [2, 2]
    assert [step.layers[0].weight.shape for step in linear.layers] == [(4, 3), (3, 2)]
    linear = worlds.scattered(linear, 6, 0.8)
    h = (jnp.array([True, False, True]), jnp.array([False, True]))
    below, expected = np.asarray(X, float), 0.0
    for step, code in zip(linear.layers, h, strict=True):
        p = 1 / (1 + np.exp(-(below @ np.asarray(step.layers[0].weight) + np.asarray(step.layers[0].bias))))
        expected += np.log(np.where(code, p, 1 - p)).sum()
        below = np.asarray(code, float)
    assert float(linear.log_prob(h, X)) == pytest.approx(expected, rel=1e-5)


@having(HasPosterior, Reparameterised)
def test_a_reparameterised_draw_is_transformed_noise(name, key):
    part, model = filled(name)
    posterior = ready(part, model)
    drawn, moved = posterior.sample(key, X), posterior.transform(posterior.noise(key), X)
    assert all(np.array_equal(a, b) for a, b in zip(drawn, moved, strict=True))


@having(Reparameterised, without=("family",))
def test_noise_is_standard(name):
    noises = draws(filled(name)[0].noise, 4000)
    assert errors_off(noises, np.zeros(noises.shape[1:])) < 4
    assert errors_off(noises**2, np.ones(noises.shape[1:])) < 4


@having(HasPosteriorDistribution)
def test_the_posterior_as_a_distribution_is_the_posterior(name, key):
    @eqx.filter_jit
    def both(part, model):
        part = ready(part, model)
        h = part.sample(key, X)
        return part.distribution(X).log_prob(h[0]), part.log_prob(h, X)

    found, expected = both(*filled(name))
    assert float(found) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("family", typing.get_args(Family))
def test_every_family_is_a_density_and_its_draws_follow_it(family):
    """The mass of one latent variable on a grid, and draws against it in cells of equal mass."""
    model = worlds.made(VAE(latent=1, hidden=(4,)), worlds.BINARY.spec)
    part = FamilyPosterior(hidden=(4,), family=family).init(noise.make_key(5), worlds.BINARY.spec, model)
    part = worlds.scattered(part, 6, 0.3)
    grid = np.linspace(-60.0, 60.0, 60_001)
    log_q = jax.jit(jax.vmap(lambda h: part.log_prob((h[None],), X)))(jnp.asarray(grid, jnp.float32))
    mass = np.cumsum(np.exp(np.asarray(log_q, np.float64))) * (grid[1] - grid[0])
    assert mass[-1] == pytest.approx(1.0, abs=5e-3)
    h = draws(lambda key: part.sample(key, X)[0][0], 8000)
    places = np.floor(10 * np.interp(h, grid, mass / mass[-1]).clip(0, 1 - 1e-9)).astype(int)
    assert surprise(places, np.full(10, np.log(0.1))) > 1e-3


@pytest.mark.parametrize("family", ["student-t", "gamma", "beta", "dirichlet"])
def test_implicit_gradients_are_those_of_the_mean(family):
    """∂/∂φ E h by reparameterised draws, against E h ∂ log q/∂φ: two estimators, one truth."""
    model = worlds.made(ONE, worlds.BINARY.spec)
    part = FamilyPosterior(hidden=(), family=family).init(noise.make_key(5), worlds.BINARY.spec, model)
    part = worlds.scattered(part, 6, 0.2)

    def path(key):
        return jax.grad(lambda p: jnp.sum(p.transform(part.noise(key), X)[0]))(part).encoder.layers[0].bias

    def score(key):
        h = part.sample(key, X)
        return jnp.sum(h[0]) * jax.grad(lambda p: p.log_prob(h, X))(part).encoder.layers[0].bias

    moved, scored = np.asarray(draws(path, 8000)), np.asarray(draws(score, 8000, seed=12))
    se = np.sqrt((moved.var(0) + scored.var(0)) / 8000) + 1e-7
    assert np.all(np.abs(moved.mean(0) - scored.mean(0)) < 4 * se)
    assert np.any(np.abs(moved.mean(0)) > 8 * se)


@pytest.mark.parametrize("first", [FLOOR, 0.5])
def test_draws_of_the_least_concentration_keep_their_spread(first):
    """Means ψ(α) − ψ(β), variances ψ′(α) + ψ′(β) and the mean's slope ψ′(α), where z itself would round to 0 or 1."""
    psi, slope = scipy.special.digamma, lambda a: scipy.special.polygamma(1, a)
    rate = jnp.full(1, 2.0)
    laws = [
        (lambda a: LogGamma(a, rate), psi(first) - np.log(2.0), slope(first)),
        (lambda a: LogOdds(a, jnp.full(1, FLOOR)), psi(first) - psi(FLOOR), slope(first) + slope(FLOOR)),
        (lambda a: LogRatios(jnp.append(a, FLOOR)), psi(first) - psi(FLOOR), slope(first) + slope(FLOOR)),
    ]
    for law, mean, variance in laws:

        def of(key, law=law):
            return jax.value_and_grad(lambda a: law(a).rsample(key)[0])(jnp.full(1, first))

        h, moved = (np.asarray(one, np.float64).ravel() for one in draws(of, 20_000))
        assert np.isfinite(h).all()
        for found, truth in ((h, mean), ((h - mean) ** 2, variance), (moved, slope(first))):
            assert abs(found.mean() - truth) < 4 * found.std() / np.sqrt(len(found)), truth


def test_a_minimum_rate_is_kept_whatever_the_encoder_says():
    for rate in (0.0, 3.0):
        part = MinimumRatePosterior(hidden=(4,), rate=rate)
        part = part.init(noise.make_key(5), worlds.BINARY.spec, worlds.made(ONE, worlds.BINARY.spec))
        for spread in (0.0, 0.3, 3.0):
            law = worlds.scattered(jax.tree.map(jnp.zeros_like, part), 6, spread).distribution(X)
            mean, scale = np.asarray(law.base_dist.loc, float), np.asarray(law.base_dist.scale, float)
            told = 0.5 * np.sum(mean**2 + scale**2 - 1 - 2 * np.log(scale))
            assert told == pytest.approx(rate, abs=1e-3) if spread == 0 else told > rate + 1e-3


def test_refinement_climbs_the_rows_own_bound():
    model = worlds.made(ONE, worlds.BINARY.spec, spread=1.0)
    bounds = []
    for steps in (0, 3, 30):
        part = RefinedPosterior(hidden=(4,), steps=steps).init(noise.make_key(5), worlds.BINARY.spec, model)
        posterior = ready(worlds.scattered(part, 6, 0.3), model)

        def bound(key, posterior=posterior):
            h, log_q = posterior.propose(key, X)
            return model.log_joint(X, h) - log_q

        bounds.append(float(np.mean(draws(bound, 4000))))
    assert bounds[0] < bounds[1] - 0.02 < bounds[2] - 0.04


class Laid(HasRealCodes):
    """A model's blocks laid end to end, as one."""

    model: DeepLatentGaussian

    @property
    def latents(self):
        return (Latent("reals", sum(self.model.sizes)),)

    def _blocks(self, h):
        return (h[0][:2], h[0][2:])

    def log_prior(self, h):
        return self.model.log_prior(self._blocks(h))

    def log_likelihood(self, x, h):
        return self.model.log_likelihood(x, self._blocks(h))


@pytest.mark.parametrize(
    ("several", "one"),
    [
        (HamiltonianPosterior(hidden=(4,), steps=2), HamiltonianPosterior(hidden=(4,), steps=2)),
        (RefinedLayersPosterior(hidden=(4,), steps=2), RefinedPosterior(hidden=(4,), steps=2)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_several_blocks_move_as_the_one_that_they_make_together(several, one):
    spec = worlds.BINARY.spec
    model = worlds.made(DEEP, spec, spread=0.5)
    laid = Laid(model)
    both = [part.init(noise.make_key(5), spec, served) for part, served in ((several, model), (one, laid))]

    @eqx.filter_jit
    def asked(parts, epsilon):
        found = [ready(part, served) for part, served in zip(parts, (model, laid), strict=True)]
        return [posterior.transform_and_log_prob(epsilon, X) for posterior in found]

    epsilon = both[0].noise(noise.make_key(2))
    (blocks, log_q), ((flat,), expected) = asked(both, epsilon)
    assert [block.shape for block in blocks] == [(2,), (1,)]
    np.testing.assert_allclose(np.concatenate(blocks), flat, rtol=1e-5)
    assert float(log_q) == pytest.approx(float(expected), rel=1e-5)


def test_gradients_pass_through_refinement_or_past_it():
    model = worlds.made(ONE, worlds.BINARY.spec, spread=1.0)

    def slopes(through):
        part = RefinedPosterior(hidden=(4,), steps=3, through=through)
        part = worlds.scattered(part.init(noise.make_key(5), worlds.BINARY.spec, model), 6, 0.3)

        def of_model(model):
            return ready(part, model).transform_and_log_prob(jnp.array([0.3, -0.5]), X)[1]

        return jax.tree.leaves(parameters(eqx.filter_jit(eqx.filter_grad(of_model))(model)))

    assert all(bool(jnp.all(leaf == 0)) for leaf in slopes(through=False))
    assert any(bool(jnp.any(leaf != 0)) for leaf in slopes(through=True))


def test_an_autoregressive_posterior_sums_to_one_and_its_draws_follow_it():
    part, _ = filled("nade")
    states = worlds.states(5)
    log_q = jax.jit(jax.vmap(lambda h: part.log_prob((h[:3], h[3:]), X)))(states)
    assert float(jnp.sum(jnp.exp(log_q))) == pytest.approx(1.0, abs=1e-5)
    codes = draws(lambda key: part.sample(key, X), 20_000)
    assert surprise(worlds.place(np.concatenate(codes, axis=1)), log_q) > 1e-3
    first = log_q.reshape(8, 4)
    marginal = jax.nn.logsumexp(first, axis=1).reshape(2, 2, 2)
    apart = [jax.nn.logsumexp(marginal, axis=tuple(j for j in range(3) if j != i)) for i in range(3)]
    product = apart[0][:, None, None] + apart[1][None, :, None] + apart[2][None, None, :]
    assert float(jnp.max(jnp.abs(product - marginal))) > 0.02


def test_an_autoregressive_posterior_of_categories_sums_to_one_and_its_draws_follow_it():
    model = worlds.made(VQVAE(3, 3, 2, (4,)), worlds.BINARY.spec)
    part = AutoregressivePosterior(width=4).init(noise.make_key(5), worlds.BINARY.spec, model)
    part = worlds.scattered(part, 6, 0.9)
    (latent,) = model.latents
    states = np.indices((latent.levels,) * latent.size).reshape(latent.size, -1).T
    log_q = np.asarray(jax.jit(jax.vmap(lambda h: part.log_prob((h,), X)))(jnp.asarray(states)))
    assert np.exp(log_q).sum() == pytest.approx(1.0, abs=1e-5)
    (codes,) = draws(lambda key: part.sample(key, X), 20_000)
    assert codes.dtype == np.int32
    places = np.ravel_multi_index(np.asarray(codes).T, (latent.levels,) * latent.size)
    assert surprise(places, log_q) > 1e-3
    joint = np.exp(log_q).reshape((latent.levels,) * latent.size)
    rows = joint.reshape(latent.levels, -1)
    assert np.abs(rows - np.outer(rows.sum(1), rows.sum(0))).max() > 0.01


def test_the_gaussian_posterior_is_the_normal_density_of_its_moments():
    part, _ = filled("gaussian")
    output = np.asarray(part.encoder(X.astype(jnp.float32)), np.float64)
    h = (jnp.array([0.3, -1.4]),)
    expected = scipy.stats.norm(output[:2], np.exp(output[2:])).logpdf([0.3, -1.4]).sum()
    assert float(part.log_prob(h, X)) == pytest.approx(expected, rel=1e-5)


def test_it_reads_mixed_rows():
    part = GaussianPosterior(hidden=(4,)).init(noise.make_key(0), worlds.MIXED, VAE(latent=2))
    row = {
        "binary": jnp.array([True, False]),
        "categorical": jnp.array([2, 0]),
        "continuous": jnp.array([1.0, -2.0]),
    }
    assert part.transform(jnp.zeros(2), row)[0].shape == (2,)
    other = row | {"categorical": jnp.array([1, 0])}
    assert not np.allclose(part.transform(jnp.zeros(2), row)[0], part.transform(jnp.zeros(2), other)[0])


def test_each_model_gets_the_posterior_of_its_blocks():
    assert usual("inference", VAE(), (HasPosterior,)) == GaussianPosterior()
    assert usual("inference", SigmoidBeliefNet((3, 2)), (HasPosterior,)) == SigmoidBeliefPosterior()
    assert usual("inference", RBM(), (HasPosterior,)) is None


WRONG = {
    **{(name, option): value for name in INFERENCE for option, value in (("hidden", (0,)), ("activation", "sine"))},
    ("planar", "layers"): 0,
    ("sylvester", "columns"): 0,
    ("auxiliary", "auxiliary"): 0,
    ("hierarchical", "planes"): -1,
    ("hamiltonian", "steps"): 0,
    ("refined", "rate"): 0.0,
    ("refined-layers", "draws"): 0,
    ("implicit", "noises"): 0,
    ("minimum-rate", "rate"): -1.0,
    ("nade", "width"): 0,
}


@pytest.mark.parametrize(("name", "option"), WRONG)
def test_options_that_describe_no_posterior_are_refused(name, option):
    if option not in options_of(INFERENCE[name]()):
        return
    with pytest.raises(InputError) as refusal:
        INFERENCE[name](**{option: WRONG[name, option]})
    assert "\n" not in str(refusal.value)
