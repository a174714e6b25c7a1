"""Semi-amortised learning: the gradient is that of the bound after the climb, through the climb."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import posterior_of
from reverie.inference import GaussianPosterior, RefinedLayersPosterior, RefinedPosterior
from reverie.learners import SemiAmortised
from reverie.models import PPCA, DeepLatentGaussian
from reverie.pairing import check
from reverie.parts import parameters
from tests import worlds
from tests.measuring import along, tick

BATCH = worlds.batch_of(worlds.CONTINUOUS.rows.raw[:6])


def pair(**options):
    spec = worlds.CONTINUOUS.spec
    model = worlds.made(PPCA(latent=2), spec, spread=0.2)
    part = RefinedPosterior(hidden=(), steps=4, rate=0.02, **options).init(noise.make_key(2), spec, model)
    return {"model": model, "inference": jax.tree.map(lambda leaf: 0.3 * leaf, part)}


def drawn(parts):
    sampler = SemiAmortised(samples=3).sampler
    return sampler.draw(tick(), parts, BATCH, None)[0]


@eqx.filter_jit
def bound(parts, draw):
    """The mean of log p(x, h) − log q(h | x), with the divergence in closed form."""
    posterior = posterior_of(parts)
    fit = jax.vmap(jax.vmap(lambda e, x: parts["model"].log_likelihood(x, posterior.transform(e, x))), (0, None))
    mean, log_scale = jax.vmap(posterior.moments)(BATCH.x)
    divergence = 0.5 * jnp.sum(jnp.exp(2 * log_scale) + mean**2 - 1 - 2 * log_scale, axis=1)
    return jnp.mean(fit(draw["noise"], BATCH.x)) - jnp.mean(divergence)


@eqx.filter_jit
def ascend(parts, draw):
    """What the learner's direction says."""
    return along(SemiAmortised().direction, parts, BATCH, draw)


@pytest.mark.parametrize("role", ["model", "inference"])
def test_the_gradient_is_that_of_the_bound_after_the_climb(role):
    """Against a difference along a random direction; one that passes the climb by gives another number."""
    parts = pair()
    draw = drawn(parts)
    ascent = ascend(parts, draw)[role]
    rng = np.random.default_rng(0)
    way = jax.tree.map(lambda leaf: jnp.asarray(rng.standard_normal(leaf.shape), jnp.float32), parameters(parts[role]))

    def at(step):
        moved = eqx.apply_updates(parts[role], jax.tree.map(lambda leaf: step * leaf, way))
        return bound(parts | {role: moved}, draw)

    size = 1e-3
    expected = (float(at(size)) - float(at(-size))) / (2 * size)
    inner = lambda value: sum(
        float(jnp.sum(a * b)) for a, b in zip(jax.tree.leaves(value), jax.tree.leaves(way), strict=True)
    )
    assert inner(ascent) == pytest.approx(expected, rel=2e-2)
    past = ascend(pair(through=False), draw)[role]
    assert abs(inner(past) - expected) > 0.05 * abs(expected)


def test_the_climb_closes_some_of_the_gap():
    """Between the bound at the encoder's own guess and the log-likelihood."""
    parts = pair()
    draw = drawn(parts)
    guess = eqx.tree_at(lambda parts: parts["inference"].log_rate, parts, jnp.asarray(-50.0))
    before, after = float(bound(guess, draw)), float(bound(parts, draw))
    exact = float(jnp.mean(jax.jit(jax.vmap(parts["model"].log_prob))(BATCH.x)))
    assert before < after < exact + 0.5
    assert after - before > 0.2 * (exact - before)


def test_a_posterior_that_is_refined_is_supplied_and_another_refused():
    blank = PPCA(latent=2)
    assert check(blank, SemiAmortised())["inference"] == RefinedPosterior()
    assert check(DeepLatentGaussian((2, 1)), SemiAmortised())["inference"] == RefinedLayersPosterior()
    with pytest.raises(Exception, match="semi-amortised needs an inference part with Refines") as refusal:
        check(blank, SemiAmortised(), {"inference": GaussianPosterior()})
    assert "refined" in str(refusal.value)
