"""Learned priors: they integrate or sum to one, draws follow them, and each coordinate reads those before it."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from reverie import noise
from reverie.errors import InputError
from reverie.learners import ELBO
from reverie.models import LearnedPriorVAE, MixturePriorVAE
from reverie.models.priors import CodePrior
from reverie.networks.masked import masked_mlp
from reverie.pairing import missing
from reverie.parts import parameters
from tests import worlds
from tests.measuring import draws, errors_off, surprise

KEY = noise.make_key(3)
PRIORS = ("mixture", "flow", "autoregressive")


def vae(prior):
    if prior == "mixture":
        return MixturePriorVAE(latent=2, hidden=(), count=3)
    return LearnedPriorVAE(latent=2, hidden=(), prior=prior, layers=2, width=4)


@pytest.fixture(scope="module", params=PRIORS)
def prior(request):
    """The density of h in a model, away from where it starts."""
    return worlds.made(vae(request.param), worlds.BINARY.spec, spread=0.4).density


def test_a_learned_prior_integrates_to_one(prior):
    edge = np.linspace(-14.0, 14.0, 561)
    grid = np.stack(np.meshgrid(edge, edge, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.float32)
    density = np.exp(np.asarray(jax.jit(jax.vmap(prior.log_prob))(grid), np.float64)) * (edge[1] - edge[0]) ** 2
    assert density.sum() == pytest.approx(1.0, abs=2e-3)


def test_draws_follow_a_learned_prior_along_every_parameter(prior):
    def score(key):
        return parameters(eqx.filter_grad(lambda prior, h: prior.log_prob(h))(prior, prior.sample(key)))

    scores = draws(score, 8000)
    assert errors_off(scores, jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:]), scores)) < 4.5
    assert all(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(scores))


@pytest.mark.parametrize("name", PRIORS)
def test_a_learned_prior_starts_near_the_standard_normal(name):
    density = vae(name).init(KEY, worlds.BINARY.spec).density
    h = np.asarray(draws(density.sample, 20_000))
    np.testing.assert_allclose(h.mean(0), 0.0, atol=0.6)
    np.testing.assert_allclose(h.std(0), 1.0, atol=0.5)


def test_a_mixture_is_scipys():
    density = worlds.made(vae("mixture"), worlds.BINARY.spec, spread=0.4).density
    means, scales = np.asarray(density.means, np.float64), np.exp(np.asarray(density.log_scales, np.float64))
    weights = scipy.special.softmax(np.asarray(density.logits, np.float64))
    h = np.array([0.4, -1.3])
    expected = np.log(weights @ np.prod(scipy.stats.norm(means, scales).pdf(h), axis=1))
    assert float(density.log_prob(jnp.asarray(h))) == pytest.approx(expected, rel=1e-5)


def test_a_coordinate_reads_those_before_it():
    """Every one of those, through masks of two hidden layers, and no other."""
    network = worlds.scattered(masked_mlp(KEY, 4, 2, (9, 7), 3), 1, 0.5)
    reads = np.asarray(jax.jit(jax.jacobian(network))(jnp.full((4, 2), 0.3)))
    strength = np.abs(reads).max(axis=(1, 3))
    assert np.all(strength[np.triu_indices(4)] == 0.0)
    assert np.all(strength[np.tril_indices(4, -1)] > 0.0)


def test_a_prior_of_codes_sums_to_one_and_its_draws_follow_it():
    prior = worlds.scattered(CodePrior.start(KEY, 3, 3, 8), 1, 0.7)
    codes = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.int32)
    log_p = jax.jit(jax.vmap(prior.log_prob))(codes)
    assert float(jnp.sum(jnp.exp(log_p))) == pytest.approx(1.0, abs=1e-5)
    assert np.ptp(log_p) > 1.0
    assert surprise(np.asarray(draws(prior.sample, 20_000)) @ [9, 3, 1], log_p) > 1e-3
    relaxed = jax.vmap(lambda code: prior.log_prob(jax.nn.one_hot(code, 3)))(codes)
    np.testing.assert_allclose(relaxed, log_p, rtol=1e-5)


@pytest.mark.parametrize("model", [MixturePriorVAE(), LearnedPriorVAE()], ids=["mixture", "flow"])
def test_no_learned_prior_has_a_divergence_in_closed_form(model):
    assert missing(model, ELBO(kl="closed")) == {"model": ("HasPriorDistribution",)}
    assert missing(model, ELBO(kl="sampled")) == {}


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (MixturePriorVAE, {"count": 0}),
        (LearnedPriorVAE, {"prior": "cauchy"}),
        (LearnedPriorVAE, {"layers": 0}),
        (LearnedPriorVAE, {"width": 0}),
        (LearnedPriorVAE, {"prior": "flow", "latent": 1}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else value.__name__,
)
def test_options_that_describe_no_prior_are_refused(cls, options):
    with pytest.raises(InputError) as refusal:
        cls(**options)
    assert "\n" not in str(refusal.value)
