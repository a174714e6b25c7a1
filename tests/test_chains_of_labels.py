"""Linear chains of labels against sums over all label sequences, and the random field of labels given the rest."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.special

import reverie as rv
from reverie import noise
from reverie.bakeoffs.roster import Entrant, suited
from reverie.data import Batch, Leaf, PerLeaf, Spec
from reverie.directions import Likelihood
from reverie.errors import InputError
from reverie.learners import MaximumLikelihood
from reverie.models import LinearChainCRF, linear_chain
from tests import worlds
from tests.measuring import along, draws, gradient, surprise

LABELS, PLACES = 3, 4
EVERY = np.array(list(itertools.product(range(LABELS), repeat=PLACES)))
LEAVES = {
    "categorical": Leaf("categorical", 5, levels=3, counts=(2, 3, 3, 2, 3)),
    "continuous": Leaf("continuous", 8, mean=(0.0,) * 8, std=(1.0,) * 8),
}
MIXED = Spec(LEAVES)
NAMES = pytest.mark.parametrize("network", ["mlp", "window", "lstm"])


@pytest.fixture(scope="module")
def chain():
    """Potentials of no symmetry: the table is far from its transpose."""
    rng = np.random.default_rng(19)
    return rng.normal(size=(PLACES, LABELS)), 1.5 * rng.normal(size=(LABELS, LABELS))


def potentials(places, pairs, every=EVERY):
    told = [
        sum(places[t, y[t]] for t in range(len(y))) + sum(pairs[a, b] for a, b in itertools.pairwise(y)) for y in every
    ]
    return np.array(told, np.float64)


def as_floats(chain: Any) -> Any:
    return tuple(jnp.asarray(one, jnp.float32) for one in chain)


def test_sums_and_maxima_are_those_over_all_sequences(chain):
    u, given = potentials(*chain), as_floats(chain)
    log_p = u - scipy.special.logsumexp(u)
    marginals = np.array([[np.exp(log_p)[EVERY[:, t] == k].sum() for k in range(LABELS)] for t in range(PLACES)])

    @jax.jit
    def every(places, pairs):
        table = jax.vmap(lambda y: linear_chain.potential(places, pairs, y))(jnp.asarray(EVERY))
        log_z, slope = jax.value_and_grad(linear_chain.log_normaliser)(places, pairs)
        return table, log_z, slope, linear_chain.log_marginals(places, pairs), linear_chain.likeliest(places, pairs)

    table, log_z, slope, log_marginals, best = every(*given)
    np.testing.assert_allclose(table, u, rtol=1e-5, atol=1e-5)
    assert float(log_z) == pytest.approx(scipy.special.logsumexp(u), rel=1e-6)
    np.testing.assert_allclose(np.exp(log_marginals), marginals, atol=1e-6)
    np.testing.assert_allclose(slope, marginals, atol=1e-6)
    assert np.array_equal(best, EVERY[u.argmax()])
    # The likeliest sequence is none of the likeliest labels: a maximum of sums is not a sum of maxima.
    assert not np.array_equal(best, marginals.argmax(1))


def test_draws_follow_the_chain(chain):
    u, given = potentials(*chain), as_floats(chain)
    found = np.asarray(draws(lambda key: linear_chain.draw(key, *given), 20_000))
    places = found @ LABELS ** np.arange(PLACES)[::-1]
    assert surprise(places, u - scipy.special.logsumexp(u)) > 1e-3


def test_a_chain_of_one_place_is_a_softmax(chain):
    places, pairs = as_floats(chain)
    one = places[:1]
    np.testing.assert_allclose(linear_chain.log_marginals(one, pairs), jax.nn.log_softmax(one), atol=1e-6)
    assert int(linear_chain.likeliest(one, pairs)[0]) == int(jnp.argmax(one))
    assert linear_chain.draw(noise.make_key(0), one, pairs).shape == (1,)


# ------------------------------------------------------------------------------------------------------------ the field


def field(network="mlp", **options):
    """A filled field of a row with one given category, four labels of two and three levels, and eight reals."""
    chosen: dict[str, Any] = {"hidden": (5,), "given": 1} | options
    return worlds.made(LinearChainCRF(network=network, **chosen), MIXED, spread=0.6)


def row(seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, (2, 3, 3, 2, 3))
    return {"categorical": jnp.asarray(y, jnp.int32), "continuous": jnp.asarray(rng.normal(size=8), jnp.float32)}


def possible(counts=(3, 3, 2, 3)):
    return jnp.asarray(list(itertools.product(*map(range, counts))), jnp.int32)


def test_the_labels_given_the_rest_add_up_to_one():
    """Over the labels that there are: none has a level that its column lacks."""
    model, x, every = field(), row(), possible()
    unlike = model.with_told(x, jnp.array([0, 1, 1, 2]))

    @jax.jit
    def asked():
        log_p = jax.vmap(lambda y: model.log_prob(model.with_told(x, y)))(every)
        log_z = [model.told_log_normaliser(one) for one in (x, unlike)]
        return log_p, model.likeliest_told(x), model.told_log_probs(x), log_z

    log_p, best, told, log_z = jax.tree.map(np.asarray, asked())
    log_p = log_p.astype(np.float64)
    assert scipy.special.logsumexp(log_p) == pytest.approx(0.0, abs=1e-5)
    assert np.array_equal(best, every[int(log_p.argmax())])
    np.testing.assert_allclose(np.exp(told).sum(1), 1.0, atol=1e-5)
    assert told[2, 2] < -1e6
    found = np.asarray(draws(lambda key: model.sample_told(key, x), 20_000))
    assert surprise(np.ravel_multi_index(found.T, (3, 3, 2, 3)), log_p) > 1e-3
    assert np.array_equal(model.told(unlike), [0, 1, 1, 2])
    assert log_z[0] == log_z[1]


def blank(network):
    spec = Spec({"categorical": Leaf("categorical", 8, levels=3, counts=(3,) * 8)})
    return worlds.made(LinearChainCRF(network=network, hidden=(5,), reach=1), spec, spread=0.6)


@NAMES
def test_what_a_place_reads(network):
    """A window reads its neighbours, an LSTM and the perceptron all of the row; half of one block is given."""
    model = blank(network)
    x = jnp.array([0, 1, 2, 0, 1, 1, 1, 1], jnp.int32)
    chain = jax.jit(lambda x: model.chain(x))
    moved = np.any(np.asarray(chain(x) != chain(x.at[0].set(2))), axis=1)
    assert moved.tolist() == ([True, True, False, False] if network == "window" else [True] * 4)
    moved = np.any(np.asarray(chain(x) != chain(x.at[3].set(2))), axis=1)
    assert moved.tolist() == ([False, False, True, True] if network == "window" else [True] * 4)
    assert np.array_equal(chain(x), chain(x.at[4:].set(0)))


def test_the_gradient_is_that_of_a_sum_over_all_labels():
    model = field()
    rows = [row(1), row(2)]
    x = jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)
    every = possible()

    def summed(parts):
        def one(x):
            u = jax.vmap(lambda y: linear_chain.potential(parts["model"].chain(x), parts["model"].pairs, y))
            return u(parts["model"].told(x)[None])[0] - jax.nn.logsumexp(u(every))

        return jnp.mean(jax.vmap(one)(x))

    parts, batch = {"model": model}, Batch(jnp.arange(2), x)
    found = jax.jit(lambda: along(Likelihood(), parts, batch, {}))()["model"]
    exact = gradient(summed, parts, "model")
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


@pytest.mark.parametrize(
    ("options", "spec", "said"),
    [
        ({}, worlds.BINARY.spec, "needs labels as categorical columns"),
        ({}, Spec({"categorical": LEAVES["categorical"]}), "no half is given: say how many"),
        ({"given": 5}, MIXED, "choose another given"),
        ({"given": 0}, Spec({"categorical": LEAVES["categorical"]}), "choose another given"),
        ({"network": "lstm", "given": 1}, MIXED, "1 categorical, 8 continuous are given: choose network=mlp"),
    ],
    ids=["no labels", "odd", "all given", "none given", "uneven"],
)
def test_data_without_a_chain_of_labels_are_refused(options, spec, said):
    why = LinearChainCRF(**options).unsuited(spec)
    assert why is not None
    assert said in why


@pytest.mark.parametrize(
    "options",
    [{"network": "tree"}, {"activation": "sine"}, {"hidden": (0,)}, {"network": "lstm", "hidden": ()}, {"reach": -1}],
    ids=str,
)
def test_options_that_describe_no_field_are_refused(options):
    with pytest.raises(InputError):
        LinearChainCRF(**options)


# --------------------------------------------------------------------------------------------------------------- a run


NOISE, STAY = 1.2, 0.85


@pytest.fixture(scope="module")
def tagged():
    """A hidden chain of three states that tend to stay, and a number at each place that leans on its state."""
    rng = np.random.default_rng(3)
    y = rng.integers(0, 3, (400, 5))
    for t in range(1, 5):
        y[:, t] = np.where(rng.random(400) < STAY, y[:, t - 1], y[:, t])
    seen = 2.0 * y + rng.normal(size=y.shape) * NOISE
    frame = {f"x{t}": seen[:, t] for t in range(5)} | {f"y{t}": np.array(["a", "b", "c"])[y[:, t]] for t in range(5)}
    return rv.data.load(pd.DataFrame(frame), test=0.3)


def truth(rows):
    """log p(y | x) of the process that the rows came from, with numpy: over the 3⁵ sequences."""
    every = np.array(list(itertools.product(range(3), repeat=5)))
    stay, move = np.log(STAY + (1 - STAY) / 3), np.log((1 - STAY) / 3)
    prior = np.sum([np.where(a == b, stay, move) for a, b in itertools.pairwise(every.T)], axis=0)
    log_joint = prior - 0.5 * (((rows.raw["continuous"][:, None] - 2.0 * every) / NOISE) ** 2).sum(2)
    place = rows.raw["categorical"].astype(int) @ 3 ** np.arange(5)[::-1]
    return (log_joint - scipy.special.logsumexp(log_joint, axis=1, keepdims=True))[np.arange(len(place)), place]


def test_a_run_tells_labels_and_says_whose_likelihood_it_reports(tagged, tmp_path):
    """The process is a field of this form, affine at each place: the run comes near it."""
    settings: dict[str, Any] = {"steps": 300, "batch": 100, "patience": None, "learning_rate": 3e-2}
    model = LinearChainCRF(network="window", hidden=(), reach=0)
    run = rv.fit(tagged, model, MaximumLikelihood(), out=tmp_path / "run", pictures=False, **settings)
    found = rv.evaluate(run, tagged.test)
    assert found.log_likelihood is not None
    assert found.accuracy is not None
    assert found.log_likelihood.kind == "exact"
    short_by = truth(tagged.test) - run.score(tagged.test).values
    assert abs(short_by.mean()) < 4 * short_by.std() / np.sqrt(len(short_by))
    assert short_by.mean() < 0.15
    words = "the last 5 columns of categories given the rest of the row"
    assert found.reference.startswith(words)
    assert run.reference == found.reference
    assert found.log_likelihood.warnings == (f"this is the likelihood of {words}",)
    assert found.two_sample is None
    assert words in found.notes[0]
    assert found.accuracy.value > 0.75
    assert (found.accuracy.unit, found.accuracy.n) == ("of told columns", len(tagged.test))
    # The inputs' units do not enter: the measure's Jacobian belongs to a density that there is none of.
    assert isinstance(run.measure, PerLeaf)
    raw = tagged.test[:4].raw
    x = run.measure.to_model(None, jax.tree.map(lambda leaf: jnp.asarray(leaf[0]), raw))
    score = run.score(tagged.test[:4]).values
    assert score[0] == pytest.approx(float(run.parts["model"].log_prob(x)), rel=1e-4)
    told = run.retold(tagged.test)
    right = np.mean(told["categorical"] == tagged.test.raw["categorical"])
    assert right == pytest.approx(found.accuracy.value, abs=0.03)
    np.testing.assert_allclose(told["continuous"], tagged.test.raw["continuous"], atol=1e-4)
    again = run.retold(tagged.test, how="sample", seed=1)
    assert 0 < np.mean(again["categorical"] != told["categorical"]) < 0.4
    with pytest.raises(InputError, match="give it rows, by `reverie tell"):
        run.sample(3)


def test_what_tells_columns_has_no_rank_beside_likelihoods_of_rows(tagged):
    with pytest.raises(InputError, match="crf tells some columns given the others"):
        suited(tagged.spec, (Entrant("crf", "mle"),))
