"""Families of observations beyond bits, levels and normals: against SciPy, by enumeration, by draws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats

import reverie as rv
from reverie.data import Leaf, Spec
from reverie.errors import InputError
from reverie.models import DARN, VAE, SigmoidBeliefNet
from reverie.models.heads import DiscretisedLogistics, Gaussian, Logistics, StudentT
from reverie.models.observation import Observation
from reverie.networks.features import Layout, features, layouts
from tests import worlds
from tests.measuring import draws, errors_off

REALS = Layout("continuous", 2, ())
# Columns of five, three and two values, and one that never varies.
LEVELS = Layout("categorical", 4, (5, 3, 2, 1), ordered=True)
LEAF = Leaf("continuous", 2, mean=(1.0, -2.0), std=(0.5, 2.0))
GIVEN = np.random.default_rng(4).standard_normal(60).astype(np.float32)


def split(head, spread=1.0):
    """Numbers of both sorts for a head."""
    return jnp.asarray(spread * GIVEN[: head.width]), jnp.asarray(GIVEN[30 : 30 + head.own_width])


def log_softmax(logits):
    return logits - scipy.special.logsumexp(logits, axis=-1, keepdims=True)


@pytest.mark.parametrize("scale", [None, 0.4, "shared"])
def test_a_student_t_is_scipys(scale):
    head = StudentT(REALS, scale)
    given, own = split(head)
    assert (head.width, head.own_width) == {None: (4, 2), 0.4: (2, 2), "shared": (2, 3)}[scale]
    freedom = 1 + np.logaddexp(0, np.asarray(own[:2], np.float64))
    log_scale = {None: given[2:], 0.4: np.log(0.4), "shared": own[2:]}[scale]
    values = np.array([0.3, 4.0])
    expected = scipy.stats.t(freedom, np.asarray(given[:2]), np.exp(np.asarray(log_scale, np.float64))).logpdf(values)
    assert float(head.log_prob(given, own, jnp.asarray(values))) == pytest.approx(expected.sum(), rel=1e-4)


def test_a_mixture_of_logistics_is_scipys():
    head = Logistics(REALS, 3)
    given, own = split(head)
    logits, locations, log_scales = np.moveaxis(np.asarray(given, np.float64).reshape(2, 3, 3), 1, 0)
    values = np.array([0.3, -1.5])
    each = scipy.stats.logistic(locations, np.exp(log_scales)).logpdf(values[:, None])
    expected = scipy.special.logsumexp(log_softmax(logits) + each, axis=1).sum()
    assert float(head.log_prob(given, own, jnp.asarray(values))) == pytest.approx(expected, rel=1e-5)


def states():
    return np.stack(np.meshgrid(*[np.arange(count) for count in LEVELS.counts], indexing="ij"), -1).reshape(-1, 4)


def test_the_masses_of_discretised_logistics_are_cells_and_sum_to_one():
    """By enumeration of all rows, and one by one as differences of the distribution function."""
    head = DiscretisedLogistics(LEVELS, 2)
    given, own = split(head, 0.7)
    log_p = jax.jit(jax.vmap(lambda row: head.log_prob(given, own, row)))(jnp.asarray(states()))
    assert float(jnp.sum(jnp.exp(log_p))) == pytest.approx(1.0, abs=1e-5)
    logits, locations, log_scales = np.moveaxis(np.asarray(given, np.float64).reshape(4, 3, 2), 1, 0)
    for row, value in zip(states(), np.asarray(log_p), strict=True):
        expected = 0.0
        for i, (k, count) in enumerate(zip(row, LEVELS.counts, strict=True)):
            half = 1 / max(count - 1, 1)
            edges = np.array([2 * half * k - 1 + half, 2 * half * k - 1 - half])
            edges = np.where([k == count - 1, k == 0], [np.inf, -np.inf], edges)
            cdf = scipy.stats.logistic(locations[i], np.exp(log_scales[i])).cdf(edges[:, None])
            expected += np.log(np.exp(log_softmax(logits[i])) @ (cdf[0] - cdf[1]))
        assert value == pytest.approx(expected, abs=1e-4)


def test_a_cell_far_out_keeps_its_digits():
    """With 256 levels, a location far above and a narrow scale, as a difference of sigmoids would not."""
    head = DiscretisedLogistics(Layout("categorical", 1, (256,), ordered=True), 1)
    given = jnp.array([0.0, 0.9, -4.0])
    half, s = 1 / 255, np.exp(-4.0)
    edges = (2 * half * 3 - 1 + np.array([half, -half]) - 0.9) / s
    expected = edges[0] + np.log(-np.expm1(edges[1] - edges[0]))  # σ(a) = e^a to the last digit, so far below
    assert float(head.log_prob(given, jnp.zeros(0), jnp.array([3]))) == pytest.approx(expected, rel=1e-5)
    slope = jax.jit(jax.grad(lambda given: head.log_prob(given, jnp.zeros(0), jnp.array([3]))))(given)
    assert bool(jnp.all(jnp.isfinite(slope)))


HEADS = {
    "gaussian, shared": Gaussian(REALS, "shared"),
    "student-t, shared": StudentT(REALS, "shared"),
    "logistics": Logistics(REALS, 3),
    "discretised": DiscretisedLogistics(LEVELS, 2),
}


@pytest.mark.parametrize("name", HEADS)
def test_draws_follow_the_density_along_every_number(name):
    """E ∇ log p(x | given, own) = 0 along all numbers, the own ones too."""
    head = HEADS[name]
    given, own = split(head, 0.7)

    def score(key):
        values = head.sample(key, given, own)
        return jax.grad(head.log_prob, argnums=(0, 1))(given, own, values), values

    scores, values = draws(score, 8000)
    assert values.dtype == (jnp.int32 if name == "discretised" else jnp.float32)
    assert errors_off(scores, (np.zeros(head.width), np.zeros(head.own_width))) < 4
    # A column of one value tells nothing; along all else there is something to tell.
    varying = 18 if name == "discretised" else head.width
    assert bool(jnp.all(jnp.std(scores[0][:, :varying], axis=0) > 1e-3))


@pytest.mark.parametrize("head", [StudentT(REALS, "shared"), Logistics(REALS, 4)], ids=str)
def test_a_continuous_head_starts_at_the_columns_moments(head):
    given, own = head.start(LEAF)
    values = np.asarray(draws(lambda key: head.sample(key, given, own), 20_000))
    assert errors_off(values, np.array(LEAF.mean)) < 4
    shared = [np.sqrt(np.mean(np.square(LEAF.std)))] * 2
    expected = shared if isinstance(head, StudentT) and head.scale == "shared" else LEAF.std
    np.testing.assert_allclose(values.std(0), expected, rtol=0.05)


def test_discretised_logistics_start_at_the_columns_moments():
    leaf = Leaf("categorical", 2, levels=17, counts=(17, 9), mean=(9.0, 3.0), std=(1.5, 1.0), ordered=True)
    (layout,) = layouts(Spec({"categorical": leaf}))
    head = DiscretisedLogistics(layout, 3)
    values = np.asarray(draws(lambda key: head.sample(key, *head.start(leaf)), 20_000))
    np.testing.assert_allclose(values.mean(0), leaf.mean, atol=0.05)
    np.testing.assert_allclose(values.std(0), leaf.std, rtol=0.1)


def test_whole_numbers_as_they_are_have_ordered_levels():
    spec = rv.data.load("digits", measure="none").spec
    leaf = spec.leaves["categorical"]
    assert (leaf.ordered, leaf.levels, leaf.size) == (True, 17, 64)
    assert len(leaf.mean) == len(leaf.std) == 64
    shape = layouts(spec)
    assert shape[0].width == 64
    row = jnp.full(64, 16, jnp.int32).at[0].set(0).at[1].set(4)
    np.testing.assert_allclose(features(row, shape)[:3], [-1.0, -0.5, 1.0])
    assert isinstance(Observation(shape, None, "logistic-mixture")._head(shape[0]), DiscretisedLogistics)
    assert Observation(shape, None).outputs == 64 * 17


def test_names_are_no_ordered_levels():
    leaf = Leaf("categorical", 2, levels=3, counts=(3, 2))
    assert Observation(layouts(Spec({"categorical": leaf})), None, "logistic-mixture").outputs == 6


@pytest.mark.parametrize(
    "model",
    [
        VAE(latent=2, hidden=(), likelihood="student-t", scale="shared"),
        SigmoidBeliefNet((2,), hidden=(3,), scale="shared"),
        DARN((2,), scale="shared"),
    ],
    ids=["student-t", "a belief net", "darn"],
)
def test_a_model_learns_the_numbers_of_its_own(model):
    """Dreams follow the joint density along every parameter of a mixed row, shared scales and tails among them."""
    model = worlds.made(model, worlds.MIXED, spread=0.3)
    score = lambda key: jax.grad(lambda m, xh: m.log_joint(*xh))(model, model.sample_joint(key))
    scores = draws(score, 4000)
    assert errors_off(scores, jax.tree.map(lambda leaf: np.zeros(leaf.shape), model)) < 4.5
    own = {"student-t": 3, "gaussian": 1}.get(model.likelihood)
    assert own is None or (model.decoder.own.shape == (own,) and bool(jnp.all(jnp.std(scores.decoder.own, axis=0) > 0)))


@pytest.mark.parametrize("cls", [VAE, SigmoidBeliefNet, DARN])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale": -1.0}, "positive and finite, not -1.0"),
        ({"scale": "common"}, "'shared' or none, not 'common'"),
        ({"likelihood": "laplace"}, "gaussian, student-t or logistic-mixture, not 'laplace'"),
        ({"likelihood": "logistic-mixture", "components": 0}, "at least one component"),
        ({"likelihood": "logistic-mixture", "scale": 0.5}, "leave scale at none"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_options_that_describe_no_observation_are_refused(cls, options, said):
    with pytest.raises(InputError, match=said):
        cls(**options)
