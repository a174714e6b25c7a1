"""The evidence lower bound, its terms and the importance-weighted curve are what closed forms say."""

import math

import jax
import numpy as np
import pytest
import scipy.stats

from reverie import noise
from reverie.data import Dequantise, Identity
from reverie.errors import InputError
from reverie.evaluation import bounds, log_likelihood
from reverie.evaluation.bounds import row_bounds, steps_to
from reverie.evaluation.weights import log_mean_weight
from tests import measuring
from tests.evaluation import closed

KEY = noise.make_key(5)
REALS = Identity("continuous")
SAMPLES = 600


@pytest.fixture(scope="module")
def world():
    return closed.orthogonal()


def truth(world, x, error):
    """KL[q ‖ p(h)], E_q log p(x | h) and KL[q ‖ p(h | x)] for each row."""
    mean = x @ world.gain + world.offset + error
    variance = np.diag(world.covariance) * math.exp(2 * error)
    divergence = 0.5 * (mean**2 + variance - 1 - np.log(variance)).sum(1)
    from_posterior = 0.5 * (error**2 / np.diag(world.covariance) + math.exp(2 * error) - 1 - 2 * error).sum()
    return divergence, world.marginal.logpdf(x) - from_posterior + divergence, from_posterior


@pytest.mark.parametrize("cls", [closed.Affine, closed.Proposal])
def test_the_bound_and_its_terms_are_those_of_closed_forms(world, cls):
    x, error = world.rows(200), 0.35
    divergence, fit, below = truth(world, x, error)
    found = closed.given(row_bounds(world.parts(error, cls), REALS, x, KEY, samples=SAMPLES))
    assert measuring.errors_off(found.divergence - divergence, 0.0) < 4
    assert measuring.errors_off(found.fit - fit, 0.0) < 4
    assert measuring.errors_off(found.elbo - world.marginal.logpdf(x), -below) < 4
    means = closed.given(bounds(world.parts(error, cls), REALS, x, KEY, samples=SAMPLES))
    assert means.elbo.value == pytest.approx(means.fit.value - means.divergence.value)
    assert means.elbo.kind == "lower bound"
    assert means.fit.kind == "unbiased"
    assert means.divergence.kind == ("unbiased" if cls is closed.Affine else "upper bound")
    assert means.fit.se == pytest.approx(found.fit.std(ddof=1) / math.sqrt(200))


def test_with_the_exact_posterior_every_code_says_the_same(world):
    x = world.rows(40)
    found = closed.given(bounds(world.parts(), REALS, x, KEY, samples=SAMPLES))
    for k, estimate in found.curve:
        assert estimate.value == pytest.approx(world.marginal.logpdf(x).mean(), abs=2e-4)
        assert estimate.ess == pytest.approx(k, rel=1e-3)


def test_the_curve_rises_for_every_row_and_begins_at_the_bound(world):
    x = world.rows(100)
    parts = world.parts(0.5)
    found = closed.given(row_bounds(parts, REALS, x, KEY, samples=SAMPLES, ks=(1, 3, 30, 300, 600)))
    assert found.curve[:, 0] == pytest.approx(found.elbo)
    assert (np.diff(found.curve, axis=1) > 0).all()
    assert found.ess[:, 0] == pytest.approx(1.0)
    assert (found.ess <= np.array([1, 3, 30, 300, 600]) + 1e-9).all()
    # To first order the gap is Var(w) / 2k for weights of mean one, and E w² = ∫ p² / q.
    grid, std = np.linspace(-12, 12, 4001), np.sqrt(np.diag(world.covariance))[:, None]
    log_p, log_q = (scipy.stats.norm.logpdf(grid * std, m, std * s) for m, s in ((0, 1), (0.5, math.exp(0.5))))
    square = np.prod((np.exp(2 * log_p - log_q) * std * (grid[1] - grid[0])).sum(1))
    gap = (world.marginal.logpdf(x) - found.curve[:, 2]).mean()
    assert gap == pytest.approx((square - 1) / 60, rel=0.3)


def test_the_last_of_the_curve_is_the_log_likelihood(world):
    x, parts = world.rows(60), world.parts(0.3)
    found = closed.given(bounds(parts, REALS, x, KEY, samples=SAMPLES))
    assert [k for k, _ in found.curve] == [1, 10, 100, 600]
    assert found.curve[-1][1] == closed.given(log_likelihood(parts, REALS, x, KEY, samples=SAMPLES))
    alone = closed.given(row_bounds(parts, REALS, x[7:8], KEY, samples=SAMPLES))
    assert jax.tree.leaves(alone)[0][0] == jax.tree.leaves(row_bounds(parts, REALS, x, KEY, samples=SAMPLES))[0][7]


def test_bounds_are_of_raw_rows(world):
    x = np.random.default_rng(0).integers(0, 8, (30, 3))
    measure = Dequantise(8)
    found = closed.given(bounds(world.parts(0.1), measure, x, KEY, samples=20))
    plain = closed.given(log_likelihood(world.parts(0.1), measure, x, KEY, samples=20))
    assert found.curve[-1][1].value == pytest.approx(plain.value)
    assert found.elbo.value == pytest.approx(found.fit.value - found.divergence.value)


def test_parts_that_cannot_be_weighed_have_no_bounds(world):
    x = world.rows(5)
    assert bounds(world.parts(cls=closed.Implicit), REALS, x, KEY) is None
    assert bounds({"model": world.model}, REALS, x, KEY) is None
    with pytest.raises(InputError, match="no rows"):
        bounds(world.parts(), REALS, x[:0], KEY)
    with pytest.raises(InputError, match="at least one code"):
        bounds(world.parts(), REALS, x, KEY, samples=10, ks=(20,))


def test_small_things():
    assert steps_to(1) == (1,)
    assert steps_to(1000) == (1, 10, 100, 1000)
    assert steps_to(5000) == (1, 10, 100, 1000, 5000)
    value, ess = log_mean_weight(np.array([[-np.inf, -np.inf], [-np.inf, 0.0], [-800.0, -800.0], [np.nan, 0.0]]))
    assert value[:3].tolist() == pytest.approx([-np.inf, -math.log(2), -800.0])
    assert math.isnan(value[3])
    assert ess.tolist() == pytest.approx([0.0, 1.0, 2.0, 0.0])
