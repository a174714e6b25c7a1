"""A posterior for every row: it converges to the exact one, is kept by row, and survives a cut."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.errors import InputError
from reverie.learners import StochasticVariationalInference
from reverie.models import PPCA
from reverie.samplers import LocalVariational
from tests import worlds
from tests.measuring import errors_off, tick
from tests.test_loop import same

RAW = jnp.asarray(worlds.CONTINUOUS.rows.raw)


def model(orthogonal):
    """Two components, of columns that are orthogonal or not: then the posterior's covariance is diagonal or not."""
    made = worlds.made(PPCA(latent=2), worlds.CONTINUOUS.spec, spread=0.3)
    if not orthogonal:
        return made
    axes = np.linalg.qr(np.asarray(made.weights))[0] * np.array([2.0, 1.0])
    return dataclasses.replace(made, weights=jnp.asarray(axes, jnp.float32))


def visited(model, sampler, count):
    """The chain after so many visits of every row, half of the rows at a time."""
    parts = {"model": model}
    halves = [worlds.batch_of(RAW[half], index=half) for half in (np.arange(0, 24, 2), np.arange(1, 24, 2))]
    draw = jax.jit(sampler.draw)
    chain = sampler.init(noise.make_key(0), parts, 24, halves[0])
    for visit in range(2 * count):
        drawn, chain, info = draw(tick(visit), parts, halves[visit % 2], chain)
    return chain, drawn, info


def test_what_is_kept_converges_to_the_exact_posterior():
    """And there the bound is the log-likelihood, at every code."""
    exact = model(orthogonal=True)
    chain, drawn, info = visited(exact, LocalVariational(steps=25, half=20), 40)
    posterior = jax.jit(jax.vmap(exact.posterior))(RAW)
    np.testing.assert_allclose(chain.moments.mean[0], posterior.loc, atol=5e-3)
    scale = np.sqrt(np.diagonal(posterior.covariance_matrix, axis1=1, axis2=2))
    np.testing.assert_allclose(jnp.exp(chain.moments.log_scale[0]), scale, rtol=1e-2)
    log_p = jax.vmap(exact.log_prob)(RAW[1::2])
    np.testing.assert_allclose(drawn["codes"].log_weight[0], log_p, atol=0.05)
    assert float(info["elbo"]) == pytest.approx(float(jnp.mean(log_p)), abs=1e-2)
    assert np.ptp(np.asarray(posterior.loc)) > 1.0


def test_where_the_posterior_is_not_of_the_family_the_means_are_still_right():
    """The best factorised Gaussian has the posterior's mean and, as scales, one over the roots of the precisions."""
    oblique = model(orthogonal=False)
    chain, _, _ = visited(oblique, LocalVariational(steps=25, half=20), 40)
    posterior = jax.jit(jax.vmap(oblique.posterior))(RAW)
    precision = np.linalg.inv(np.asarray(posterior.covariance_matrix, np.float64))
    assert np.abs(precision[:, 0, 1]).min() > 0.25
    np.testing.assert_allclose(chain.moments.mean[0], posterior.loc, atol=0.1)
    scale = 1 / np.sqrt(np.diagonal(precision, axis1=1, axis2=2))
    np.testing.assert_allclose(jnp.exp(chain.moments.log_scale[0]), scale, rtol=0.1)


def test_a_batch_changes_its_own_rows_and_goes_on_from_them():
    parts, sampler = {"model": model(orthogonal=True)}, LocalVariational(steps=3, count=2)
    index = np.array([20, 3, 11])
    batch = worlds.batch_of(RAW[index], index=index)
    draw = jax.jit(sampler.draw)
    chain = sampler.init(noise.make_key(0), parts, 24, batch)
    _, first, _ = draw(tick(0), parts, batch, chain)
    _, second, _ = draw(tick(1), parts, batch, first)
    others = np.setdiff1d(np.arange(24), index)
    for leaf in jax.tree.leaves(second):
        assert np.all(np.asarray(leaf)[others] == 0)
    counts = second.optimiser[0].count
    assert [int(count) for count in counts[index]] == [6, 6, 6]
    # The same batch from nothing, with the second key, gets less far.
    _, fresh, _ = draw(tick(1), parts, batch, chain)
    far = lambda chain: float(jnp.sum(jnp.abs(chain.moments.mean[0])))
    assert far(second) > 1.5 * far(fresh)


def test_codes_follow_what_is_kept_with_equal_weights():
    parts, sampler = {"model": model(orthogonal=True)}, LocalVariational(steps=1, count=5000)
    batch = worlds.batch_of(RAW[:1])
    drawn, chain, _ = jax.jit(sampler.draw)(tick(0), parts, batch, sampler.init(noise.make_key(0), parts, 24, batch))
    codes = drawn["codes"]
    assert np.all(np.asarray(codes.weight) == np.float32(1 / 5000))
    z = (np.asarray(codes.h[0])[:, 0] - chain.moments.mean[0][0]) / np.exp(chain.moments.log_scale[0][0])
    assert errors_off(z, np.zeros(2)) < 4
    assert errors_off(z**2, np.ones(2)) < 4
    log_q = -0.5 * np.sum(z**2, axis=1) - np.sum(chain.moments.log_scale[0][0]) - np.log(2 * np.pi)
    log_p = jax.jit(jax.vmap(lambda h: parts["model"].log_joint(RAW[0], (h,))))(codes.h[0][:, 0])
    np.testing.assert_allclose(codes.log_weight[:, 0], log_p - log_q, rtol=1e-3, atol=1e-3)


def test_a_run_may_be_cut_anywhere():
    learner = StochasticVariationalInference(steps=2)
    loop, parts = worlds.loop_for("vae", learner), worlds.parts_for("vae", learner)
    whole, _ = loop.advance(loop.start(parts), 9)
    state = loop.start(parts)
    for count in (4, 5):
        state, _ = loop.advance(state, count)
    assert same(state, whole)
    assert np.any(np.asarray(state.chain.moments.mean[0]) != 0)


@pytest.mark.parametrize("options", [{"steps": 0}, {"count": 0}, {"half": 0}, {"rate": 0.0}, {"rate": float("inf")}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(InputError) as refusal:
        LocalVariational(**options)
    assert next(iter(options)) in str(refusal.value)
