"""Adversarial variational Bayes, with critics that are at their optimum."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import digamma

from reverie.capabilities import DiscriminatesPairs, HasLogJoint, Latent
from reverie.directions import AdversarialElbo, PairCriticUp
from reverie.errors import InputError
from reverie.learners import AVB
from reverie.pairing import make_learner
from reverie.samplers import BaseNoise, Tick
from tests import linear_gaussian
from tests.linear_gaussian import BATCH, closed_form, said
from tests.measuring import along, ascents, draws, errors_off, gradient


class Best(DiscriminatesPairs):
    """V = log q(h | x) − log p(h) + ψ h₁, the optimum at ψ = 0."""

    inference: Any
    psi: Any

    def pair_logit(self, x, h):
        log_prior = jnp.sum(-0.5 * h[0] ** 2) - 0.5 * h[0].size * jnp.log(2 * jnp.pi)
        return self.inference.log_prob(h, x) - log_prior + self.psi * h[0][0]


class Silent(DiscriminatesPairs):
    """V = ψ h₁: the optimum at ψ = 0 where nothing is left to tell."""

    psi: Any

    def pair_logit(self, x, h):
        return self.psi * h[0][0]


@pytest.fixture(scope="module")
def parts():
    return linear_gaussian.filled(2)


def with_best(parts, psi=0.0):
    return parts | {"critic": Best(parts["inference"], jnp.asarray(psi))}


def test_at_the_critics_optimum_it_is_the_evidence_lower_bound(parts):
    """In value and in the mean of its gradients, though V is held while φ moves."""
    direction = AdversarialElbo("prior")
    values = draws(lambda key: said(direction, with_best(parts), key, 1)["elbo_by_critic"], 4000)
    assert errors_off(values, jax.jit(closed_form)(parts)) < 4
    given = ascents(BaseNoise("inference", 2), direction, with_best(parts), BATCH)
    for name in ("model", "inference"):
        exact = gradient(closed_form, parts, name)
        assert errors_off(given[name], exact) < 4
        assert errors_off(given[name], jax.tree.map(lambda leaf: 1.1 * leaf, exact)) > 4


@pytest.mark.parametrize(("psi", "sign"), [(0.0, 0), (0.5, -1), (-0.5, 1)])
def test_the_critic_rests_at_the_log_ratio(parts, psi, sign):
    """Told from the prior; the slope along ψ is that of E log σ(V) + E log(1 − σ(V))."""
    given = ascents(BaseNoise("inference", 1), PairCriticUp("prior"), with_best(parts, psi), BATCH, 8000)
    slope = np.asarray(given["critic"].psi)
    off = slope.mean() / (slope.std() / np.sqrt(len(slope)))
    assert abs(off) < 4 if sign == 0 else np.sign(off) == sign and abs(off) > 4


def test_a_gaussian_told_from_its_own_moments_leaves_the_critic_nothing(parts):
    """In units of 2,000 draws' moments q is standard normal: the critic rests at zero and is moved there."""
    for psi, sign in ((0.0, 0), (0.5, -1)):
        critic = parts | {"critic": Silent(jnp.asarray(psi))}
        given = ascents(BaseNoise("inference", 2001), PairCriticUp("adaptive", 2000), critic, BATCH, 1000)
        slope = np.asarray(given["critic"].psi)
        off = slope.mean() / (slope.std() / np.sqrt(len(slope)))
        assert abs(off) < 4 if sign == 0 else np.sign(off) == sign and abs(off) > 4


@pytest.mark.parametrize("moments", [6, 20])
def test_few_draws_for_the_moments_cost_what_they_must(parts, moments):
    """With V = 0 the value is the bound plus E KL[q ‖ r̂], r̂ the Gaussian with the moments of m draws:

    ½ (ψ(ν/2) + log 2/ν + ν/(ν − 2) (1 + 1/m) − 1) for each variable, ν = m − 1, since σ̂²/σ² ~ χ²_ν/ν.
    """
    nu = moments - 1
    excess = 0.5 * (digamma(nu / 2) + np.log(2 / nu) + nu / (nu - 2) * (1 + 1 / moments) - 1)
    silent = parts | {"critic": Silent(jnp.asarray(0.0))}
    direction = AdversarialElbo("adaptive", moments)
    values = draws(lambda key: said(direction, silent, key, moments + 1)["elbo_by_critic"], 8000)
    assert errors_off(values, float(jax.jit(closed_form)(parts)) + 2 * excess) < 4
    assert errors_off(values, float(jax.jit(closed_form)(parts))) > 4


def test_the_moments_are_held(parts):
    """φ moves through the codes alone: with V = 0 its gradient is that of log p(x, h) and of log r at fixed moments."""
    silent = parts | {"critic": Silent(jnp.asarray(0.0))}
    draw = BaseNoise("inference", 5).draw(Tick(jax.random.key(2), jnp.asarray(0)), parts, BATCH, None)[0]
    given = along(AdversarialElbo("adaptive", 4), silent, BATCH, draw)["inference"]
    codes = jax.vmap(jax.vmap(parts["inference"].transform), in_axes=(0, None))(draw["noise"], BATCH.x)[0]
    mean, scale = np.mean(codes[1:], axis=0), np.std(codes[1:], axis=0, ddof=1)

    def objective(parts):
        h = jax.vmap(parts["inference"].transform)(draw["noise"][0], BATCH.x)
        log_r = jnp.sum(-0.5 * ((h[0] - mean) / scale) ** 2, axis=1)
        return jnp.mean(jax.vmap(parts["model"].log_joint)(BATCH.x, h) - log_r)

    for a, b in zip(jax.tree.leaves(given), jax.tree.leaves(gradient(objective, parts, "inference")), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


class Centred(HasLogJoint):
    """h ~ N(c, I) with c to learn, and an x that says nothing."""

    c: Any

    @property
    def latents(self):
        return (Latent("reals", 2),)

    def log_prior(self, h):
        return -0.5 * jnp.sum((h[0] - self.c) ** 2)

    def log_likelihood(self, x, h):
        return jnp.zeros(())


def test_a_prior_with_parameters_learns_from_the_codes(parts):
    """r is held: what is left for θ is ∇ log p(x, h)."""
    model: dict[str, Any] = {"model": Centred(jnp.array([0.4, -1.0])), "critic": Silent(jnp.asarray(0.3))}
    draw = BaseNoise("inference").draw(Tick(jax.random.key(2), jnp.asarray(0)), parts, BATCH, None)[0]
    given = along(AdversarialElbo("prior"), parts | model, BATCH, draw)["model"]
    codes = jax.vmap(parts["inference"].transform)(draw["noise"][0], BATCH.x)[0]
    np.testing.assert_allclose(given.c, np.mean(codes, axis=0) - model["model"].c, rtol=1e-5)


def test_its_options():
    assert AVB().sampler == BaseNoise("inference", 21)
    assert AVB("prior").sampler == BaseNoise("inference", 1)
    assert AVB(critic_steps=3).cadence == {"model": 3, "inference": 3}
    for options, told in (
        ({"moments": 2}, "at least 3"),
        ({"critic_steps": 0}, "at least 1"),
        ({"samples": 0}, "at least 1"),
    ):
        with pytest.raises(InputError, match=told):
            make_learner("avb", options)
