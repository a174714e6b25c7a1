"""Score matching in its three forms, changes of one site, conditional contrast: learning without log Z and chains."""

import dataclasses
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.capabilities import HasRealPotential
from reverie.directions import (
    ConditionalContrast,
    DenoisingScoreMatching,
    ExactScoreMatching,
    ProbabilityFlow,
    PseudoLikelihood,
    RatioMatching,
    SlicedScoreMatching,
)
from reverie.errors import InputError
from reverie.learners import ConditionalNCE, MaximumPseudoLikelihood, ScoreMatching
from reverie.models import CategoricalRBM, Ising, Potts
from tests import worlds
from tests.measuring import along, errors_off, label, tick


class Bell(HasRealPotential):
    """u(x) = −½ (x − μ)·Λ (x − μ), with nothing said of log Z."""

    mean: jax.Array
    precision: jax.Array

    def start(self, key):
        return self.mean

    def potential(self, x):
        return -0.5 * (x - self.mean) @ self.precision @ (x - self.mean)


ROWS = np.random.default_rng(3).normal(size=(40, 3)) @ np.array([[1.0, 0.4, 0.0], [0.0, 0.7, -0.5], [0.0, 0.0, 1.3]])
BATCH = worlds.batch_of(ROWS.astype(np.float32))


def bell(mean, precision):
    return {"model": Bell(jnp.asarray(mean, jnp.float32), jnp.asarray(precision, jnp.float32))}


def value_of(direction, parts, batch, key=0):
    memory = direction.init(noise.make_key(0), parts)
    _, _, info = direction.ascend(tick(key), parts, batch, {}, memory)
    return info["score_matching"]


def test_score_matching_of_a_bell_is_its_closed_form():
    """tr ∇²u = −tr Λ and ∇u = −Λ (x − μ); the optimum has the data's own moments, which is maximum likelihood."""
    mean, precision = np.array([0.3, -1.0, 0.5]), np.diag([0.5, 2.0, 1.0]) + 0.2
    expected = np.trace(precision) - 0.5 * np.mean(np.sum(((ROWS - mean) @ precision) ** 2, axis=1))
    assert float(value_of(ExactScoreMatching(), bell(mean, precision), BATCH)) == pytest.approx(expected, rel=1e-5)
    moments = bell(ROWS.mean(0), np.linalg.inv(np.cov(ROWS.T, bias=True)))
    at_best = along(ExactScoreMatching(), moments, BATCH, {})["model"]
    np.testing.assert_allclose(at_best.mean, 0.0, atol=2e-5)
    np.testing.assert_allclose(at_best.precision, 0.0, atol=2e-5)
    off = along(ExactScoreMatching(), bell(mean, precision), BATCH, {})["model"]
    assert np.abs(off.precision).max() > 0.1


def field(spread=0.5):
    blank = dataclasses.replace(worlds.blank("random-field"), detail=0.5)
    model = worlds.made(blank, worlds.CONTINUOUS.spec, spread=spread)
    return {"model": model}, worlds.batch_of(worlds.CONTINUOUS.rows.raw[:6])


def test_the_sliced_form_is_the_exact_one_in_the_mean():
    parts, batch = field()
    sliced = SlicedScoreMatching(2)
    exact = along(ExactScoreMatching(), parts, batch, {})["model"]
    many = jax.jit(jax.vmap(lambda key: along(sliced, parts, batch, {}, key)["model"].function))(
        jax.random.split(noise.make_key(5), 3000)
    )
    assert errors_off(many, exact.function) < 4.5


def test_the_denoising_form_tends_to_the_sliced_one_as_sigma_falls():
    """With the same ε for v the gap is of the order σ²."""
    parts, batch = field()

    def gap(sigma):
        fresh = jax.vmap(lambda key: noise.normal(key, (1, 3))[0])(jax.random.split(noise.make_key(0), 6))
        slope = jax.grad(parts["model"].potential)
        bent = jax.vmap(lambda x, v: v @ jax.jvp(slope, (x,), (v,))[1])(batch.x, fresh)
        truth = -jnp.mean(bent + 0.5 * jnp.sum(jax.vmap(slope)(batch.x) ** 2, axis=1))
        return float(value_of(DenoisingScoreMatching(sigma), parts, batch) - truth)

    assert abs(gap(0.4)) > 1e-3
    assert abs(gap(0.1)) < 0.2 * abs(gap(0.4))
    assert abs(gap(0.05)) < 0.02 * abs(gap(0.4)) + 1e-4


def test_the_optimum_of_the_denoising_form_is_the_blurred_data():
    """Of a bell: Λ = (S + σ² I)⁻¹, at which the direction is zero in the mean over ε."""
    sigma = 0.5
    blurred = np.cov(ROWS.T, bias=True) + sigma**2 * np.eye(3)
    direction = DenoisingScoreMatching(sigma)

    def drawn(precision):
        parts = bell(ROWS.mean(0), precision)
        keys = jax.random.split(noise.make_key(2), 4000)
        return jax.jit(jax.vmap(lambda key: along(direction, parts, BATCH, {}, key)["model"].precision))(keys)

    assert errors_off(drawn(np.linalg.inv(blurred)), np.zeros((3, 3))) < 4
    assert errors_off(drawn(np.linalg.inv(np.cov(ROWS.T, bias=True))), np.zeros((3, 3))) > 20


def table(model, every):
    """log p of every state, by enumeration."""
    u = np.asarray(jax.jit(jax.vmap(model.potential))(jnp.asarray(every)), np.float64)
    return u - scipy.special.logsumexp(u)


def neighbours(every, rows):
    """For each row and site the places of the states that differ from the row at that site at most, −1 for no more."""
    lists = [
        [np.flatnonzero(~np.delete(differ, site, axis=1).any(axis=1)) for site in range(rows.shape[1])]
        for differ in rows[:, None] != every[None]
    ]
    most = max(len(one) for row in lists for one in row)
    return np.array([[np.pad(one, (0, most - len(one)), constant_values=-1) for one in row] for row in lists])


def enumerated(term, model, every, rows):
    """E Σ_i of a term of log p(x') − log p(x), x' being x but for site i, from the table of all states."""
    near = neighbours(every, rows)
    own = np.argmax((rows[:, None] == every[None]).all(axis=2), axis=1)
    u = jax.vmap(model.potential)(jnp.asarray(every))
    others = (near >= 0) & (near != own[:, None, None])
    return jnp.mean(jnp.sum(term(jnp.where(others, u[near] - u[own][:, None, None], -jnp.inf)), axis=1))


# Each direction with its term: log p(x_i | the rest), and the two that sum over other values.
TERMS = {
    PseudoLikelihood: ("pseudo_likelihood", lambda d: -jnp.log1p(jnp.sum(jnp.exp(d), axis=2))),
    RatioMatching: ("ratio_matching", lambda d: -jnp.sum(1.0 / (1.0 + jnp.exp(-d)) ** 2, axis=2)),
    ProbabilityFlow: ("probability_flow", lambda d: -jnp.sum(jnp.exp(0.5 * d), axis=2)),
}


def ising():
    rng = np.random.default_rng(4)
    half = np.triu(rng.normal(size=(4, 4)), 1)
    return Ising.from_arrays(field=rng.normal(size=4), couplings=half + half.T)


def potts():
    rng = np.random.default_rng(5)
    field = rng.normal(size=(3, 3))
    field[1, 2] = -np.inf  # a column that lacks a level
    return Potts.from_arrays(field=field, couplings=rng.normal(size=(3, 3, 3, 3)))


LEVELS = np.array(list(itertools.product(range(3), range(2), range(3))), np.int32)


def machine_of_categories():
    rng = np.random.default_rng(6)
    shapes = {"weights": (3, 3, 2), "visible_bias": (3, 3), "hidden_bias": (2,)}
    return CategoricalRBM.from_arrays(
        counts=(3, 2, 3), **{name: rng.normal(size=shape) for name, shape in shapes.items()}
    )


@pytest.mark.parametrize(
    ("cls", "model", "every"),
    [
        (PseudoLikelihood, ising, worlds.states(4)),
        (PseudoLikelihood, potts, LEVELS),
        (PseudoLikelihood, worlds.machine, worlds.states(3)),
        (PseudoLikelihood, machine_of_categories, LEVELS),
        (RatioMatching, potts, LEVELS),
        (ProbabilityFlow, potts, LEVELS),
    ],
    ids=["ising", "potts", "rbm", "rbm of categories", "ratios", "flow"],
)
def test_values_and_directions_are_those_of_the_enumerated_changes(cls, model, every):
    """The sum over changes of one site is made from the table of all states; the direction is up its gradient."""
    rows = every[np.random.default_rng(1).integers(0, len(every), 7)]
    parts, batch = {"model": model()}, worlds.batch_of(rows)
    name, term = TERMS[cls]

    @eqx.filter_jit
    def both(parts):
        truth = eqx.filter_value_and_grad(lambda model: enumerated(term, model, every, rows))(parts["model"])
        ascent, _, info = cls().ascend(tick(), parts, batch, {}, None)
        return truth, (info[name], ascent.along["model"])

    (value, slope), (given, along) = both(parts)
    assert float(given) == pytest.approx(float(value), rel=1e-4)
    for ours, exact in zip(jax.tree.leaves(along), jax.tree.leaves(slope), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-3, atol=1e-5)


def test_a_few_sites_are_all_of_them_in_the_mean():
    parts, batch = {"model": ising()}, worlds.batch_of(worlds.states(4)[[1, 7, 12]])
    whole = along(PseudoLikelihood(), parts, batch, {})["model"]
    keys = jax.random.split(noise.make_key(6), 4000)
    for sites in (1, 3):
        few = PseudoLikelihood(sites)
        drawn = jax.jit(jax.vmap(lambda key, few=few: along(few, parts, batch, {}, key)["model"]))(keys)
        assert errors_off(drawn, whole) < 4.5


@pytest.mark.parametrize("cls", TERMS, ids=label)
def test_it_is_best_at_the_truth(cls):
    """With rows in the proportions of the model itself the direction vanishes; at another model it does not."""
    model, every = ising(), worlds.states(4)
    counts = np.round(np.exp(table(model, every)) * 40_000).astype(int)
    batch = worlds.batch_of(np.repeat(every, counts, axis=0))
    direction = eqx.filter_jit(lambda model: along(cls(), {"model": model}, batch, {})["model"])
    at_truth, other = (
        max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(direction(one)))
        for one in (model, worlds.scattered(model, 1, 0.5))
    )
    assert at_truth < 0.05 * other


def test_conditional_contrast_is_best_at_the_truth_and_leads_there():
    """On draws of a bell; a mean that is too large is led down, a precision that is too large too."""
    mean, precision = np.array([0.3, -1.0]), np.array([[1.0, 0.4], [0.4, 2.0]])
    root = jnp.asarray(np.linalg.cholesky(np.linalg.inv(precision)).T, jnp.float32)

    def one(key, parts):
        key_x, key_fake = jax.random.split(key)
        batch = worlds.batch_of(jnp.asarray(mean, jnp.float32) + noise.normal(key_x, (6, 2)) @ root)
        return along(ConditionalContrast(2, 0.8), parts, batch, {}, key_fake)["model"]

    found = jax.jit(lambda parts: jax.vmap(lambda key: one(key, parts))(jax.random.split(noise.make_key(5), 8000)))
    at_truth = found(bell(mean, precision))
    assert errors_off(at_truth, jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:]), at_truth)) < 4
    assert np.mean(found(bell(mean + 0.5, precision)).mean @ np.ones(2)) < -0.02
    assert np.mean(np.trace(found(bell(mean, 1.5 * precision)).precision, axis1=1, axis2=2)) < -0.02


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (ScoreMatching, {"form": "sliced", "slices": 0}, "slices must be at least 1, not 0"),
        (ScoreMatching, {"form": "denoising", "sigma": 0.0}, "sigma must be positive and finite, not 0.0"),
        (ScoreMatching, {"form": "blunt"}, "choose exact or sliced or denoising"),
        (MaximumPseudoLikelihood, {"sites": 0}, "sites must be at least 1, not 0"),
        (ConditionalNCE, {"noise": 0}, "noise must be at least 1, not 0"),
        (ConditionalNCE, {"sigma": 0.0}, "sigma must be positive and finite, not 0.0"),
    ],
)
def test_options_that_describe_no_learner_are_refused(assemble, options, said):
    with pytest.raises(InputError, match=said):
        assemble(**options)
