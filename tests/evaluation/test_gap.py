"""The inference gap and its parts are the divergences that closed forms and sums give."""

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from reverie import noise
from reverie.capabilities import Latent
from reverie.data import Dequantise, Identity
from reverie.errors import InputError
from reverie.estimate import mean_of
from reverie.evaluation import gap as room
from reverie.evaluation.gap import inference_gap
from reverie.evaluation.local import elbo, factorised, flow
from reverie.models import MADE, Generator
from tests import measuring, worlds
from tests.evaluation import closed

KEY = noise.make_key(5)
REALS, BITS = Identity("continuous"), Identity("binary")
QUICK = {"chains": 8, "temperatures": 100, "leaps": 3}


def known(world, x):
    """The exact log-likelihood, in the place of what annealing would give."""
    values = world.marginal.logpdf(x)
    return mean_of(values, "lower bound"), values


def test_the_parts_of_the_gap_are_the_divergences_of_closed_forms():
    world, error = closed.oblique(0.3), 0.3
    x = world.rows(32)
    found = closed.given(inference_gap(world.parts(error), REALS, x, KEY, steps=150, annealed=known(world, x)))
    assert found.log_likelihood.value == pytest.approx(world.marginal.logpdf(x).mean(), abs=0.03)
    std = np.sqrt(np.diag(world.covariance)) * math.exp(error)
    precision = np.linalg.inv(world.covariance)
    quadratic = np.trace(precision @ np.diag(std**2)) + error**2 * precision.sum() - 2
    truth = 0.5 * (quadratic - 2 * np.log(std).sum() + np.linalg.slogdet(world.covariance)[1])
    assert closed.given(found.inference).value == pytest.approx(truth, abs=0.1)
    gaussian, flowing = found.families
    assert (gaussian.name, flowing.name) == ("diagonal Gaussian", "flow")
    assert gaussian.approximation.value == pytest.approx(world.mean_field_gap, abs=0.04)
    assert world.mean_field_gap > 0.3
    assert abs(flowing.approximation.value) < 0.08
    for family in found.families:
        whole = family.approximation.value + closed.given(family.amortisation).value
        assert whole == pytest.approx(closed.given(found.inference).value)
    kinds = (closed.given(found.inference).kind, gaussian.approximation.kind, closed.given(gaussian.amortisation).kind)
    assert kinds == ("lower bound", "optimistic", "lower bound")


def best_mean_field(log_joint):
    """log p(x) − the highest bound of two independent bits, for a row of log p(x, h) over [00, 01, 10, 11]."""
    codes = worlds.states(2)

    def below(logits):
        q = 1 / (1 + np.exp(-np.asarray(logits)))
        mass = np.prod(np.where(codes, q, 1 - q), axis=1)
        return -(mass * (log_joint - np.log(mass + 1e-300))).sum()

    starts = itertools.product((-3, 3), repeat=2)
    return np.logaddexp.reduce(log_joint) + min(scipy.optimize.minimize(below, start).fun for start in starts)


def test_a_belief_net_has_the_gap_that_its_sum_gives():
    net = worlds.helmholtz(1.5)
    found = closed.given(inference_gap(net.parts, BITS, net.x, KEY, steps=300, samples=500))
    exact = np.logaddexp.reduce(net.log_joint.astype(np.float64), axis=1)
    assert (found.log_likelihood.kind, found.method) == ("exact", "a sum over all codes")
    assert found.log_likelihood.value == pytest.approx(exact.mean(), abs=1e-5)
    (family,) = found.families
    assert family.name == "factorised posterior"
    assert family.approximation.kind == "upper bound"
    truth = np.mean([best_mean_field(row) for row in net.log_joint.astype(np.float64)])
    assert family.approximation.value == pytest.approx(truth, abs=0.03)
    q = np.exp(net.log_q.astype(np.float64))
    bound = (q * (net.log_joint - net.log_q)).sum(1)
    assert closed.given(found.inference).value == pytest.approx((exact - bound).mean(), abs=0.06)
    assert "flow needs latent variables that are all reals" in found.notes[-1]
    assert found.to_dict()["families"][0]["amortisation"]["kind"] == "lower bound"


def test_a_richer_inference_model_and_a_short_optimiser_are_told(monkeypatch):
    world = closed.orthogonal()
    x = world.rows(32)
    found = closed.given(inference_gap(world.parts(), REALS, x, KEY, steps=100, annealed=known(world, x), flows=False))
    amortised = closed.given(found.families[0].amortisation)
    assert abs(amortised.value) < 0.05
    monkeypatch.setattr(room, "STILL_RISING", -1.0)
    found = closed.given(inference_gap(world.parts(), REALS, x, KEY, steps=100, annealed=known(world, x), flows=False))
    assert "give it more steps" in found.notes[0]
    rich = room.Family("factorised posterior", amortised, amortised, amortised._replace(value=-1.0, se=0.1))
    assert room._notes((rich,), {}) == [
        "the inference model does better than the best factorised posterior: its family is richer"
    ]


def test_gaps_are_there_as_far_as_the_parts_allow():
    world = closed.orthogonal()
    x = world.rows(4)
    settings: dict[str, Any] = {"steps": 100, "annealing": QUICK, "flows": False}
    for parts in (world.parts(0.2, closed.Implicit), {"model": world.model}):
        found = closed.given(inference_gap(parts, REALS, x, KEY, **settings))
        assert (found.elbo, found.inference, found.families[0].amortisation) == (None, None, None)
        assert abs(found.families[0].approximation.value) < 0.1
        assert "cannot be weighed" in found.notes[0]
    for model in (Generator(latent=2, hidden=(3,)), MADE(hidden=(4,))):
        spec = worlds.world_for(model).spec
        assert inference_gap({"model": model.init(KEY, spec)}, REALS, x, KEY) is None
    with pytest.raises(InputError, match="at least 8 steps"):
        inference_gap(world.parts(), REALS, x, KEY, steps=1)
    with pytest.raises(InputError, match="no rows"):
        inference_gap(world.parts(), REALS, x[:0], KEY)


def test_all_figures_are_of_one_view_of_a_random_row(monkeypatch):
    monkeypatch.setattr(room, "annealed_likelihood", lambda *words, **settings: None)
    world = closed.orthogonal()
    raw = np.random.default_rng(0).integers(0, 4, (8, 3))
    found = closed.given(inference_gap(world.parts(), Dequantise(4), raw, KEY, steps=100, flows=False))
    # With the exact posterior there is no gap, whatever the noise of the measure; two views would differ by nats.
    assert abs(closed.given(found.inference).value) < 0.05
    assert abs(found.families[0].approximation.value) < 0.05


# ----------------------------------------------------------------------------------------- posteriors of one row


@pytest.mark.parametrize("size", [1, 3])
def test_a_flow_is_the_identity_at_first_and_knows_its_determinant(size):
    base = factorised((Latent("reals", size),), (noise.normal(KEY, (50, size)) * 2 + 1,))
    made, z = flow(KEY, base), jnp.linspace(-2.0, 1.0, size)
    mean, log_std = base.blocks[0]
    assert np.asarray(jax.jit(lambda z: made.push(z))(z)[0]) == pytest.approx(
        np.asarray(mean + jnp.exp(log_std) * z), abs=1e-5
    )
    made = worlds.scattered(made, 3, 0.7)
    slope, said = jax.jit(jax.jacfwd(lambda z: made.push(z), has_aux=True))(z)
    sign, log_det = np.linalg.slogdet(np.asarray(slope, np.float64))
    assert sign == 1.0
    assert float(said) == pytest.approx(log_det, abs=1e-4)


def test_a_flow_says_the_density_of_what_it_draws():
    base = factorised((Latent("reals", 2), Latent("reals", 1)), tuple(noise.normal(KEY, (50, n)) for n in (2, 1)))
    drawn = flow(KEY, base).draw(KEY)
    mean, log_std = (jnp.concatenate([block[i] for block in base.blocks]) for i in (0, 1))
    z = (jnp.concatenate(drawn.h) - mean) * jnp.exp(-log_std)
    log_q = -0.5 * jnp.sum(z**2) - jnp.sum(log_std) - 1.5 * math.log(2 * math.pi)
    assert [block.shape for block in drawn.h] == [(2,), (1,)]
    assert float(drawn.log_q) == pytest.approx(float(log_q), abs=1e-4)


def test_the_gradient_over_blocks_of_every_kind_is_that_of_the_bound():
    model = closed.switch()
    q = factorised(model.latents, jax.vmap(lambda one: model.sample_joint(one)[1])(jax.random.split(KEY, 200)))
    x = jnp.array([0.4, -0.8])

    def slope(key):
        return jax.grad(lambda q: elbo(q, model, x, jax.random.split(key, 4))[1])(q)

    found = measuring.draws(slope, 8000)

    def exact(q):
        """The sum over bits and categories, the integral over reals by a large fixed sample."""
        (mean, log_std), bits, levels = q.blocks
        epsilon = noise.normal(noise.make_key(9), (2000, 2))
        epsilon = jnp.concatenate([epsilon, -epsilon])
        epsilon = epsilon / epsilon.std(0)
        total = jnp.sum(log_std) + jnp.sum(0.5 * epsilon**2, axis=1).mean() + math.log(2 * math.pi)
        for code, level in itertools.product(worlds.states(2), range(3)):
            log_bits = -jnp.sum(jax.nn.softplus(jnp.where(code, -bits, bits)))
            log_mass = log_bits + jax.nn.log_softmax(levels)[0, level]
            h = (jnp.asarray(code), jnp.array([level]))
            fit = jax.vmap(lambda e, h=h: model.log_joint(x, (mean + jnp.exp(log_std) * e, *h)))(epsilon)
            total = total + jnp.exp(log_mass) * (fit.mean() - log_mass)
        return total

    truth = jax.jit(jax.grad(exact))(q)
    for gradients, one in zip(jax.tree.leaves(found), jax.tree.leaves(truth), strict=True):
        se = np.asarray(gradients).std(0) / math.sqrt(8000)
        assert (np.abs(np.asarray(gradients).mean(0) - np.asarray(one)) < 4 * se + 0.015).all()
