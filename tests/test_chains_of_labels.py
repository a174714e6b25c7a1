"""Linear chains of labels against sums over all label sequences, and the random field of labels given the rest."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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
    table = jax.jit(jax.vmap(lambda y: linear_chain.potential(*given, y)))(jnp.asarray(EVERY))
    np.testing.assert_allclose(table, u, rtol=1e-5, atol=1e-5)
    assert float(linear_chain.log_normaliser(*given)) == pytest.approx(scipy.special.logsumexp(u), rel=1e-6)
    marginals = np.array([[np.exp(log_p)[EVERY[:, t] == k].sum() for k in range(LABELS)] for t in range(PLACES)])
    np.testing.assert_allclose(np.exp(linear_chain.log_marginals(*given)), marginals, atol=1e-6)
    slope = jax.grad(linear_chain.log_normaliser)(*given)
    np.testing.assert_allclose(slope, marginals, atol=1e-6)
    best = np.asarray(linear_chain.likeliest(*given))
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
    log_p = np.asarray(jax.jit(jax.vmap(lambda y: model.log_prob(model.with_told(x, y))))(every), np.float64)
    assert scipy.special.logsumexp(log_p) == pytest.approx(0.0, abs=1e-5)
    assert np.array_equal(model.likeliest_told(x), every[int(log_p.argmax())])
    told = np.asarray(model.told_log_probs(x))
    np.testing.assert_allclose(np.exp(told).sum(1), 1.0, atol=1e-5)
    assert told[2, 2] < -1e6
    found = np.asarray(draws(lambda key: model.sample_told(key, x), 20_000))
    assert surprise(np.ravel_multi_index(found.T, (3, 3, 2, 3)), log_p) > 1e-3
    unlike = model.with_told(x, jnp.array([0, 1, 1, 2]))
    assert np.array_equal(model.told(unlike), [0, 1, 1, 2])
    assert float(model.told_log_normaliser(unlike)) == float(model.told_log_normaliser(x))


def blank(network):
    spec = Spec({"categorical": Leaf("categorical", 8, levels=3, counts=(3,) * 8)})
    return worlds.made(LinearChainCRF(network=network, hidden=(5,), reach=1), spec, spread=0.6)


@NAMES
def test_what_a_place_reads(network):
    """A window reads its neighbours, an LSTM and the perceptron all of the row; half of one block is given."""
    model = blank(network)
    x = jnp.array([0, 1, 2, 0, 1, 1, 1, 1], jnp.int32)
    changed = x.at[0].set(2)
    moved = np.any(np.asarray(model.chain(x) != model.chain(changed)), axis=1)
    assert moved.tolist() == ([True, True, False, False] if network == "window" else [True] * 4)
    assert np.array_equal(model.chain(x), model.chain(x.at[4:].set(0)))


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


@pytest.fixture(scope="module")
def tagged():
    """A hidden chain of three states, each place's number a noisy sign of its state: neighbours help."""
    rng = np.random.default_rng(3)
    y = np.zeros((400, 5), int)
    y[:, 0] = rng.integers(0, 3, 400)
    for t in range(1, 5):
        stay = rng.random(400) < 0.85
        y[:, t] = np.where(stay, y[:, t - 1], rng.integers(0, 3, 400))
    seen = 2.0 * y + rng.normal(size=y.shape) * 1.2
    frame = {f"x{t}": seen[:, t] for t in range(5)} | {f"y{t}": np.array(["a", "b", "c"])[y[:, t]] for t in range(5)}
    pd = pytest.importorskip("pandas")
    return rv.data.load(pd.DataFrame(frame), test=0.3)


def test_a_run_tells_labels_and_says_whose_likelihood_it_reports(tagged, tmp_path):
    settings: dict[str, Any] = {"steps": 250, "batch": 100, "patience": None, "learning_rate": 2e-2}
    model = LinearChainCRF(network="window", hidden=(8,), reach=0)
    run = rv.fit(tagged, model, MaximumLikelihood(), out=tmp_path / "run", pictures=False, **settings)
    found = rv.evaluate(run, tagged.test)
    assert found.log_likelihood is not None
    assert found.accuracy is not None
    # Beside uniform labels: 5 log 3 = 5.49 nats. The number of the place alone would leave more doubt.
    assert -2.9 < found.log_likelihood.value < -1.0
    assert found.log_likelihood.kind == "exact"
    words = "the last 5 columns of categories given the rest of the row"
    assert found.reference.startswith(words)
    assert run.reference == found.reference
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
    with pytest.raises(InputError, match="it needs rows, as Run"):
        run.sample(3)


def test_what_tells_columns_has_no_rank_beside_likelihoods_of_rows(tagged):
    with pytest.raises(InputError, match="crf tells some columns given the others"):
        suited(tagged.spec, (Entrant("crf", "mle"),))
