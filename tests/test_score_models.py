"""Score-based models and flow matching against a Gaussian, whose score and flow are closed forms."""

import dataclasses
import itertools
import typing
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from reverie import noise
from reverie.data import Leaf, Spec
from reverie.directions import NoiseRegression, VelocityRegression
from reverie.errors import InputError
from reverie.learners import Denoising, FlowMatching
from reverie.models import DDPM, VESDE, VPSDE, StraightFlow
from reverie.models.noise_schedules import Cosine, GeometricSigma, LinearBeta, LinearPath
from reverie.models.reverse_process import ReverseSampler
from reverie.parts import parameters
from reverie.samplers import NoisedData, Tick
from tests import worlds
from tests.measuring import draws, errors_off, label, tick

SCHEDULES = (LinearBeta(), Cosine(), GeometricSigma(), LinearPath(), LinearBeta(levels=50))
MEAN, COVARIANCE = np.array([0.3, -0.2]), np.array([[1.0, 0.6], [0.6, 0.9]])
UNIT, SCALE = np.array([1.0, -2.0]), np.array([0.5, 3.0])
SPEC = Spec({"continuous": Leaf("continuous", 2, mean=tuple(UNIT), std=tuple(SCALE))})


class GaussianWay(eqx.Module):
    """The network that is exact for x̄ ~ N(m, C); class 0 has another mean."""

    mean: jax.Array
    covariance: jax.Array
    shift: jax.Array

    def __call__(self, u, a, y):
        alpha, sigma = jnp.cos(a), jnp.sin(a)
        mean = self.mean + jnp.where(y == 0, self.shift, 0.0)
        both = alpha**2 * self.covariance + sigma**2 * jnp.eye(2)
        turned = jnp.array([[both[1, 1], -both[0, 1]], [-both[1, 0], both[0, 0]]])
        weighed = turned @ (u - alpha * mean) / (both[0, 0] * both[1, 1] - both[0, 1] * both[1, 0])
        row = mean + alpha * self.covariance @ weighed
        return alpha * sigma * weighed - sigma * row


def way(mean=MEAN):
    return GaussianWay(*(jnp.asarray(a, jnp.float32) for a in (mean, COVARIANCE, [0.5, 1.0])))


def exact(cls, mean=MEAN, **options):
    """A model of such rows whose score is exact."""
    blank = cls(hidden=(2,), classes=2, **options)
    return dataclasses.replace(blank.init(noise.make_key(0), SPEC), network=way(mean))


# ------------------------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda one: f"{type(one).__name__}-{one.levels}")
def test_schedules_keep_their_identities(schedule):
    t = jnp.linspace(schedule.start or 1e-3, 0.999, 40)
    alpha, sigma, log_snr, angle, scale, diffusion = (
        np.asarray(jax.vmap(f)(t), float)
        for f in (
            schedule.alpha,
            schedule.sigma,
            schedule.log_snr,
            schedule.angle,
            schedule.scale,
            schedule.diffusion,
        )
    )
    if isinstance(schedule, LinearBeta | Cosine):
        np.testing.assert_allclose(alpha**2 + sigma**2, 1.0, rtol=1e-5)
    np.testing.assert_allclose(scale * np.cos(angle), alpha, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scale * np.sin(angle), sigma, rtol=1e-4)
    np.testing.assert_allclose(log_snr, 2 * np.log(alpha / sigma), rtol=1e-3, atol=1e-4)
    assert np.all(np.diff(log_snr) < 0)
    faster, wider = jax.vmap(schedule.rates)(t)
    if not isinstance(schedule, LinearPath):  # whose diffusion is a choice
        np.testing.assert_allclose(2 * sigma * (wider - sigma * faster / alpha), diffusion, rtol=2e-3)
    times = np.asarray(jax.vmap(schedule.time_at)(jnp.linspace(0, 0.9999, 101)))
    assert times.min() == pytest.approx(schedule.start)
    assert times.max() == pytest.approx(1.0, abs=1e-3)
    if schedule.levels:
        np.testing.assert_allclose(times * schedule.levels, np.round(times * schedule.levels), atol=1e-4)


def test_levels_have_the_variances_of_the_paper():
    kept = np.asarray(jax.vmap(LinearBeta().alpha)(jnp.arange(1001) / 1000), float) ** 2
    np.testing.assert_allclose(1 - kept[1:] / kept[:-1], np.linspace(1e-4, 0.02, 1000), atol=2.5e-4)


# ------------------------------------------------------------------------------------------------------ objectives


@pytest.mark.parametrize(
    ("cls", "direction"),
    [
        (DDPM, NoiseRegression("simple")),
        (VPSDE, NoiseRegression("likelihood")),
        (VESDE, NoiseRegression("snr")),
        (StraightFlow, VelocityRegression()),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_the_best_score_of_a_gaussian_is_its_own(cls, direction):
    """At the closed form no parameter moves, on average; at another mean some do."""

    def ascent(key, mean):
        key_x, key_draw = jax.random.split(key)
        z = noise.normal(key_x, (8, 2)) @ jnp.asarray(np.linalg.cholesky(COVARIANCE).T, jnp.float32)
        x = jnp.asarray(UNIT + SCALE * MEAN, jnp.float32) + jnp.asarray(SCALE, jnp.float32) * z
        parts = {"model": exact(cls, mean)}
        drawn, _, _ = NoisedData().draw(Tick(key_draw, jnp.asarray(0)), parts, worlds.batch_of(x), None)
        along, _, _ = direction.ascend(tick(), parts, worlds.batch_of(x), drawn, None)
        return parameters(along.along["model"]).network

    both = draws(lambda key: (ascent(key, MEAN), ascent(key, MEAN + 0.5)), 2000)
    nought = jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:]), both[0])
    assert errors_off(both[0], nought) < 4
    assert errors_off(both[1], nought) > 10
    # Upwards is back: the objective is concave in the mean, which is half a unit too large.
    assert np.mean(both[1].mean @ np.ones(2)) < 0


@pytest.mark.parametrize("dropout", [0.0, 0.3, 1.0])
def test_labels_are_dropped_and_times_are_spread(dropout):
    labels = jnp.arange(4000) % 3
    model = exact(VPSDE)
    batch = worlds.batch_of(np.tile(UNIT, (4000, 1)).astype(np.float32))._replace(y=labels)
    drawn, _, _ = jax.jit(NoisedData(dropout).draw)(tick(), {"model": model}, batch, None)
    noised = drawn["noised"]
    kept = np.asarray(noised.y) == np.asarray(labels)
    assert set(np.unique(np.asarray(noised.y)[~kept])) <= {-1}
    assert abs(kept.mean() - (1 - dropout)) <= 4 * np.sqrt(dropout * (1 - dropout) / 4000)
    np.testing.assert_allclose(np.sort(noised.t), 1e-3 + 0.999 * (np.arange(4000) + 0.5) / 4000, atol=3e-4)
    np.testing.assert_allclose(noised.z, model.noise_schedule.sigma(noised.t)[:, None] * noised.noise, atol=1e-4)
    unlabelled, _, _ = NoisedData(dropout).draw(tick(), {"model": model}, batch._replace(y=None), None)
    assert np.all(np.asarray(unlabelled["noised"].y) == -1)


# ----------------------------------------------------------------------------------------------------- the density


def flow_of_a_gaussian(model):
    """The mean and covariance of what the flow of that score makes of N(0, I): affine, since all C_t commute."""
    schedule = model.noise_schedule
    ends = [float(schedule.angle(jnp.asarray(t))) for t in (schedule.start, 1.0)]
    first, last = (np.cos(a) ** 2 * COVARIANCE + np.sin(a) ** 2 * np.eye(2) for a in ends)
    stretch = scipy.linalg.sqrtm(first @ np.linalg.inv(last))
    scale = float(schedule.scale(jnp.asarray(schedule.start)))
    mean = scale * (np.cos(ends[0]) * MEAN - stretch @ (np.cos(ends[1]) * MEAN))
    covariance = scale**2 * stretch @ stretch.T
    return UNIT + SCALE * mean, SCALE[:, None] * covariance * SCALE


@pytest.mark.parametrize(
    ("cls", "tolerance"), [(VPSDE, 1e-5), (VPSDE, None), (DDPM, None), (VESDE, None), (StraightFlow, None)]
)
def test_the_density_of_the_flow_is_the_gaussians(cls, tolerance):
    model = exact(cls, tolerance=tolerance, steps=60)
    x = np.random.default_rng(0).multivariate_normal(UNIT + SCALE * MEAN, np.outer(SCALE, SCALE) * COVARIANCE, 12)
    told = np.asarray(jax.jit(jax.vmap(model.log_prob))(jnp.asarray(x, jnp.float32)))
    mean, covariance = flow_of_a_gaussian(model)
    np.testing.assert_allclose(told, scipy.stats.multivariate_normal(mean, covariance).logpdf(x), atol=3e-4)
    # The rows' own density, but for the signal that is left at t = 1 and the noise that there is at the start.
    own = scipy.stats.multivariate_normal(UNIT + SCALE * MEAN, np.outer(SCALE, SCALE) * COVARIANCE).logpdf(x)
    np.testing.assert_allclose(told, own, atol=1e-3 if cls is StraightFlow else 2e-2)


def test_hutchinsons_divergence_is_unbiased_and_a_rows_own():
    model = worlds.made(VPSDE(hidden=(5,), tolerance=None, steps=10), worlds.CONTINUOUS.spec, spread=0.5)
    x = jnp.asarray(worlds.CONTINUOUS.rows.raw[:3])
    guessed = dataclasses.replace(model, divergence="hutchinson")
    signs = jnp.asarray(np.random.default_rng(0).choice([-1.0, 1.0], (4000, 3)), jnp.float32)
    one = lambda probe: jax.vmap(lambda row: guessed.log_prob_given(row, jnp.asarray(-1), probe))(x)
    told = np.asarray(jax.jit(jax.vmap(one))(signs))
    assert told.std(0).min() > 0.05
    assert (model.log_prob_kind, guessed.log_prob_kind) == ("exact", "unbiased")
    assert errors_off(told, jax.jit(jax.vmap(model.log_prob))(x)) < 4
    scored = jax.jit(jax.vmap(guessed.log_prob))
    np.testing.assert_allclose(scored(x), scored(x[::-1])[::-1], rtol=1e-5)


# --------------------------------------------------------------------------------------------------------- drawing


SOLVED = {"tolerance": None}
# Every model with every sampler that it takes, and options with which its bias is below the noise.
DRAWN: dict[tuple[Any, str], dict[str, Any]] = {
    (DDPM, "ancestral"): {"levels": 300, "steps": 300},
    (DDPM, "ddim"): {},
    (DDPM, "sde"): {"steps": 300},
    (DDPM, "ode"): SOLVED | {"steps": 40},
    (VPSDE, "ancestral"): {"schedule": "cosine"},
    (VPSDE, "ddim"): {"steps": 200},
    (VPSDE, "sde"): {"steps": 400},
    (VPSDE, "ode"): SOLVED | {"steps": 40},
    (VESDE, "ancestral"): {"steps": 200},
    (VESDE, "ddim"): {"eta": 0.5, "steps": 400},
    (VESDE, "sde"): {"steps": 500},
    (VESDE, "ode"): SOLVED | {"steps": 60},
    (StraightFlow, "ancestral"): {"steps": 200},
    (StraightFlow, "ddim"): {"steps": 200},
    (StraightFlow, "sde"): {"steps": 400},
    (StraightFlow, "ode"): SOLVED | {"steps": 20},
}


def test_every_sampler_that_a_model_takes_is_drawn_by():
    assert set(DRAWN) == set(itertools.product((DDPM, VPSDE, VESDE, StraightFlow), typing.get_args(ReverseSampler)))


def moments(x, mean):
    """How draws lie about a mean, in units of the rows, and how they should."""
    gap = (np.asarray(x, float) - UNIT - SCALE * mean) / SCALE
    told = {"mean": gap, "covariance": gap[:, :, None] * gap[:, None, :], "skew": gap**3}
    return told, {"mean": np.zeros(2), "covariance": COVARIANCE, "skew": np.zeros(2)}


@pytest.mark.parametrize(("cls", "sampler"), DRAWN, ids=label)
def test_draws_have_the_moments_of_the_gaussian(cls, sampler):
    model = exact(cls, sampler=sampler, **DRAWN[cls, sampler])
    assert errors_off(*moments(draws(model.sample, 4000), MEAN)) < 4


def test_guidance_on_the_way_of_a_stochastic_equation_leads_beyond_a_class():
    """The guided field of weight w is affine in the mean, so that its draws are those of m + w (m_0 − m)."""
    model = exact(VPSDE, sampler="sde", steps=300)
    found = draws(lambda key: model.sample_class(key, jnp.asarray(0), 2.0), 2000)
    assert errors_off(*moments(found, MEAN + 2.0 * np.array([0.5, 1.0]))) < 4


def test_guidance_leads_from_all_rows_to_a_class_and_beyond():
    model = exact(StraightFlow, tolerance=None, steps=20)
    keys = jax.random.split(noise.make_key(1), 2000)
    of_class = jax.jit(lambda w: jax.vmap(lambda key: model.sample_class(key, jnp.asarray(0), w))(keys))
    plain = jax.jit(jax.vmap(model.sample))(keys)
    conditional = jax.jit(jax.vmap(lambda key: model.sample_class(key, jnp.asarray(0))))(keys)
    np.testing.assert_allclose(of_class(0.0), plain, atol=1e-4)
    np.testing.assert_allclose(of_class(1.0), conditional, atol=1e-4)
    assert errors_off(conditional, UNIT + SCALE * (MEAN + np.array([0.5, 1.0]))) < 4
    moved = np.asarray(of_class(2.0) - conditional) / SCALE
    np.testing.assert_allclose(moved, np.asarray(conditional - plain) / SCALE, atol=1e-3)  # the field is affine in m


def test_classes_must_be_asked_for_before_they_are_drawn():
    model = VPSDE(hidden=(2,)).init(noise.make_key(0), SPEC)
    assert model.guided_classes == 0
    with pytest.raises(InputError, match="made without classes"):
        model.sample_class(noise.make_key(0), jnp.asarray(0))
    three = Spec(SPEC.leaves, classes=3)
    assert "name 3 classes and the model has 2" in (VPSDE(classes=2).unsuited(three) or "")
    assert VPSDE(classes=3).unsuited(three) is None


# ---------------------------------------------------------------------------------------------------------- images


def test_a_unet_reads_images_of_odd_sizes_noise_and_classes():
    leaf = Leaf("continuous", 15, mean=tuple(np.linspace(0, 1, 15)), std=(0.5,) * 15)
    spec = Spec({"continuous": leaf}, image=(3, 5, 1))
    model = worlds.made(VPSDE(channels=(3, 2), classes=2, tolerance=None, steps=4), spec)
    assert len(model.mean) == len(model.std) == 1
    x = jnp.asarray(np.random.default_rng(0).normal(size=15), jnp.float32)
    start, variance = np.mean(leaf.mean), 0.25 + np.var(leaf.mean)
    expected = scipy.stats.norm(start, np.sqrt(variance)).logpdf(x).sum()
    assert float(eqx.filter_jit(lambda model: model.log_prob(x))(model)) == pytest.approx(
        expected, abs=0.02
    )  # a network of nought
    model = worlds.scattered(model, 1, 0.3)
    args = (x, jnp.asarray(0.7), jnp.asarray(1))

    def total(network):
        return jnp.sum(network(*args) ** 2)

    slopes = eqx.filter_jit(eqx.filter_grad(total))(model.network)
    assert all(bool(jnp.any(leaf != 0)) for leaf in jax.tree.leaves(slopes))
    told = [np.asarray(model.network(x, a, y)) for a, y in [args[1:], (0.9, 1), (0.7, 0), (0.7, -1)]]
    assert all(np.abs(told[0] - other).max() > 1e-3 for other in told[1:])
    assert jax.eval_shape(lambda key: model.sample(key), noise.make_key(0)).shape == (15,)


@pytest.mark.parametrize(
    ("made", "options", "said"),
    [
        (VPSDE, {"hidden": ()}, "at least one layer"),
        (VPSDE, {"channels": (0,)}, "at least one layer"),
        (VPSDE, {"classes": 0}, "classes must be at least 1"),
        (VPSDE, {"sampler": "euler"}, "sampler must be"),
        (VPSDE, {"divergence": "none"}, "divergence must be"),
        (VPSDE, {"schedule": "square"}, "schedule must be"),
        (VPSDE, {"steps": 0}, "steps must be at least 1"),
        (VPSDE, {"eta": 2.0}, "eta must lie"),
        (VPSDE, {"tolerance": 0.0}, "tolerance must lie"),
        (DDPM, {"levels": 1}, "levels must be at least 2"),
        (DDPM, {"levels": 100}, "take fewer steps"),
        (DDPM, {"schedule": "square"}, "schedule must be"),
        (VESDE, {"sigma_min": 60.0}, "sigma_min < sigma_max"),
        (Denoising, {"dropout": 1.5}, "dropout must lie"),
        (FlowMatching, {"dropout": -0.1}, "dropout must lie"),
    ],
    ids=label,
)
def test_options_that_describe_nothing_are_refused(made, options, said):
    with pytest.raises(InputError, match=said) as refusal:
        made(**options)
    assert "\n" not in str(refusal.value)
