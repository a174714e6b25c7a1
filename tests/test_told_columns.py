"""Columns told given other columns: fields and machines against sums over all told values, and what learns them."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats

import reverie as rv
from reverie import noise
from reverie.capabilities import log_sum, states_of
from reverie.data import Batch, Identity, Leaf, Spec
from reverie.directions import ToldLikelihood, ToldNoiseContrast, ToldPseudoLikelihood
from reverie.errors import InputError
from reverie.evaluation import annealed_told, retold, told_accuracy
from reverie.learners import ToldCD
from reverie.models import ConditionalField, ConditionalRealField, RBMGivenColumns
from reverie.samplers import MALA, Gibbs, Langevin, PersistentToldChains, ToldChainsFromData
from tests import worlds
from tests.measuring import along, draws, errors_off, gradient, surprise, tick

# Rows with a bit, two categories and two reals each; of the categories three and two levels.
ROW = {
    "binary": jnp.array([True, False]),
    "categorical": jnp.array([2, 0], jnp.int32),
    "continuous": jnp.array([1.4, -3.0]),
}
OTHER = ROW | {"binary": jnp.array([False, False]), "continuous": jnp.array([0.2, 1.0])}
BLANK = {
    "categories": ConditionalField(hidden=(5,)),
    "a bit": ConditionalField(tells="binary", given=1, hidden=(5,)),
    "machine": RBMGivenColumns(hidden=3),
}
EACH = pytest.mark.parametrize("which", BLANK)


@functools.cache
def made(which: str) -> Any:
    return worlds.made(BLANK[which], worlds.MIXED, spread=0.8)


@eqx.filter_jit
def potentials(model: Any, x: Any) -> Any:
    """u of every told value, the same at β = 0, and log Z as the field has them."""
    field, every = model.conditioned(x), states_of(model.told_levels)
    base = jax.vmap(lambda y: field.tempered_potential(y, jnp.zeros(())))(every)
    return jax.vmap(field.potential)(every), base, log_sum(field), field.base_log_normaliser()


def table(model: Any, x: Any) -> np.ndarray:
    """log p(y | v) of every told value, with numpy."""
    u = np.asarray(potentials(model, x)[0], np.float64)
    return u - scipy.special.logsumexp(u)


def place(model: Any, y: Any) -> np.ndarray:
    return np.asarray(np.ravel_multi_index(np.asarray(y).astype(int).T, model.told_levels))


def stacked(*rows: Any) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *rows)


@EACH
def test_what_is_given_decides_the_field_and_what_is_told_does_not(which):
    model = made(which)
    every = states_of(model.told_levels)
    told = model.with_told(ROW, every[-1])
    assert np.array_equal(model.told(told), every[-1])
    assert not np.array_equal(model.told(ROW), every[-1])
    assert worlds.alike(model.with_told(told, model.told(ROW)), ROW)
    here, there, moved = (table(model, x) for x in (ROW, told, OTHER))
    np.testing.assert_array_equal(here, there)
    assert np.abs(here - moved).max() > 0.05
    u, base, log_z, base_log_z = (np.asarray(one, np.float64) for one in potentials(model, ROW))
    assert float(log_z) == pytest.approx(scipy.special.logsumexp(u), abs=1e-5)
    assert scipy.special.logsumexp(base) == pytest.approx(float(base_log_z), abs=1e-5)


def test_a_machine_given_columns_is_the_one_of_the_paper():
    """(b + A φ)·y + Σ_j softplus((c + D φ + y W)_j), φ = reals in units of their spread, and one-hot categories."""
    model = made("machine")
    one_hot = [0, 0, 1, 1, 0, 0]
    moments = np.array([[1.0, -2.0], [0.5, 2.0]])
    model = eqx.tree_at(lambda m: m.base_given, model, jnp.asarray(moments, jnp.float32))
    phi = np.array([*one_hot, (1.4 - 1.0) / 0.5, (-3.0 + 2.0) / 2.0])
    w, b, c, a, d = (
        np.asarray(leaf, np.float64)
        for leaf in (model.weights, model.visible_bias, model.hidden_bias, model.visible_shift, model.hidden_shift)
    )
    y = worlds.states(2).astype(float)
    u = y @ (b + phi @ a) + np.logaddexp(0.0, y @ w + c + phi @ d).sum(1)
    np.testing.assert_allclose(table(model, ROW), u - scipy.special.logsumexp(u), atol=1e-5)


# ------------------------------------------------------------------------------------------------------------- learning


def test_the_sum_has_the_gradient_of_the_likelihood():
    parts, batch = {"model": made("categories")}, Batch(jnp.arange(2), stacked(ROW, OTHER))

    def mean(parts):
        model = parts["model"]
        every = states_of(model.told_levels)

        def one(x):
            log_p = jax.nn.log_softmax(jax.vmap(model.conditioned(x).potential)(every))
            return log_p[4]  # 2 levels above the first of three, and the first of two

        return (one(ROW) + one(OTHER)) / 2

    found = jax.jit(lambda: along(ToldLikelihood(), parts, batch, {}))()["model"]
    exact = gradient(mean, parts, "model")
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def expected(model: Any, direction: Any, count: int = 4000) -> tuple[Any, Any]:
    """Ascents of draws y ~ p(y | v) and of the row as it is, each with noise of its own."""
    every, log_p = states_of(model.told_levels), jnp.asarray(table(model, ROW), jnp.float32)

    def one(key):
        x = model.with_told(ROW, every[noise.categorical(key, log_p)])
        return tuple(
            along(direction, {"model": model}, Batch(jnp.arange(1), stacked(row)), {}, key=jax.random.fold_in(key, 1))[
                "model"
            ]
            for row in (x, ROW)
        )

    found: tuple[Any, Any] = draws(one, count)
    return found


@pytest.mark.parametrize(
    ("which", "direction"),
    [
        ("categories", ToldPseudoLikelihood()),
        ("categories", ToldPseudoLikelihood(1)),
        ("machine", ToldNoiseContrast(2)),
    ],
    ids=str,
)
def test_objectives_without_a_normaliser_are_best_at_the_truth(which, direction):
    """Their gradient is nought in the mean where the rows come from the model, and not for one row for ever."""
    at_truth, elsewhere = expected(made(which), direction)
    # The base of a machine's annealing is none of its parameters.
    zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape[1:]), at_truth)
    assert errors_off(at_truth, zeros) < 4.5
    assert errors_off(elsewhere, zeros) > 20


@EACH
def test_chains_keep_what_is_given_and_follow_what_is_told(which):
    model = made(which)
    count = 4000
    x = jax.tree.map(lambda leaf: jnp.repeat(leaf, count, axis=0), stacked(ROW, OTHER))
    batch = Batch(jnp.arange(2 * count), x)
    moves = 12 if which == "machine" else 40
    found = jax.jit(ToldChainsFromData(moves).draw)(tick(), {"model": model}, batch, None)[0]["told_particles"]
    for row, y in zip((ROW, OTHER), np.split(np.asarray(found), 2), strict=True):
        assert surprise(place(model, y), table(model, row)) > 1e-3


def test_a_row_has_a_chain_of_its_own_that_goes_on():
    """Rows that are not in the batch keep theirs; one that comes for the first time begins at its own told columns."""
    parts = {"model": made("categories")}
    x = stacked(ROW, OTHER)
    still, sampler = PersistentToldChains(0), PersistentToldChains(30)
    chain = sampler.init(noise.make_key(1), parts, 5, Batch(jnp.arange(2), x))
    move = jax.jit(sampler.draw)
    _, first, _ = move(tick(1), parts, Batch(jnp.array([3, 1]), x), chain)
    assert np.array_equal(first.begun, [False, True, False, True, False])
    assert not np.array_equal(first.y[3], ROW["categorical"]) or not np.array_equal(first.y[1], OTHER["categorical"])
    told, second, _ = jax.jit(still.draw)(tick(2), parts, Batch(jnp.array([4, 1]), x), first)
    assert np.array_equal(told["told_particles"][0], ROW["categorical"])
    assert np.array_equal(told["told_particles"][1], first.y[1])
    assert np.array_equal(second.y[3], first.y[3])


# ---------------------------------------------------------------------------------------------------------------- reals


REALS = Spec({"continuous": Leaf("continuous", 3, mean=(1.0, -2.0, 0.0), std=(0.5, 2.0, 1.0))})
GRID = np.linspace(-12, 12, 2001)


def real_field() -> tuple[Any, np.ndarray, np.ndarray]:
    """The last real given two, a row, and u on a grid of what is told."""
    model = worlds.made(ConditionalRealField(given=2, hidden=(6,), width=1.5), REALS, seed=4, spread=1.0)
    model = eqx.tree_at(lambda m: m.base, model, jnp.array([[0.3], [1.1]]))
    x = jnp.array([0.2, 1.0, 0.5])
    field = model.conditioned(x)
    return (
        model,
        np.asarray(x),
        np.asarray(jax.jit(jax.vmap(field.potential))(jnp.asarray(GRID, jnp.float32)[:, None]), float),
    )


def test_told_reals_are_drawn_as_on_a_grid():
    model, x, u = real_field()
    p = np.exp(u - scipy.special.logsumexp(u))
    mean = p @ GRID
    moments = np.array([mean, p @ (GRID - mean) ** 2])
    assert abs(moments[0] - 0.3) > 0.1, "the told column leans on the given ones"
    field = model.conditioned(jnp.asarray(x))
    begun, r = draws(lambda key: field.base_sample(key)[0], 4000), scipy.stats.norm(0.3, 1.5 * 1.1)
    assert scipy.stats.kstest(begun, r.cdf).pvalue > 1e-3
    assert float(field.reference(jnp.array([2.0]))) == pytest.approx(r.logpdf(2.0), abs=1e-5)
    rows = jnp.repeat(jnp.asarray(x)[None], 4000, axis=0)
    sampler = ToldChainsFromData(60, MALA(step=1.0))
    y = jax.jit(sampler.draw)(tick(), {"model": model}, Batch(jnp.arange(4000), rows), None)[0]["told_particles"]
    y = np.asarray(y)[:, 0]
    assert errors_off(np.stack([y, (y - mean) ** 2], axis=1), moments) < 4


def test_what_is_annealed_row_by_row_is_what_a_sum_gives():
    model = worlds.made(RBMGivenColumns(hidden=3, given=2), worlds.BINARY.spec, spread=0.8)
    raw = worlds.states(4)[[9, 6]].astype(np.uint8)
    found = annealed_told(model, Identity("binary"), raw, noise.make_key(2), temperatures=40, chains=64)
    exact = [table(model, jnp.asarray(x, bool))[2 * x[2] + x[3]] for x in raw]
    assert found.kind == "optimistic"
    # The spread over the two rows is not the error of their annealing, which is far smaller.
    assert abs(found.value - np.mean(exact)) < 0.05
    assert abs(exact[0] - exact[1]) > 0.3


# ------------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("model", "spec", "said"),
    [
        (ConditionalField(), worlds.CONTINUOUS.spec, "tells columns of categories|tells binary columns"),
        (ConditionalField(tells="categorical"), worlds.BINARY.spec, "these are binary columns"),
        (ConditionalField(given=4), worlds.BINARY.spec, "4 of the 4 binary ones would be given"),
        (ConditionalField(given=0), worlds.BINARY.spec, "columns that are given"),
        (ConditionalRealField(), worlds.BINARY.spec, "columns of reals given the others"),
        (RBMGivenColumns(), worlds.CONTINUOUS.spec, "tells binary columns"),
    ],
    ids=["no levels", "another kind", "all given", "none given", "no reals", "no bits"],
)
def test_data_without_two_halves_are_refused(model, spec, said):
    why = model.unsuited(spec)
    assert why is not None
    assert "\n" not in why
    with pytest.raises(InputError, match=said):
        raise InputError(why)


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (ConditionalField, {"hidden": ()}),
        (ConditionalField, {"network": "conv"}),
        (ConditionalField, {"activation": "sine"}),
        (ConditionalField, {"given": -1}),
        (ConditionalRealField, {"width": 0.0}),
        (ConditionalRealField, {"detail": 0.0}),
        (RBMGivenColumns, {"hidden": 0}),
        (RBMGivenColumns, {"given": -1}),
    ],
    ids=str,
)
def test_options_that_describe_no_model_are_refused(cls, options):
    with pytest.raises(InputError):
        cls(**options)


def test_sums_that_are_too_long_and_kernels_that_do_not_suit_are_refused():
    spec = worlds.binary(columns=30).spec
    model = worlds.made(ConditionalField(hidden=(4,)), spec)
    x = jnp.zeros((2, 30), bool)
    batch = Batch(jnp.arange(2), x)
    with pytest.raises(InputError, match=r"sums over 2\^15 states"):
        jax.eval_shape(lambda: along(ToldLikelihood(), {"model": model}, batch, {}))
    with pytest.raises(InputError, match="leave the kernel at auto"):
        jax.eval_shape(lambda: ToldCD(kernel="langevin").sampler.draw(tick(), {"model": model}, batch, None))
    with pytest.raises(InputError, match="too many to find the likeliest"):
        retold(model, Identity("binary"), np.zeros((2, 30), bool), noise.make_key(0))
    assert ToldCD(kernel="langevin").sampler == ToldChainsFromData(1, Langevin())
    assert ToldCD(k=2, kernel="gibbs").sampler == ToldChainsFromData(2, Gibbs())


@pytest.mark.parametrize("cls", [ConditionalField, RBMGivenColumns])
def test_the_share_of_bits_that_are_told_right_is_that_of_their_own_likeliest_values(cls):
    model = worlds.made(cls(), worlds.binary(columns=4).spec, spread=0.8)
    raw = worlds.states(4)[[1, 3, 7, 7, 9, 11, 15, 4, 5]]  # Of all states whatever is told is right as often as wrong.
    found = told_accuracy(model, Identity("binary"), raw, noise.make_key(0))
    assert found is not None
    joint = np.exp([table(model, jnp.asarray(row)) for row in raw]).reshape(-1, 2, 2)
    ones = np.stack([joint[:, 1].sum(1), joint[:, :, 1].sum(1)], axis=1)
    assert found.value == pytest.approx(np.mean((ones > 0.5) == raw[:, 2:]), abs=1e-6)


# --------------------------------------------------------------------------------------------------------------- a run


def tagged(rows: int = 600) -> pd.DataFrame:
    """Two words that shun each other, the first of which leans on a number and the second on a bit."""
    rng = np.random.default_rng(5)
    number, bit = rng.normal(size=rows), rng.random(rows) < 0.4
    weights = np.exp(truth(number, bit))
    pick = (rng.random(rows)[:, None] > np.cumsum(weights / weights.sum(1, keepdims=True), axis=1)).sum(1)
    words = np.array(["a", "b", "c"])
    return pd.DataFrame({"number": number, "bit": bit, "one": words[pick // 3], "two": words[pick % 3]})


def truth(number: np.ndarray, bit: np.ndarray) -> np.ndarray:
    """log p(one, two | number, bit), up to a constant: [rows, 9]."""
    one, two = np.arange(9) // 3, np.arange(9) % 3
    return 1.2 * number[:, None] * (one - 1) + 1.5 * np.where(bit, 1, -1)[:, None] * (two == 2) - 2.0 * (one == two)


def test_a_run_tells_words_given_numbers_and_bits(tmp_path):
    data = rv.data.load(tagged(), test=0.4, valid=0.0)
    settings: dict[str, Any] = {"steps": 250, "batch": 100, "patience": None, "learning_rate": 1e-2}
    model = ConditionalField(hidden=(16,))
    run = rv.fit(data, model, "told-likelihood", out=tmp_path / "run", pictures=False, **settings)
    found = rv.evaluate(run, data.test)
    words = "the last 2 columns of categories given the rest of the row"
    assert found.reference == run.reference == f"{words}: mass on levels"
    assert found.log_likelihood is not None
    assert found.accuracy is not None
    assert (found.log_likelihood.kind, found.accuracy.unit) == ("exact", "of told columns")
    raw = data.test.raw
    u = truth(raw["continuous"][:, 0], raw["binary"][:, 0].astype(bool))
    log_p = u - scipy.special.logsumexp(u, axis=1, keepdims=True)
    pick = raw["categorical"].astype(int) @ np.array([3, 1])
    short_by = log_p[np.arange(len(pick)), pick] - run.score(data.test).values
    assert -4 * short_by.std() / np.sqrt(len(pick)) < short_by.mean() < 0.12
    x = {kind: jnp.asarray(leaf[0]) for kind, leaf in raw.items()}
    x = run.measure.to_model(None, x)
    assert run.score(data.test).values[0] == pytest.approx(table(run.parts["model"], x)[pick[0]], abs=1e-4)
    told = run.retold(data.test)
    right = np.mean(told["categorical"] == raw["categorical"])
    assert right == pytest.approx(found.accuracy.value, abs=0.05)
    assert right > np.mean(np.argmax(np.eye(3)[raw["categorical"].astype(int)].mean(0), 1) == raw["categorical"])
    with pytest.raises(InputError, match="give it rows, by `reverie tell"):
        run.sample(3)
