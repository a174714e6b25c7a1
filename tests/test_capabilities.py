"""Capabilities that carry a body: lists of codes, relaxed bits, and posteriors that ask the model."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.capabilities import (
    ConsultsModel,
    HasFiniteCodes,
    HasPosterior,
    HasRelaxedJoint,
    Latent,
    Proposes,
    ReparameterisedProposal,
    capabilities_of,
    posterior_of,
)
from reverie.errors import InputError
from reverie.inference import GaussianPosterior, SigmoidBeliefPosterior
from reverie.models import SigmoidBeliefNet
from tests import worlds


class Mixed(HasFiniteCodes):
    """Two bits and a category of three levels; the densities are of no interest here."""

    @property
    def latents(self):
        return (Latent("bits", 2), Latent("categories", 1, 3))

    def log_prior(self, h):
        return jnp.zeros(())

    def log_likelihood(self, x, h):
        return jnp.zeros(())


def test_every_code_is_listed_once():
    bits, category = Mixed().codes()
    assert (bits.dtype, category.dtype) == (jnp.bool_, jnp.int32)
    assert Mixed().code_count == len(bits) == len(category) == 12
    assert len({(*b, *c) for b, c in zip(np.asarray(bits).tolist(), np.asarray(category).tolist(), strict=True)}) == 12
    assert set(np.asarray(category)[:, 0].tolist()) == {0, 1, 2}


def test_too_many_codes_are_refused():
    with pytest.raises(InputError, match=r"has 1.27e\+30 terms here .* ask for fewer latent variables"):
        SigmoidBeliefNet((100,)).codes()


def test_a_relaxed_joint_is_the_joint_at_the_corners_and_linear_in_the_prior():
    net = worlds.helmholtz()
    model, x = net.parts["model"], jnp.asarray(net.x[5])
    assert isinstance(model, HasRelaxedJoint)
    for h in net.h:
        hard, soft = (jnp.asarray(h),), (jnp.asarray(h, jnp.float32),)
        assert float(model.log_joint(x, hard)) == pytest.approx(float(model.log_joint(x, soft)), rel=1e-5)
    ends = [jnp.array([0.0, 1.0]), jnp.array([1.0, 0.0])]
    middle = 0.3 * ends[0] + 0.7 * ends[1]
    mixed = 0.3 * model.log_prior((ends[0],)) + 0.7 * model.log_prior((ends[1],))
    assert float(model.log_prior((middle,))) == pytest.approx(float(mixed), rel=1e-5)
    slope = jax.grad(lambda h: model.log_joint(x, (h,)))(middle)
    assert bool(jnp.all(slope != 0))


def test_the_density_of_a_reparameterised_draw_is_the_density():
    spec = worlds.BINARY.spec
    model = worlds.made(worlds.blank("vae"), spec)
    part = worlds.scattered(GaussianPosterior(hidden=(4,)).init(noise.make_key(5), spec, model), 6, 0.7)
    x = jnp.asarray(worlds.BINARY.rows.raw[1])
    h, log_q = part.transform_and_log_prob(part.noise(noise.make_key(1)), x)
    assert float(log_q) == pytest.approx(float(part.log_prob(h, x)), rel=1e-5)
    assert np.array_equal(part.transform(jnp.zeros(2), x)[0], part.encode(x)[0])


def test_a_belief_net_posterior_is_its_logits():
    net = worlds.helmholtz()
    part, x = net.parts["inference"], jnp.asarray(net.x[3])
    logits = part.code_logits(x, ())
    for h in net.h:
        expected = -np.sum(np.logaddexp(0.0, np.where(h, -1.0, 1.0) * np.asarray(logits)))
        assert float(part.log_prob((jnp.asarray(h),), x)) == pytest.approx(expected, rel=1e-5)


class Asking(ConsultsModel):
    """A posterior that keeps the model it was shown."""

    model: object = None

    def consulting(self, model):
        return dataclasses.replace(self, model=model)


def test_who_asks_the_model_is_shown_it():
    model = SigmoidBeliefNet((2,))
    assert posterior_of({"model": model, "inference": Asking()}).model is model
    other = SigmoidBeliefPosterior()
    assert posterior_of({"model": model, "inference": other}) is other


def test_what_is_implied_is_named_too():
    names = capabilities_of(GaussianPosterior)
    assert {"Proposes", "HasPosterior", "Reparameterised", "ReparameterisedProposal"} <= set(names)
    assert issubclass(HasPosterior, Proposes)
    assert issubclass(ReparameterisedProposal, Proposes)
