"""Scores are the log-likelihoods that closed forms, sums and integrals give, and belong to their rows alone."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie import noise
from reverie.capabilities import HasLogProb, HasPosterior
from reverie.data import Dequantise, Identity, Leaf, Levels, PerLeaf, Spec, Standardise
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.evaluation import Scores, log_likelihood, score
from reverie.evaluation.likelihood import _kind
from reverie.models import RBM, VAE, GaussianMixture, Generator
from reverie.pairing import usual
from reverie.parts import Part, filled, learned
from tests import measuring, worlds
from tests.evaluation import closed

BITS = Identity("binary")
REALS = Identity("continuous")
KEY = noise.make_key(5)


def scored(parts, measure, raw, key=KEY, **settings) -> Scores:
    found = score(parts, measure, raw, key, **settings)
    assert found is not None
    return found


def averaged(parts, measure, raw, key=KEY, **settings) -> Estimate:
    found = log_likelihood(parts, measure, raw, key, **settings)
    assert found is not None
    return found


def with_posterior(model, spec, spread=0.5):
    """The parts, with an inference model of which nothing is zero."""
    blank = usual("inference", model, (HasPosterior,))
    assert blank is not None
    posterior = blank.init(noise.make_key(1), spec, model)
    return {"model": model, "inference": worlds.scattered(posterior, 9, spread)}


def parts_of(name, spread=0.7):
    blank = worlds.blank(name)
    spec = worlds.world_for(blank).spec
    model = worlds.made(blank, spec, spread=spread)
    return with_posterior(model, spec) if usual("inference", model, (HasPosterior,)) else {"model": model}


# ------------------------------------------------------------------------------------------------------------ exact


@pytest.mark.parametrize("name", ["made", "fvsbn", "rbm"])
def test_the_likelihoods_of_all_rows_of_bits_sum_to_one(name):
    scores = scored(parts_of(name), BITS, worlds.states(4))
    assert scores.kind == "exact"
    assert scores.shared_se == 0.0
    assert scores.values.dtype == np.float64
    assert np.ptp(scores.values) > 1.0
    assert np.exp(scores.values).sum() == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("name", ["realnvp", "gaussian-mixture"])
def test_a_density_integrates_to_one_in_raw_units(name):
    mean, std = np.array([3.0, -40.0]), np.array([0.5, 20.0])
    spec = Spec({"continuous": Leaf("continuous", 2, mean=(0.0, 0.0), std=(1.0, 1.0))})
    model = worlds.made(worlds.blank(name), spec, spread=0.3)
    axis = np.linspace(-9.0, 9.0, 181)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    scores = scored({"model": model}, Standardise(tuple(mean), tuple(std)), mean + std * grid)
    assert scores.kind == "exact"
    assert np.exp(scores.values).sum() * 0.1**2 * std.prod() == pytest.approx(1.0, abs=2e-3)


def test_dequantised_densities_bound_the_mass_of_whole_numbers():
    levels, mean, std = 6, np.array([0.3, 0.6]), np.array([0.3, 0.1])
    spec = Spec({"continuous": Leaf("continuous", 2, mean=tuple(mean), std=tuple(std))})
    model = GaussianMixture(count=1).init(KEY, spec)
    model = model.with_components(jnp.ones(1), jnp.asarray(mean)[None], jnp.diag(jnp.asarray(std) ** 2)[None])
    row = np.array([[1, 4]])
    edges = (row[0] + np.array([[0.0], [1.0]])) / levels
    mass = np.prod(np.diff(scipy.stats.norm.cdf(edges, mean, std), axis=0))
    scores = [scored({"model": model}, Dequantise(levels), row, noise.make_key(seed)) for seed in range(200)]
    assert {one.kind for one in scores} == {"lower bound"}
    values = np.concatenate([one.values for one in scores])
    assert measuring.errors_off(np.exp(values), mass) < 4
    gap = math.log(mass) - values
    assert gap.mean() > 4 * gap.std() / math.sqrt(gap.size)


# ------------------------------------------------------------------------------------------------------------ bounds


def linear_gaussian(posterior_error=0.0):
    """A model with its exact posterior, which is diagonal, or one that is off."""
    world = closed.orthogonal()
    return world.parts(posterior_error), world.marginal


def test_the_bound_is_exact_with_the_exact_posterior():
    parts, marginal = linear_gaussian()
    x = marginal.rvs(40, random_state=3)
    for samples in (5, 7, 600):  # 600 codes take two blocks of 512, and the excess must not count
        scores = scored(parts, REALS, x, samples=samples)
        assert scores.kind == "lower bound"
        assert scores.values == pytest.approx(marginal.logpdf(x), abs=2e-4)
        assert scores.ess == pytest.approx(samples, rel=1e-3)
        assert scores.warnings == ()


def test_the_bound_is_unbiased_for_the_density_and_tightens_with_more_codes():
    parts, marginal = linear_gaussian(posterior_error=0.35)
    x = marginal.rvs(2000, random_state=4)
    over = {}
    for samples in (5, 50):
        scores = scored(parts, REALS, x, samples=samples)
        over[samples] = scores.values - marginal.logpdf(x)
        assert measuring.errors_off(np.exp(over[samples]), 1.0) < 4
    assert over[5].mean() < -4 * over[5].std() / math.sqrt(over[5].size)
    # To first order the gap is half the variance, and both are one tenth with ten times the codes.
    assert measuring.errors_off(over[50], -over[50].var() / 2) < 4
    assert over[50].var() < over[5].var() / 5
    tight = scored(parts, REALS, x[:50], samples=3000).values - marginal.logpdf(x[:50])
    assert np.abs(tight).max() < 0.2
    assert measuring.errors_off(tight, 0.0) < 4


def test_the_bound_of_a_sigmoid_belief_net_meets_the_sum_over_its_codes():
    spec = worlds.BINARY.spec
    model, x = worlds.made(worlds.blank("sbn"), spec, spread=0.7), worlds.states(4)
    parts = with_posterior(model, spec, spread=0.2)
    codes = worlds.states(5)
    h = (jnp.asarray(codes[:, :3]), jnp.asarray(codes[:, 3:]))
    joint = jax.vmap(lambda row: jax.vmap(lambda *h: model.log_joint(row, h))(*h))(jnp.asarray(x))
    exact = np.logaddexp.reduce(np.asarray(joint, np.float64), axis=1)
    assert np.exp(exact).sum() == pytest.approx(1.0, abs=1e-5)
    few = np.array([scored(parts, BITS, x, noise.make_key(seed), samples=20).values for seed in range(100)])
    assert measuring.errors_off(np.exp(few - exact), np.ones(16)) < 4
    below = (exact - few).mean(1)
    assert below.mean() > 4 * below.std() / math.sqrt(below.size)


def test_an_effective_number_of_codes_that_is_tiny_is_warned_of():
    parts, marginal = linear_gaussian(posterior_error=0.0)
    x = marginal.rvs(30, random_state=3)
    good = averaged(parts, REALS, x, samples=300)
    assert good.warnings == ()
    far, _ = linear_gaussian(posterior_error=3.0)
    bad = averaged(far, REALS, x, samples=300)
    assert bad.ess is not None
    assert bad.ess < 10
    assert bad.warnings == (f"ESS {bad.ess:.1f} of 300: do not trust this",)
    # One code has nothing to be weighed against, and a few are no reason for alarm.
    for samples in (1, 5):
        few = averaged(linear_gaussian(posterior_error=0.2)[0], REALS, x, samples=samples)
        assert few.warnings == ()


def test_the_standard_error_of_one_row_is_that_of_its_codes():
    parts, marginal = linear_gaussian(posterior_error=0.35)
    x = marginal.rvs(1, random_state=8)[None]
    found = [averaged(parts, REALS, x, noise.make_key(seed), samples=500) for seed in range(120)]
    spread = np.std([one.value for one in found])
    said = np.mean([one.se for one in found])
    assert said == pytest.approx(spread, rel=0.2)


# -------------------------------------------------------------------------------------------------- unnormalised


def test_a_normaliser_with_noise_makes_scores_optimistic_and_its_error_is_shared():
    parts = parts_of("rbm")
    x = worlds.BINARY.rows.raw
    exact = averaged(parts, BITS, x)
    assert exact.kind == "exact"
    log_z = Estimate(1.25, 0.3, "lower bound", ess=99.0)
    scores = scored(parts, BITS, x, log_z=log_z)
    assert (scores.kind, scores.shared_se, scores.ess) == ("optimistic", 0.3, 99.0)
    potential = jax.vmap(parts["model"].potential)(jnp.asarray(x))
    assert scores.values == pytest.approx(np.asarray(potential) - 1.25, abs=1e-5)
    mean = averaged(parts, BITS, x, log_z=log_z)
    assert mean.se == pytest.approx(math.hypot(exact.se, 0.3))
    assert (mean.kind, mean.n) == ("optimistic", 24)
    assert averaged(parts, BITS, x, log_z=log_z._replace(kind="upper bound")).kind == "pessimistic"


@pytest.mark.parametrize(
    ("of_log_z", "plain", "bound"),
    [
        ("exact", "exact", "lower bound"),
        ("consistent", "consistent", "lower bound"),
        ("upper bound", "pessimistic", "pessimistic"),
        ("lower bound", "optimistic", "approximate"),
        ("learned", "learned", "learned"),
    ],
)
def test_what_a_bound_less_a_normaliser_is(of_log_z, plain, bound):
    log_z = Estimate(1.0, 0.1, of_log_z)
    assert (_kind(log_z, bound=False), _kind(log_z, bound=True)) == (plain, bound)


def test_a_failed_normaliser_fails_the_likelihood():
    log_z = failed("log Z failed: the weights collapsed", ess=1.2)
    parts = parts_of("rbm")
    scores = scored(parts, BITS, worlds.states(4), log_z=log_z)
    assert scores.kind == "failed"
    assert np.isnan(scores.values).all()
    mean = averaged(parts, BITS, worlds.states(4), log_z=log_z)
    assert mean.failed
    assert mean.to_dict()["value"] is None
    assert mean.warnings == ("log Z failed: the weights collapsed",)


def test_models_without_a_likelihood_have_no_score():
    spec = worlds.CONTINUOUS.spec
    generator = {"model": Generator(latent=2, hidden=(3,)).init(KEY, spec)}
    assert score(generator, REALS, worlds.CONTINUOUS.rows.raw, KEY) is None
    assert log_likelihood(generator, REALS, worlds.CONTINUOUS.rows.raw, KEY) is None
    lone = {"model": parts_of("sbn")["model"]}
    assert score(lone, BITS, worlds.states(4), KEY) is None


# ------------------------------------------------------------------------------------- a score belongs to its row


def some_rows(name):
    """Rows, a measure and parts; the measure draws noise where `dequantise` is said."""
    rng = np.random.default_rng(2)
    if name == "dequantise":
        spec = Spec({"continuous": Leaf("continuous", 3, mean=(0.5,) * 3, std=(0.3,) * 3)})
        model = worlds.made(VAE(latent=2, hidden=(5,)), spec, spread=0.4)
        return with_posterior(model, spec), Dequantise(8), rng.integers(0, 8, (700, 3))
    if name == "mixed":
        spec = worlds.MIXED
        model = worlds.made(VAE(latent=2, hidden=(5,)), spec, spread=0.4)
        raw = {
            "binary": rng.random((700, 2)) < 0.4,
            "categorical": rng.integers(0, 2, (700, 2)),
            "continuous": rng.normal(size=(700, 2)).astype(np.float32),
        }
        measures = {"binary": BITS, "categorical": Levels(3), "continuous": REALS}
        widths = tuple(dict.fromkeys(raw, 2).items())
        return with_posterior(model, spec), PerLeaf(measures, widths), raw
    world = worlds.world_for(worlds.blank(name))
    x = rng.random((700, 4)) < 0.4 if world.spec.kind == "binary" else rng.gamma(2.0, size=(700, 3))
    return parts_of(name), world.measure, x


@pytest.mark.parametrize("name", ["vae", "sbn", "made", "realnvp", "gaussian-mixture", "rbm", "dequantise", "mixed"])
def test_a_score_depends_on_its_own_row_only_bit_for_bit(name):
    parts, measure, raw = some_rows(name)

    def scores(places):
        return scored(parts, measure, jax.tree.map(lambda leaf: leaf[places], raw), samples=40).values

    whole = scores(np.arange(700))
    assert np.isfinite(whole).all()
    order = np.random.default_rng(0).permutation(700)
    assert np.array_equal(scores(order), whole[order])
    for count in (1, 33, 513):
        assert np.array_equal(scores(order[:count]), whole[order[:count]])
    twice = np.concatenate([order[:5], order[:5]])
    assert np.array_equal(scores(twice), whole[twice])


@pytest.mark.parametrize("name", ["vae", "dequantise"])
def test_noise_depends_on_the_key_and_on_the_values_of_a_row_but_not_on_their_type(name):
    parts, measure, raw = some_rows(name)
    raw = np.round(raw[:50] * 4).astype(np.float32) / 4

    def scores(rows, key=KEY):
        return scored(parts, measure, rows, key, samples=40).values

    assert not np.isclose(scores(raw), scores(raw, noise.make_key(6)), atol=1e-6).any()
    assert np.array_equal(scores(raw), scores(raw.astype(np.float64)))
    signed = np.where(raw == 0, -0.0, raw)
    assert np.array_equal(scores(raw), scores(signed))


class Counted(Part, HasLogProb):
    """Standard normal columns; counts how often it is traced."""

    width: object = learned()
    traces = 0

    def init(self, key, spec, model=None):
        return filled(self, width=jnp.ones(()))

    def log_prob(self, x):
        type(self).traces += 1
        return jnp.sum(-0.5 * jnp.square(x * self.width))


def test_any_number_of_rows_takes_one_compilation():
    model = Counted().init(KEY, worlds.CONTINUOUS.spec)
    for count in (3, 700, 1, 1100, 3):
        values = scored({"model": model}, REALS, np.ones((count, 3), np.float32)).values
        assert values == pytest.approx(np.full(count, -1.5))
    assert Counted.traces == 1


# ------------------------------------------------------------------------------------------------------- bad input


def test_what_cannot_be_scored_is_refused_or_failed():
    parts = parts_of("made")
    with pytest.raises(InputError, match="samples must be at least 1, not 0"):
        scored(parts, BITS, worlds.states(4), samples=0)
    with pytest.raises(InputError, match="no rows to score"):
        scored(parts, BITS, np.zeros((0, 4), bool))
    spec = worlds.CONTINUOUS.spec
    mixture = {"model": GaussianMixture(count=1).init(KEY, spec)}
    mean = averaged(mixture, REALS, np.array([[1.0, 2.0, 3.0], [1.0, np.nan, 3.0]]))
    assert mean.failed
    assert mean.warnings == ("1 of 2 rows have no finite value",)


def test_an_rbm_from_arrays_scores_without_a_given_normaliser():
    rbm = RBM.from_arrays(weights=np.zeros((3, 2)), visible_bias=[0.0, 1.0, -2.0], hidden_bias=np.zeros(2))
    found = scored({"model": rbm}, BITS, np.array([[1, 0, 1]], bool))
    assert found.values[0] == pytest.approx(-(math.log(2) + math.log1p(math.e) + math.log1p(math.exp(2))), abs=1e-5)
