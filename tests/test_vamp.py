"""The VampPrior: a mixture prior tied to the posterior at pseudo-inputs."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from reverie import noise
from reverie.auxiliaries import PseudoInputs
from reverie.data import Leaf, Spec
from reverie.directions import TiedPrior
from reverie.inference import GaussianPosterior
from reverie.learners import VampPrior
from reverie.loop import Loop
from reverie.models import MixturePriorVAE
from reverie.networks.features import features, layouts
from reverie.pairing import check, fill
from reverie.parts import parameters
from reverie.samplers import BaseNoise
from tests import worlds
from tests.measuring import tick

SPEC = worlds.BINARY.spec
X = worlds.states(4)[[2, 7, 12]]
BATCH = worlds.batch_of(X)


@pytest.fixture(scope="module")
def parts():
    blanks = check(MixturePriorVAE(2, (3,), count=4), VampPrior(), {"inference": GaussianPosterior(hidden=(3,))})
    return {name: worlds.scattered(part, 4, 0.4) for name, part in fill(blanks, noise.make_key(1), SPEC).items()}


@pytest.fixture(scope="module")
def ascended(parts):
    """The noise of three draws for each row, the ascent, and what was said."""
    draw, _, _ = BaseNoise("inference", 3).draw(tick(1), parts, BATCH, None)
    ascent, _, info = eqx.filter_jit(TiedPrior().ascend)(tick(), parts, BATCH, draw, None)
    return draw["noise"], ascent, info


def components(parts):
    """q(h | u_c) with numpy: means and standard deviations."""
    rows = np.asarray(parts["pseudo-inputs"].rows(), np.float64)
    first, last = parts["inference"].encoder.layers
    hidden = np.tanh(rows @ np.asarray(first.weight, np.float64) + np.asarray(first.bias))
    output = hidden @ np.asarray(last.weight, np.float64) + np.asarray(last.bias)
    return output[:, :2], np.exp(output[:, 2:])


def test_the_prior_is_the_posteriors_average_over_the_pseudo_inputs(parts, ascended):
    means, scales = components(parts)
    h = np.array([0.3, -0.8])
    expected = np.log(np.mean(np.prod(scipy.stats.norm(means, scales).pdf(h), axis=1)))
    model = ascended[1].replace["model"]
    assert float(model.log_prior((jnp.asarray(h),))) == pytest.approx(expected, rel=1e-4)
    rows = np.asarray(parts["pseudo-inputs"].rows())
    assert rows.shape == (4, 4)
    assert np.all((rows > 0) & (rows < 1))


def test_the_direction_is_the_bounds_gradient_through_the_prior_too(parts, ascended):
    """By differences of the bound, written out, in a random direction of each part."""
    noises, ascent, info = ascended

    @eqx.filter_jit
    def bound(parts):
        encoder, rows = parts["inference"].encoder, parts["pseudo-inputs"].rows()
        outputs = jax.vmap(encoder)(rows)
        each = jnp.log(0.25), outputs[:, :2], jnp.exp(outputs[:, 2:])

        def log_weight(eps, x):
            output = encoder(x.astype(jnp.float32))
            h = output[:2] + jnp.exp(output[2:]) * eps
            log_q = jax.scipy.stats.norm.logpdf(h, output[:2], jnp.exp(output[2:])).sum()
            log_p = jax.nn.logsumexp(each[0] + jax.scipy.stats.norm.logpdf(h, each[1], each[2]).sum(1))
            return parts["model"].log_likelihood(x, (h,)) + log_p - log_q

        log_w = jax.vmap(jax.vmap(log_weight), in_axes=(0, None))(noises, X)
        return jnp.mean(jax.nn.logsumexp(log_w, axis=0) - jnp.log(3.0))

    assert float(info["iw_bound"]) == pytest.approx(float(bound(parts)), rel=1e-5)
    exact = eqx.filter_jit(eqx.filter_grad(bound))(parts)
    for name in ascent.along:
        for a, b in zip(jax.tree.leaves(ascent.along[name]), jax.tree.leaves(parameters(exact[name])), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    assert all(np.any(leaf != 0) for leaf in jax.tree.leaves(ascent.along["pseudo-inputs"]))
    assert not any(np.any(leaf) for leaf in jax.tree.leaves(ascent.along["model"].density))


def test_what_is_left_after_a_fit_is_a_model_by_itself():
    """Its mixture is the posterior's average at the parameters of the last step but one."""
    learner = VampPrior()
    pair = check(MixturePriorVAE(2, (3,), count=4), learner, {"inference": GaussianPosterior(hidden=(3,))})
    loop = Loop(learner, worlds.BINARY.rows, worlds.BINARY.measure, noise.make_key(0), batch=8)
    before, _ = loop.advance(loop.start(fill(pair, noise.make_key(1), SPEC)), 5)
    means, scales = components(before.parts)
    after, _ = loop.advance(before, 1)
    np.testing.assert_allclose(after.parts["model"].density.means, means, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(np.exp(after.parts["model"].density.log_scales), scales, rtol=1e-4)


def test_pseudo_inputs_are_rows_of_any_kind():
    ordered = Leaf("categorical", 2, levels=5, counts=(5, 3), mean=(3.0, 1.0), std=(1.0, 0.5), ordered=True)
    for spec in (worlds.MIXED, Spec({"categorical": ordered})):
        model = MixturePriorVAE(2, (), count=200).init(noise.make_key(0), spec)
        rows = PseudoInputs().init(noise.make_key(1), spec, model).rows()
        read = np.asarray(jax.vmap(lambda row, spec=spec: features(row, layouts(spec)))(rows))
        if spec is worlds.MIXED:
            assert read.shape == (200, 10)
            np.testing.assert_allclose(read[:, 2:5].sum(1), 1.0, rtol=1e-5)
            assert not np.any(read[:, 7])  # a level that the second column does not have
            np.testing.assert_allclose(read[:, 8:].mean(0), [1.0, -2.0], atol=0.5)
        else:
            assert read.shape == (200, 2)
            assert np.all(np.abs(read) <= 1.0)
            np.testing.assert_allclose(read.mean(0), [0.5, 0.0], atol=0.15)
