"""Factor analysis and probabilistic principal components: Bayes' rule, and EM against scikit-learn's maxima."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats
import sklearn.cluster
import sklearn.decomposition

from reverie import noise
from reverie.errors import InputError
from reverie.learners import EM
from reverie.loop import Loop
from reverie.models import PPCA, FactorAnalysis
from reverie.models.k_means import k_means
from reverie.models.moments import moments, widened
from tests import worlds

CLASSES = (FactorAnalysis, PPCA)


def rows(count=300, columns=7):
    """Two factors behind columns of unequal noise, far from the origin."""
    rng = np.random.default_rng(1)
    weights = rng.standard_normal((columns, 2)) * np.array([2.0, 1.0])
    spread = np.linspace(0.6, 1.5, columns)
    h = rng.standard_normal((count, 2))
    return (h @ weights.T + 7.0 + spread * rng.standard_normal((count, columns))).astype(np.float32)


@pytest.fixture(scope="module", params=CLASSES)
def model(request):
    return worlds.made(request.param(latent=2), worlds.CONTINUOUS.spec, spread=0.4)


def covariance(model):
    weights, scale = np.asarray(model.weights, np.float64), np.exp(np.asarray(model.log_scale, np.float64))
    return weights @ weights.T + np.diag(np.broadcast_to(scale**2, len(weights)))


def test_the_density_is_the_gaussian_of_its_moments(model):
    x = worlds.CONTINUOUS.rows.raw
    expected = scipy.stats.multivariate_normal(np.asarray(model.mean), covariance(model)).logpdf(x)
    np.testing.assert_allclose(jax.jit(jax.vmap(model.log_prob))(x), expected, rtol=1e-4)


def test_the_posterior_is_what_bayes_rule_says(model):
    """log p(h | x) = log p(x, h) − log p(x), at codes and rows that have nothing to do with each other."""
    rng = np.random.default_rng(0)
    x, h = jnp.asarray(worlds.CONTINUOUS.rows.raw), jnp.asarray(rng.standard_normal((24, 2)), jnp.float32)
    given = jax.jit(jax.vmap(lambda x, h: model.posterior(x).log_prob(h)))(x, h)
    expected = jax.jit(jax.vmap(lambda x, h: model.log_joint(x, (h,)) - model.log_prob(x)))(x, h)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-3)


def fitted(cls, raw, steps, latent=2):
    """The mean log-likelihood after each step of EM, and the model after the last."""
    world = worlds.continuous(columns=raw.shape[1])
    blank = cls(latent=latent)
    loop = Loop(EM(), worlds.rows_of(raw), world.measure, noise.make_key(0))
    state = loop.start({"model": blank.init(noise.make_key(1), world.spec)})
    score = jax.jit(lambda model: jnp.mean(jax.vmap(model.log_prob)(raw)))
    scores = []
    for count in steps:
        state, _ = loop.advance(state, count)
        scores.append(float(score(state.parts["model"])))
    return np.array(scores), state.parts["model"]


@pytest.fixture(scope="module", params=CLASSES)
def run(request):
    raw = rows()
    return raw, request.param, *fitted(request.param, raw, (1,) * 10 + (490,))


def test_the_log_likelihood_never_falls(run):
    _, _, scores, _ = run
    assert np.all(np.diff(scores) > -1e-5)
    assert scores[-1] > scores[0] + 0.1


def test_em_ends_at_the_maximum_that_scikit_learn_finds(run):
    raw, cls, scores, model = run
    if cls is PPCA:
        other = sklearn.decomposition.PCA(2).fit(raw.astype(np.float64))
        assert float(jnp.exp(2 * model.log_scale)) == pytest.approx(other.noise_variance_, rel=2e-2)
    else:
        other = sklearn.decomposition.FactorAnalysis(2, svd_method="lapack", tol=1e-5, max_iter=5000).fit(
            raw.astype(np.float64)
        )
        np.testing.assert_allclose(jnp.exp(2 * model.log_scale), other.noise_variance_, rtol=2e-2)
    # PCA's covariance divides by n − 1.
    assert scores[-1] == pytest.approx(other.score(raw.astype(np.float64)), abs=1e-4)
    np.testing.assert_allclose(model.mean, raw.mean(0), rtol=1e-4)


def test_a_step_of_em_maximises_the_expected_log_joint():
    """Its gradient vanishes there, by a rule that integrates quadratics exactly: nodes at ±√K along each axis."""
    raw = jnp.asarray(rows(40))
    blank = FactorAnalysis(latent=2)
    old = worlds.scattered(blank.init(noise.make_key(1), worlds.continuous(columns=7).spec), 2, 0.2)
    after = jax.jit(lambda model: model.maximise(model.expected_statistics(raw), 1e-6))(old)
    nodes = jnp.concatenate([jnp.eye(2), -jnp.eye(2)]) * jnp.sqrt(2.0)

    def codes(x):
        normal = old.posterior(x)
        return normal.loc + nodes @ jnp.linalg.cholesky(normal.covariance_matrix).T

    def expected(new):
        h = jax.vmap(codes)(raw)
        return jnp.mean(jax.vmap(lambda x, each: jax.vmap(lambda h: new.log_joint(x, (h,)))(each))(raw, h))

    along = jax.jit(jax.grad(expected))
    before, there = along(old), along(after)
    for leaf, start in zip(jax.tree.leaves(there), jax.tree.leaves(before), strict=True):
        assert np.abs(leaf).max() < 2e-3 * np.abs(start).max() + 1e-4


def test_variances_do_not_fall_below_the_ridge():
    """A column that never varies would have none."""
    raw = rows(60)
    raw[:, 2] = 1.5
    _, model = fitted(FactorAnalysis, raw, (30,))
    assert float(jnp.exp(2 * model.log_scale[2])) == pytest.approx(1e-6, rel=1e-3)
    assert np.all(np.isfinite(jax.jit(jax.vmap(model.log_prob))(raw)))


def test_a_model_without_factors_is_refused():
    with pytest.raises(InputError, match="needs latent >= 1, not 0"):
        PPCA(latent=0)


# ----------------------------------------------------------------------------------------- what EM of mixtures rests on


@pytest.mark.parametrize("flat", [False, True])
def test_weighted_moments_are_those_of_numpy(flat):
    """Also where one column is another but for the fourth digit, which a single-precision scatter cannot tell."""
    rng = np.random.default_rng(2)
    x = rng.standard_normal((50, 3)) * np.array([1.0, 3.0, 0.2]) + 5.0
    if flat:
        x[:, 2] = x[:, 0] + 1e-4 * rng.standard_normal(50)
    x = x.astype(np.float32)
    shares = rng.dirichlet([1.0, 2.0], 50).astype(np.float32)
    found = moments(jnp.asarray(x), jnp.asarray(shares))
    for k in range(2):
        weight = shares[:, k].astype(np.float64)
        mean = weight @ x / weight.sum()
        expected = np.cov(x.astype(np.float64).T, aweights=weight, ddof=0)
        factor = np.asarray(widened(found.factor[k], 0.0), np.float64)
        assert float(found.mass[k]) == pytest.approx(weight.sum(), rel=1e-5)
        np.testing.assert_allclose(found.mean[k], mean, rtol=1e-5)
        np.testing.assert_allclose(factor, np.linalg.cholesky(expected), rtol=0.03 if flat else 1e-3, atol=1e-6)


def test_a_ridge_is_added_and_what_is_flat_without_it_is_not_finite():
    factor = jnp.array([[2.0, 0.0], [1.0, 0.0]])
    expected = np.array([[4.0, 2.0], [2.0, 1.0]]) + 0.25 * np.eye(2)
    np.testing.assert_allclose(widened(factor, 0.25), np.linalg.cholesky(expected), rtol=1e-5)
    assert np.all(np.isnan(widened(factor, 0.0)))


def test_k_means_is_as_good_as_that_of_scikit_learn():
    rng = np.random.default_rng(4)
    centres = rng.standard_normal((5, 4)) * 4
    x = (centres[rng.integers(0, 5, 400)] + rng.standard_normal((400, 4)) + 30.0).astype(np.float32)
    labels = np.asarray(jax.jit(k_means, static_argnums=2)(noise.make_key(0), x, 5))
    inertia = sum(((x[labels == k] - x[labels == k].mean(0)) ** 2).sum() for k in range(5))
    best = sklearn.cluster.KMeans(5, n_init=10, random_state=0).fit(x).inertia_
    assert inertia < 1.01 * best
