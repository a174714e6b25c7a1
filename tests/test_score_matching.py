"""Score matching in its three forms and the pseudo-likelihood: what is learned without log Z and without chains."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

from reverie import noise
from reverie.capabilities import HasRealPotential
from reverie.directions import DenoisingScoreMatching, ExactScoreMatching, PseudoLikelihood, SlicedScoreMatching
from reverie.errors import InputError
from reverie.learners import MaximumPseudoLikelihood, ScoreMatching
from reverie.models import CategoricalRBM, Ising, Potts
from tests import worlds
from tests.measuring import along, errors_off, tick


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
    model = worlds.made(worlds.blank("random-field"), worlds.CONTINUOUS.spec, spread=spread)
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


def enumerated(model, every, rows):
    """E Σ_i log p(x_i | the rest) from the joint distribution of all states, as a function of the model."""
    near = neighbours(every, rows)
    own = np.argmax((rows[:, None] == every[None]).all(axis=2), axis=1)
    u = jax.vmap(model.potential)(jnp.asarray(every))
    sums = jax.nn.logsumexp(jnp.where(near >= 0, u[near], -jnp.inf), axis=2)
    return jnp.mean(jnp.sum(u[own][:, None] - sums, axis=1))


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
    ("model", "every"),
    [
        (ising, worlds.states(4)),
        (potts, LEVELS),
        (worlds.machine, worlds.states(3)),
        (machine_of_categories, LEVELS),
    ],
    ids=["ising", "potts", "rbm", "rbm of categories"],
)
def test_the_pseudo_likelihood_and_its_direction_are_those_of_the_enumerated_conditionals(model, every):
    """The sum is log p(x_i | the rest) from the table of all states; the direction is upwards along its gradient."""
    rows = every[np.random.default_rng(1).integers(0, len(every), 7)]
    parts, batch = {"model": model()}, worlds.batch_of(rows)

    @eqx.filter_jit
    def both(parts):
        truth = eqx.filter_value_and_grad(lambda model: enumerated(model, every, rows))(parts["model"])
        ascent, _, info = PseudoLikelihood().ascend(tick(), parts, batch, {}, None)
        return truth, (info["pseudo_likelihood"], ascent.along["model"])

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


def test_the_pseudo_likelihood_is_best_at_the_truth():
    """With rows in the proportions of the model itself the direction vanishes; at another model it does not."""
    model, every = ising(), worlds.states(4)
    counts = np.round(np.exp(table(model, every)) * 40_000).astype(int)
    batch = worlds.batch_of(np.repeat(every, counts, axis=0))
    direction = eqx.filter_jit(lambda model: along(PseudoLikelihood(), {"model": model}, batch, {})["model"])
    at_truth = direction(model)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(at_truth)) < 1e-3
    other = direction(worlds.scattered(model, 1, 0.5))
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(other)) > 0.05


@pytest.mark.parametrize(
    ("assemble", "options", "said"),
    [
        (ScoreMatching, {"form": "sliced", "slices": 0}, "slices must be at least 1, not 0"),
        (ScoreMatching, {"form": "denoising", "sigma": 0.0}, "sigma must be positive and finite, not 0.0"),
        (ScoreMatching, {"form": "blunt"}, "choose exact or sliced or denoising"),
        (MaximumPseudoLikelihood, {"sites": 0}, "sites must be at least 1, not 0"),
    ],
)
def test_options_that_describe_no_learner_are_refused(assemble, options, said):
    with pytest.raises(InputError, match=said):
        assemble(**options)
