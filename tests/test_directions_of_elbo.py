"""The options of the evidence lower bound: through the path alone, weighed, with free bits, in whatever form serves."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

from reverie import noise
from reverie.capabilities import (
    HasLogJoint,
    HasPosteriorDistribution,
    HasPriorDistribution,
    Latent,
    ReparameterisedProposal,
)
from reverie.directions import AutoElbo, ClosedElbo, PathElbo, SampledElbo, Weighting
from reverie.directions.divergence import closed_form as has_closed_form
from reverie.errors import InputError
from reverie.learners import ELBO
from reverie.samplers import BaseNoise, Tick
from tests import linear_gaussian, worlds
from tests.linear_gaussian import BATCH, X, closed_form, log_likelihood, spread_of, two_terms
from tests.measuring import along, ascents, errors_off, gradient


@pytest.fixture(scope="module")
def parts():
    return linear_gaussian.filled(2)


@pytest.fixture(scope="module")
def solved():
    return linear_gaussian.solved()


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_the_path_derivative_has_the_mean_of_the_closed_forms_gradient(parts, beta):
    given = ascents(BaseNoise("inference", 2), PathElbo(Weighting(beta)), parts, BATCH)
    for name in ("model", "inference"):
        exact = gradient(lambda p: closed_form(p, beta), parts, name)
        assert errors_off(given[name], exact) < 4
        assert errors_off(given[name], jax.tree.map(lambda leaf: 1.1 * leaf, exact)) > 4


def test_with_the_posterior_itself_the_path_derivative_has_no_variance(solved):
    given = ascents(BaseNoise("inference", 1), PathElbo(), solved, BATCH, 200)
    for leaf in jax.tree.leaves(given["inference"]):
        np.testing.assert_allclose(leaf, 0.0, atol=2e-5)
    assert errors_off(given["model"], gradient(log_likelihood, solved, "model")) < 4
    assert spread_of(SampledElbo(), solved, X) > 0.1


WEIGHTS = [
    (Weighting(0.5), {0: 0.5, 999: 0.5}),
    (Weighting(2.0, warmup=10), {0: 0.0, 1: 0.2, 5: 1.0, 10: 2.0, 11: 2.0, 10_000: 2.0}),
    # Two cycles of 40 steps, of which the first 10 rise.
    (Weighting(warmup=10, cycles=2, ramp=0.25), {0: 0, 5: 0.5, 10: 1, 39: 1, 40: 0, 43: 0.3, 50: 1, 80: 1, 85: 1}),
    (Weighting(0.8, warmup=4, cycles=3, ramp=1.0), {0: 0, 3: 0.6, 4: 0, 6: 0.4, 8: 0, 11: 0.6, 12: 0.8, 20: 0.8}),
]


@pytest.mark.parametrize(("weighting", "expected"), WEIGHTS, ids=str)
def test_schedules_have_their_exact_values(weighting, expected):
    given = {step: float(weighting.at(jnp.asarray(step))) for step in expected}
    assert given == pytest.approx(expected)


@pytest.mark.parametrize(
    ("free_bits", "expected"),
    [(0.0, 0.2 + 1.5 + 0.7), (0.5, 0.5 + 1.5 + 0.7), (1.0, 1.0 + 1.5 + 1.0), (2.0, 6.0)],
)
def test_each_group_costs_at_least_its_free_bits(free_bits, expected):
    cost = Weighting(0.5, free_bits=free_bits).cost(jnp.array([0.2, 1.5, 0.7]), jnp.asarray(0))
    assert float(cost) == pytest.approx(0.5 * expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"beta": -0.1}, "beta must be finite and not negative"),
        ({"free_bits": float("inf")}, "free_bits must be finite"),
        ({"warmup": -1}, "warmup must be at least 0"),
        ({"cycles": 0}, "cycles at least 1"),
        ({"ramp": 0.0}, "ramp is a share"),
        ({"ramp": 1.5}, "ramp is a share"),
        ({"gradient": "path", "kl": "closed"}, "the path derivative needs a sampled divergence"),
        ({"gradient": "path", "free_bits": 0.5}, "free bits and the path derivative do not go together"),
    ],
    ids=str,
)
def test_options_that_weigh_nothing_are_refused(options, said):
    with pytest.raises(InputError, match=said) as refusal:
        ELBO(**options)
    assert "\n" not in str(refusal.value)


def test_beta_rises_with_the_steps_of_the_run(parts):
    """The direction in the middle of a warm-up is that of half β, and people see the bound itself."""
    draw, _, _ = BaseNoise("inference").draw(Tick(noise.make_key(1), jnp.asarray(0)), parts, BATCH, None)
    middle = Tick(noise.make_key(0), jnp.asarray(50))

    @jax.jit
    def both(parts):
        forms = (ClosedElbo, SampledElbo, PathElbo)
        return [
            [
                form(weighting).ascend(middle, parts, BATCH, draw, None)
                for weighting in (Weighting(warmup=100), Weighting(0.5))
            ]
            for form in forms
        ]

    for (risen, _, info), (half, _, plain) in both(parts):
        for a, b in zip(jax.tree.leaves(risen.along), jax.tree.leaves(half.along), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert float(info["elbo"]) == pytest.approx(float(plain["elbo"]), rel=1e-6)
        assert float(info["beta"]) == 0.5
        assert "beta" not in plain


def test_free_bits_push_only_the_variables_that_have_more(parts):
    """One of two variables lies above λ: the mean direction is the gradient with that one's divergence alone."""
    divergences = np.asarray(two_terms(parts)[1])
    between = float(divergences.mean())
    assert divergences.min() < 0.9 * between < 1.1 * between < divergences.max()
    above = int(divergences.argmax())

    def objective(parts):
        fit, groups = two_terms(parts)
        return fit - groups[above]

    given = ascents(BaseNoise("inference", 2), ClosedElbo(Weighting(free_bits=between)), parts, BATCH)["inference"]
    exact = gradient(objective, parts, "inference")
    assert errors_off(given, exact) < 4
    assert errors_off(given, gradient(closed_form, parts, "inference")) > 4


def test_with_more_free_bits_than_nats_nothing_is_pushed(parts):
    draw, _, _ = BaseNoise("inference").draw(Tick(noise.make_key(1), jnp.asarray(0)), parts, BATCH, None)
    for form in (ClosedElbo, SampledElbo):
        free, fit = jax.jit(
            lambda parts, form=form: [
                along(form(w), parts, BATCH, draw) for w in (Weighting(free_bits=1e3), Weighting(0.0))
            ]
        )(parts)
        for a, b in zip(jax.tree.leaves(free), jax.tree.leaves(fit), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


class Model(HasLogJoint, HasPriorDistribution):
    """x ~ N(h, 1), with any prior of h."""

    p: Any

    @property
    def latents(self):
        return (Latent("reals", 2),)

    def prior(self):
        return self.p

    def log_prior(self, h):
        return self.p.log_prob(h[0])

    def log_likelihood(self, x, h):
        return jnp.sum(dist.Normal(h[0], 1.0).log_prob(x))


LOWER = jnp.array([[1.2, 0.0], [-0.7, 0.5]])


class Posterior(ReparameterisedProposal, HasPosteriorDistribution):
    """h ~ N(a x, 1), or a Gaussian with correlations."""

    a: Any
    wide: bool = False

    def noise(self, key):
        return jax.random.normal(key, (2,))

    def transform_and_log_prob(self, noise, x):
        lower = LOWER if self.wide else jnp.eye(2)
        log_q = jnp.sum(dist.Normal(0.0, 1.0).log_prob(noise)) - jnp.sum(jnp.log(jnp.diag(lower)))
        return (self.a * x + lower @ noise,), log_q

    def distribution(self, x):
        if self.wide:
            return dist.MultivariateNormal(self.a * x, scale_tril=LOWER)
        return dist.Normal(self.a * x, 1.0).to_event(1)

    def transform_and_distribution(self, noise, x):
        return self.transform(noise, x), self.distribution(x)


NORMAL = dist.Normal(jnp.zeros(2), 1.0).to_event(1)


@pytest.mark.parametrize(
    ("prior", "wide", "closed"),
    [
        (NORMAL, False, True),
        (dist.Normal(0.0, 1.0).expand([2]).to_event(1), False, True),
        (dist.MultivariateNormal(jnp.zeros(2), jnp.eye(2)), True, True),
        (NORMAL, True, True),
        (dist.Normal(0.5, 2.0).expand([2]).to_event(1), True, True),
        (dist.StudentT(3.0, jnp.zeros(2), 1.0).to_event(1), False, False),
        (dist.MultivariateNormal(jnp.zeros(2), jnp.eye(2)), False, False),
    ],
    ids=["normal", "expanded", "full", "full to diagonal", "full to expanded", "student", "diagonal to full"],
)
def test_the_form_of_the_divergence_is_the_one_that_the_parts_allow(prior, wide, closed):
    """And where it is closed, it is the same number as the mean of log q − log p."""
    parts = {"model": Model(prior), "inference": Posterior(jnp.asarray(0.5), wide)}
    rows = worlds.batch_of(jnp.array([[0.3, -1.0], [0.4, 2.0]]))
    assert has_closed_form(parts, rows.x) == closed
    draw = {"noise": jax.random.normal(jax.random.key(1), (4000, 2, 2))}
    tick = Tick(noise.make_key(0), jnp.asarray(0))
    chosen, sampled = jax.jit(
        lambda noise: [form().ascend(tick, parts, rows, {"noise": noise}, None)[2] for form in (AutoElbo, SampledElbo)]
    )(draw["noise"])
    same = float(chosen["divergence"]) == float(sampled["divergence"])
    assert same != closed
    assert float(chosen["divergence"]) == pytest.approx(float(sampled["divergence"]), abs=0.06)


def test_a_posterior_without_a_distribution_has_the_sampled_form(parts):
    class Drawn(ReparameterisedProposal):
        inner: Any

        def noise(self, key):
            return self.inner.noise(key)

        def transform_and_log_prob(self, noise, x):
            return self.inner.transform_and_log_prob(noise, x)

    assert has_closed_form(parts, X)
    assert not has_closed_form(parts | {"inference": Drawn(parts["inference"])}, X)
    draw, _, _ = BaseNoise("inference").draw(Tick(noise.make_key(1), jnp.asarray(0)), parts, BATCH, None)
    ours, closed = jax.jit(lambda parts: [along(form(), parts, BATCH, draw) for form in (AutoElbo, ClosedElbo)])(parts)
    assert all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(closed), strict=True))


class TwoBlocks(HasLogJoint):
    """h₂ ~ N(0, 1), h₁ ~ N(a h₂, 1), x ~ N(h₁, 1)."""

    a: Any

    @property
    def latents(self):
        return (Latent("reals", 1), Latent("reals", 1))

    def log_prior(self, h):
        return jnp.sum(dist.Normal(0.0, 1.0).log_prob(h[1]) + dist.Normal(self.a * h[1], 1.0).log_prob(h[0]))

    def log_likelihood(self, x, h):
        return jnp.sum(dist.Normal(h[0], 1.0).log_prob(x))


class TwoMeans(ReparameterisedProposal):
    """h_l ~ N(m_l x, s_l²), independent."""

    m: Any
    log_s: Any

    def noise(self, key):
        return jax.random.normal(key, (2,))

    def transform_and_log_prob(self, noise, x):
        h = self.m * x + jnp.exp(self.log_s) * noise
        return (h[:1], h[1:]), jnp.sum(dist.Normal(0.0, 1.0).log_prob(noise) - self.log_s)


def bound_of_two_blocks(parts, x):
    """The evidence lower bound by hand, but for constants."""
    (m1, m2), (v1, v2), a = parts["inference"].m * x, jnp.exp(2 * parts["inference"].log_s), parts["model"].a
    squares = (x - m1) ** 2 + v1 + (m1 - a * m2) ** 2 + v1 + a**2 * v2 + m2**2 + v2
    return -0.5 * squares + jnp.sum(parts["inference"].log_s)


def test_the_sampled_bound_takes_several_blocks():
    parts = {"model": TwoBlocks(jnp.asarray(0.8)), "inference": TwoMeans(jnp.array([0.6, 0.2]), jnp.array([-0.3, 0.1]))}
    rows = worlds.batch_of(jnp.array([[1.3], [-0.4]]))
    given = ascents(BaseNoise("inference", 4), AutoElbo(), parts, rows)
    for name in ("model", "inference"):
        exact = gradient(lambda p: jnp.mean(jax.vmap(lambda x: bound_of_two_blocks(p, x[0]))(rows.x)), parts, name)
        assert errors_off(given[name], exact) < 4
        assert errors_off(given[name], jax.tree.map(lambda leaf: 1.1 * leaf, exact)) > 4
