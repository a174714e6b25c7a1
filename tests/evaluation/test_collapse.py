"""The report on collapse: its figures are those of closed forms, and its alarm sounds where nothing is said."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.data import Identity
from reverie.errors import InputError
from reverie.estimate import Estimate
from reverie.evaluation.aggregate import aggregate
from reverie.evaluation.codes import bit_logits
from reverie.evaluation.collapse import ACTIVE, AGAINST, TOWARDS, collapse, verdict
from reverie.evaluation.shares import terms_of
from reverie.inference import (
    AutoregressivePosterior,
    AuxiliaryClassPosterior,
    BottomUpPosterior,
    CategoricalPosterior,
    ClassPosterior,
    FamilyPosterior,
    GaussianPosterior,
    SigmoidBeliefPosterior,
    StackedPosterior,
    TopDownPosterior,
)
from reverie.learners import LEARNERS
from reverie.models import MADE, SigmoidBeliefNet
from reverie.pairing import REGISTRIES
from reverie.parts import filled
from tests import worlds
from tests.evaluation import closed

KEY = noise.make_key(5)
REALS, BITS = Identity("continuous"), Identity("binary")


def report(parts, measure, raw, **settings):
    return closed.given(collapse(parts, measure, raw, KEY, **settings))


@pytest.fixture(scope="module")
def world():
    """Three latent variables, of which the third does nothing."""
    return closed.linear([[1.0, 0.5, -0.4], [0.2, -0.4, 0.0], [0.0, 0.0, 0.0]], [0.7, -0.3, 2.0], 0.3)


@pytest.fixture(scope="module")
def healthy(world):
    return report(world.parts(), REALS, world.rows(500))


def test_the_figures_of_a_linear_gaussian_are_those_of_closed_forms(world, healthy):
    # q(h | x) = N(x G + c, diag s²): the aggregate is N(0, Gᵀ Σ G + diag s²), and I is the log of the ratio of widths.
    moved = world.gain.T @ world.marginal.cov @ world.gain
    variance = np.diag(world.covariance)
    total = moved + np.diag(variance)
    information = 0.5 * (np.linalg.slogdet(total)[1] - np.log(variance).sum())
    apart = 0.5 * (np.trace(total) - 3 - np.linalg.slogdet(total)[1])
    each = 0.5 * (np.diag(moved) + variance - 1 - np.log(variance))
    assert healthy.divergences == pytest.approx(each, abs=0.12)
    assert healthy.divergence.value == pytest.approx(sum(healthy.divergences), abs=0.05)
    assert abs(healthy.divergence.value - information - apart) < 4 * healthy.divergence.se
    assert healthy.information.value < information + 4 * healthy.information.se
    assert healthy.information.value > information - 0.15
    assert healthy.information_above.value > information - 4 * healthy.information_above.se
    assert (healthy.information.kind, healthy.information_above.kind) == ("lower bound", "upper bound")
    assert healthy.aggregate.value > apart - 4 * healthy.aggregate.se
    assert healthy.aggregate.value == pytest.approx(apart, abs=0.15)
    assert healthy.activity == pytest.approx(np.diag(moved), abs=0.12)
    assert (healthy.active, healthy.size) == (2, 3)
    # log p(x | h) − log p(x | h') for h, h' of two rows, in the mean: what moving a code costs.
    weight, s = np.asarray(world.model.weight, np.float64), float(world.model.scale)
    error = world.marginal.cov - world.marginal.cov @ world.gain @ weight
    noise = np.trace(weight.T @ np.diag(np.diag(world.covariance)) @ weight)
    own = np.trace(error @ np.linalg.solve(world.marginal.cov, error.T)) + noise
    other = np.trace(world.marginal.cov + weight.T @ moved @ weight) + noise
    assert healthy.worth.value == pytest.approx((other - own) / 2 / s**2, rel=0.1)
    assert healthy.state == "healthy"
    assert healthy.alarm == ""
    assert abs(healthy.mmd2.value) < 4 * healthy.mmd2.se


def test_the_bounds_of_the_information_hold_it_between_them_and_their_errors_are_true(world):
    moved = world.gain.T @ world.marginal.cov @ world.gain
    variance = np.diag(world.covariance)
    truth = 0.5 * (np.linalg.slogdet(moved + np.diag(variance))[1] - np.log(variance).sum())
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        mean = world.marginal.rvs(60, random_state=rng) @ world.gain + world.offset
        h = mean + np.sqrt(variance) * rng.standard_normal(mean.shape)
        z = (h[:, None] - mean[None]) / np.sqrt(variance)
        log_q = -0.5 * (z**2).sum(2) - 0.5 * np.log(variance).sum() - 1.5 * math.log(2 * math.pi)
        found.append(aggregate(log_q[:, None], -0.5 * (h**2).sum(1)[:, None] - 1.5 * math.log(2 * math.pi)))
    for name, sign in (("below", 1), ("above", -1)):
        values = np.array([getattr(one, name).value for one in found])
        gap = sign * (truth - values.mean())
        assert 0 < gap + 2 * values.std() / math.sqrt(200) < 0.3
        assert 0.95 < np.mean([getattr(one, name).se for one in found]) / values.std() < 1.4
    values = np.array([one.divergence.value for one in found])
    assert np.mean([one.divergence.se for one in found]) == pytest.approx(values.std(), rel=0.3)


def test_rows_that_say_the_same_have_no_information():
    found = aggregate(np.full((7, 2, 7), -1.5), np.full((7, 2), -2.0))
    assert (found.below.value, found.above.value, found.divergence.value) == pytest.approx((0.0, 0.0, 0.5))
    endless = aggregate(np.where(np.eye(3, dtype=bool), 0.0, -np.inf)[:, None], np.zeros((3, 1)))
    assert endless.below.value == pytest.approx(math.log(3))
    assert endless.above.failed


def test_a_posterior_that_is_the_prior_has_collapsed(world):
    parts = world.parts()
    still = {name: jnp.zeros_like(getattr(parts["inference"], name)) for name in ("gain", "offset", "log_std")}
    found = report(parts | {"inference": filled(closed.Affine(), **still)}, REALS, world.rows(200))
    assert found.state == "collapsed"
    assert found.active == 0
    assert "0 of 3 latent variables are active" in found.alarm
    assert "divergence from the prior is 0.00 nats" in found.alarm
    assert any("free-bits" in one for one in found.advice)
    assert found.information.value == pytest.approx(0.0, abs=1e-5)
    assert found.divergences == pytest.approx([0.0] * 3, abs=1e-6)
    assert max(found.activity) < ACTIVE / 2


def test_codes_far_from_the_prior_are_told(world):
    found = report(world.parts(2.0), REALS, world.rows(200))
    assert found.state == "off the prior"
    assert "not where the prior is" in found.alarm
    assert found.mmd2.value > 10 * found.mmd2.se


def test_bits_have_their_divergences_too():
    spec = worlds.BINARY.spec
    model = worlds.made(SigmoidBeliefNet((5,)), spec, spread=1.0)
    posterior = worlds.scattered(SigmoidBeliefPosterior().init(KEY, spec, model), 3, 1.0)
    x = worlds.states(4)
    found = report({"model": model, "inference": posterior}, BITS, x)
    logits = np.stack([np.asarray(posterior.code_logits(jnp.asarray(row), ())) for row in x])
    q, p = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(-np.asarray(model.top)))
    each = (q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))).mean(0)
    assert found.divergences == pytest.approx(each, abs=1e-4)
    assert found.activity == pytest.approx(q.var(0, ddof=1), abs=0.04)
    codes = worlds.states(5)
    mass = np.exp(np.where(codes[None], np.log(q)[:, None], np.log(1 - q)[:, None]).sum(2))
    information = (mass * (np.log(mass) - np.log(mass.mean(0)))).sum(1).mean()
    assert found.information.value == pytest.approx(information, abs=4 * found.information.se)
    assert found.divergence.value == pytest.approx(each.sum(), abs=4 * found.divergence.se)


def test_the_logits_of_a_prior_are_found_where_its_bits_are_independent():
    spec = worlds.BINARY.spec
    one, two = (worlds.made(SigmoidBeliefNet(sizes), spec, spread=1.0) for sizes in ((4,), (3, 2)))
    assert bit_logits(one) == pytest.approx(np.asarray(one.top), abs=1e-3)
    assert bit_logits(two) is None
    assert bit_logits(closed.switch()) is None


def test_the_bits_of_two_layers_have_the_shares_that_a_sum_over_all_codes_gives():
    spec = worlds.BINARY.spec
    model = worlds.made(SigmoidBeliefNet((3, 2)), spec, spread=1.0)
    posterior = worlds.scattered(SigmoidBeliefPosterior().init(KEY, spec, model), 3, 1.0)
    x = worlds.states(4)
    found = report({"model": model, "inference": posterior}, BITS, x)
    every = worlds.states(5)
    codes = jnp.asarray(every[:, :3]), jnp.asarray(every[:, 3:])
    logits = jax.vmap(lambda one: posterior.code_logits(one, ()))(jnp.asarray(x))
    above = jax.vmap(lambda low: posterior.code_logits(jnp.asarray(x[0]), (low,)))(codes[0])
    prior = jax.vmap(lambda high: model.layers[0](high.astype(jnp.float32)))(codes[1])

    def each(logits, bits):
        return -np.logaddexp(0.0, np.where(bits, -1.0, 1.0) * np.asarray(logits, np.float64))

    told = np.concatenate([each(logits[:, None], codes[0]), np.broadcast_to(each(above, codes[1]), (16, 32, 2))], 2)
    real = np.concatenate([each(prior, codes[0]), each(model.top, codes[1])], axis=1)
    truth = (np.exp(told.sum(2))[..., None] * (told - real)).sum(1).mean(0)
    first, second = closed.given(found.blocks)
    assert found.divergences == pytest.approx(truth, abs=0.08)
    assert np.ptp(truth) > 0.4
    assert first.divergence.value + second.divergence.value == pytest.approx(found.divergence.value, abs=1e-4)
    assert sum(first.each) == pytest.approx(first.divergence.value)
    assert (first.name, second.name, second.divergence.n) == ("3 bits", "2 bits", 16)
    # Draws of a row differ too, so that the errors are no smaller than those of the rows' own shares.
    rows = (np.exp(told.sum(2))[..., None] * (told - real)).sum(1)
    assert np.all(np.array(first.errors + second.errors) > 0.6 * rows.std(0, ddof=1) / 4)
    said = found.to_dict()
    assert said["divergences"] == list(found.divergences)
    assert said["blocks"][1]["each"] == list(second.each)


def test_blocks_that_do_not_split_are_told_as_a_whole():
    spec = worlds.BINARY.spec
    model = worlds.made(worlds.blank("vae-learned-prior"), spec)
    posterior = worlds.scattered(GaussianPosterior(hidden=()).init(KEY, spec, model), 3, 0.5)
    found = report({"model": model, "inference": posterior}, BITS, worlds.states(4))
    (block,) = closed.given(found.blocks)
    assert (found.divergences, block.each, block.name) == (None, None, "2 reals")
    assert block.divergence.value == pytest.approx(found.divergence.value, abs=1e-5)
    assert block.divergence.se > 0
    assert "no divergence by variable" in found.notes[-1]


def parted(name, part, seed=2):
    """The terms of a draw, as `terms_of` tells them, and the difference of the densities of the whole code."""
    world = worlds.world_for(worlds.blank(name))
    model = worlds.made(worlds.blank(name), world.spec, spread=0.5)
    posterior = worlds.scattered(part.init(KEY, world.spec, model), 3, 0.5)

    @jax.jit
    def told(x):
        h, log_q = posterior.propose(noise.make_key(seed), x)
        return terms_of(model, posterior, h, x, log_q), log_q - model.log_prior(h)

    terms, whole = told(jnp.asarray(world.rows.raw[3]))
    return [np.asarray(one, np.float64) for one in terms], float(whole)


@pytest.mark.parametrize(
    ("model", "part", "shapes"),
    [
        ("darn", SigmoidBeliefPosterior(), [(), ()]),
        ("sbn", AutoregressivePosterior(width=3), [(), ()]),
        ("dlgm", BottomUpPosterior(hidden=()), [(2,), (3,)]),
        ("dlgm", TopDownPosterior(hidden=()), [(2,), (3,)]),
        ("gmvae", ClassPosterior(hidden=(3,)), [(2,), (1,)]),
        ("sdgm", StackedPosterior(hidden=(3,)), [(2,), (1,), (1,)]),
        ("vae", FamilyPosterior(hidden=(), family="gumbel"), [(2,)]),
        ("vae", FamilyPosterior(hidden=(), family="dirichlet"), [()]),
        ("vq-vae", CategoricalPosterior(hidden=()), [()]),
        ("gmvae", AuxiliaryClassPosterior(hidden=(3,)), []),
    ],
)
def test_the_terms_of_a_code_add_up_to_its_density(model, part, shapes):
    terms, whole = parted(model, part)
    assert [one.shape for one in terms] == shapes
    if shapes:
        assert sum(one.sum() for one in terms) == pytest.approx(whole, abs=1e-4)


@pytest.mark.parametrize("cls", [closed.Implicit, closed.Proposal])
def test_inference_models_with_less_are_reported_as_far_as_they_go(world, cls):
    found = report(world.parts(cls=cls), REALS, world.rows(200))
    assert found.active == 2
    assert found.information is None
    assert "no mutual information" in " ".join(found.notes)
    assert (found.divergence is None) == (cls is closed.Implicit)
    assert found.mmd2 is not None
    said = found.to_dict()
    assert said["information"] is None
    assert len(said["activity"]) == 3


def test_parts_without_codes_have_no_report(world):
    assert collapse({"model": world.model}, REALS, world.rows(5), KEY) is None
    assert collapse({"model": MADE(hidden=(4,)).init(KEY, worlds.BINARY.spec)}, BITS, worlds.states(4), KEY) is None
    with pytest.raises(InputError, match="at least two rows"):
        collapse(world.parts(), REALS, world.rows(1), KEY)


def test_words_for_every_state():
    good, rate = np.array([0.5, 0.9]), Estimate(6.0, 0.1, "unbiased")
    assert verdict(good, rate, rate, None) == ("healthy", "", ())
    part = verdict(np.array([0.5, *[0.0] * 9]), rate, rate, None)
    assert part[0] == "collapsed in part"
    assert "1 of 10 latent variables is active" in part[1]
    assert verdict(good, rate._replace(value=0.01), rate, None)[0] == "collapsed"
    assert verdict(np.array([0.0]), None, rate, None)[0] == "collapsed"
    deaf = verdict(good, rate, rate._replace(value=0.01), None)
    assert deaf[0] == "collapsed"
    assert "worth 0.01 nats more to it than another row's, though 2 of 2" in deaf[1]


def test_what_is_advised_exists():
    elbo = LEARNERS["elbo"]().options
    advice = " ".join([*AGAINST, *TOWARDS])
    for role, name in re.findall(r"`--(\w+) ([\w-]+)`", advice):
        assert name in (LEARNERS if role == "learner" else REGISTRIES[role])
    options = re.findall(r"`--learner\.([\w-]+)`", advice)
    assert {name.replace("-", "_") for name in options} <= set(elbo)
    assert len(options) == 4
