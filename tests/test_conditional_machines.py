"""Machines given a class, against sums over all their states: potentials, chains, directions and likelihoods."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special

import reverie as rv
from reverie import noise
from reverie.data import Identity
from reverie.directions import ClassContrastive
from reverie.errors import InputError
from reverie.evaluation import class_accuracy, class_scores, likelihood_given_label, log_normaliser, samples_of, score
from reverie.evaluation.by_class import log_marginal
from reverie.learners import ConditionalPCD
from reverie.models import ConditionalRBM
from reverie.samplers import ClassChainsFromData, ClassParticles, PersistentClassChains
from reverie.samplers.kernel import Chains
from tests import worlds
from tests.measuring import along, draws, errors_off, gradient, surprise, tick

X = worlds.states(3)
Y = np.array([1, -1, 0, 1, 2])
ROWS = X[[1, 4, 6, 3, 0]]


@pytest.fixture(scope="module")
def machines():
    return worlds.machines()


@pytest.fixture(scope="module")
def log_given(machines):
    """log p(x | y) of every row under every class, [8, 3], from the arrays with numpy."""
    names = ("weights", "visible_bias", "hidden_bias", "visible_shift", "hidden_shift")
    w, b, c, a, d = (np.asarray(getattr(machines, name), np.float64) for name in names)
    hs = worlds.states(len(c)).astype(float)
    joint = (X @ (b + a).T)[:, None] + (hs @ (c + d).T)[None] + (X @ w @ hs.T)[:, :, None]
    potential = scipy.special.logsumexp(joint, axis=1)
    return potential - scipy.special.logsumexp(potential, axis=0)


def labelled(rows=ROWS, y=Y):
    return worlds.batch_of(rows)._replace(y=jnp.asarray(y))


def log_prior(machines):
    return np.asarray(machines.log_class_prior(), np.float64)


# ------------------------------------------------------------------------------------------------------------- chains


def test_chains_from_rows_move_in_the_model_of_their_label_and_keep_it(machines):
    rows, y = np.repeat(X[[2, 2, 5]], 8000, axis=0), np.repeat([0, 2, 1], 8000)
    found = jax.jit(ClassChainsFromData(1).draw)(tick(), {"model": machines}, labelled(rows, y), None)[0]
    x, kept, weight = found["class_particles"]
    assert np.array_equal(kept, y)
    np.testing.assert_allclose(weight, 1 / len(y))
    for one, start in ((0, 2), (2, 2), (1, 5)):
        expected = worlds.transition(machines.given(jnp.asarray(one)))[start]
        assert surprise(worlds.place(x)[y == one], np.log(expected)) > 1e-3


def test_persistent_particles_of_a_class_stay_draws_of_its_model(machines, log_given):
    """Exact draws stay exact draws, each of its own class, weighted by the class's share of the labels."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), 8000).astype(np.int32)
    places = np.concatenate([rng.choice(8, 8000, p=np.exp(log_given[:, k])) for k in range(3)])
    chain = Chains((jnp.asarray(X[places]), jnp.asarray(y)), None)
    draw, after, info = jax.jit(PersistentClassChains(2, 8000).draw)(tick(), {"model": machines}, labelled(), chain)
    x, kept, weight = draw["class_particles"]
    assert np.array_equal(kept, y)
    assert np.array_equal(after.x[0], x)
    assert 0.1 < float(info["particles_moved"]) < 0.9
    for k, share in enumerate((0.25, 0.5, 0.25)):
        assert surprise(worlds.place(x)[y == k], log_given[:, k]) > 1e-3
        assert float(weight[y == k].sum()) == pytest.approx(share, rel=1e-4)


# ---------------------------------------------------------------------------------------------------------- direction


def likelihood(machines_x, machines_y):
    def objective(parts):
        model = parts["model"]
        table = jnp.stack([jax.vmap(model.given(jnp.asarray(k)).potential)(jnp.asarray(X)) for k in range(3)], axis=1)
        log_joint = model.log_class_prior() + table - jax.nn.logsumexp(table, axis=0)
        return jnp.mean(log_joint[worlds.place(machines_x), machines_y])

    return objective


def test_exact_particles_give_the_gradient_of_the_likelihood_of_rows_and_labels(machines, log_given):
    """Rows without a label say nothing, and a row's particles are those of its class."""
    parts, known = {"model": machines}, Y >= 0
    states, log_p = jnp.asarray(X), jnp.asarray(log_given.T, jnp.float32)
    y = jnp.arange(3)

    def one(key):
        drawn = states[jax.vmap(jax.random.categorical)(jax.random.split(key, 3), log_p)]
        particles = ClassParticles(drawn, y, jnp.array([0.25, 0.5, 0.25]))
        return along(ClassContrastive(), parts, labelled(), {"class_particles": particles})["model"]

    exact = gradient(likelihood(ROWS[known], Y[known]), parts, "model")
    assert errors_off(draws(one, 4000), exact) < 4
    without = labelled()._replace(x=jnp.asarray(ROWS).at[1].set(True))
    particles = ClassParticles(states[:3], y, jnp.full(3, 1 / 3))
    ascend = jax.jit(lambda batch: along(ClassContrastive(), parts, batch, {"class_particles": particles}))
    assert jax.tree.all(jax.tree.map(np.array_equal, ascend(labelled()), ascend(without)))
    nothing = ascend(labelled(y=np.full(5, -1)))["model"]
    assert not np.any(nothing.logits)


def test_rows_that_could_have_no_label_are_refused(machines):
    parts = {"model": machines}
    with pytest.raises(InputError, match="learns from labels and these rows have none"):
        ClassChainsFromData(1).draw(tick(), parts, worlds.batch_of(ROWS), None)


# --------------------------------------------------------------------------------------------------------- likelihood


def test_likelihoods_are_those_of_enumeration(machines, log_given):
    key, measure = noise.make_key(0), Identity("binary")
    scores = class_scores(machines, measure, X, key)
    log_joint = log_prior(machines) + log_given
    np.testing.assert_allclose(scores.log_joint, log_joint, atol=2e-5)
    assert (scores.kind, scores.warnings, scores.ess) == ("exact", (), None)
    rows = score({"model": machines}, measure, X, key)
    assert rows is not None
    np.testing.assert_allclose(rows.values, scipy.special.logsumexp(log_joint, axis=1), atol=2e-5)
    assert np.exp(rows.values).sum() == pytest.approx(1.0, abs=1e-4)
    assert (rows.kind, rows.shared_se) == ("exact", 0.0)
    y = np.array([0, 1, 2, -1, 1, 2, 0, -1])
    given, told = likelihood_given_label(scores, y), class_accuracy(scores, y)
    assert given is not None
    assert told is not None
    assert given.value == pytest.approx(log_given[np.arange(8), y][y >= 0].mean(), abs=2e-5)
    assert (given.kind, given.n, told.n) == ("exact", 6, 6)
    assert told.value == pytest.approx(np.mean((log_joint.argmax(1) == y)[y >= 0]))
    assert likelihood_given_label(scores, np.full(8, -1)) is None
    assert class_accuracy(scores, np.full(8, -1)) is None


def test_errors_of_annealing_enter_by_the_share_of_each_class(machines, log_given):
    exact = [float(log_normaliser(machines.given(jnp.asarray(k))).value) for k in range(3)]
    one = log_normaliser(machines.given(jnp.asarray(0)))
    known = tuple(
        one._replace(value=value, se=se, kind="lower bound", ess=50.0)
        for value, se in zip(exact, (0.1, 0.2, 0.4), strict=True)
    )
    scores = class_scores(machines, Identity("binary"), X, noise.make_key(0), known)
    assert (scores.kind, scores.ess) == ("optimistic", 50.0)
    log_joint = log_prior(machines) + log_given
    share = np.exp(log_joint - scipy.special.logsumexp(log_joint, axis=1, keepdims=True)).mean(0)
    assert log_marginal(scores)[1] == pytest.approx(np.sqrt(np.sum((share * [0.1, 0.2, 0.4]) ** 2)), rel=1e-4)
    given, told = likelihood_given_label(scores, np.array([2] * 8)), class_accuracy(scores, np.array([2] * 8))
    assert given is not None
    assert told is not None
    spread = log_given[:, 2].std(ddof=1) / np.sqrt(8)
    assert given.se == pytest.approx(np.hypot(spread, 0.4), rel=1e-4)
    assert "annealed" in told.warnings[0]
    broken = (known[0], known[1]._replace(value=np.nan, kind="failed", warnings=("it did not mix",)), known[2])
    lost = likelihood_given_label(class_scores(machines, Identity("binary"), X, noise.make_key(0), broken), Y[:1])
    assert lost is not None
    assert (lost.kind, lost.warnings) == ("failed", ("class 1: it did not mix",))


def test_draws_are_of_the_class_or_of_classes_as_likely_as_they_are(machines, log_given):
    parts, key = {"model": dataclasses.replace(machines, base=jnp.full(3, 2.0))}, noise.make_key(1)
    for k in (0, 2):
        found = worlds.place(samples_of(parts, 2000, key, sweeps=60, label=k))
        assert surprise(found, log_given[:, k]) > 1e-3
    mixed = worlds.place(samples_of(parts, 4000, key, sweeps=60))
    assert surprise(mixed, scipy.special.logsumexp(log_prior(machines) + log_given, axis=1)) > 1e-3
    with pytest.raises(InputError, match="class 3 is none of the model's 3"):
        samples_of(parts, 2, key, label=3)


# ------------------------------------------------------------------------------------------------------------- a run


def test_a_run_learns_classes_and_reports_rows_given_their_labels(tmp_path):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    odds = np.full((3, 6), 0.1) + 0.8 * np.kron(np.eye(3), [1, 1])
    raw = (rng.random((300, 6)) < odds[y]).astype(np.uint8)
    data = rv.data.load((raw, np.array(["low", "middle", "high"])[y]), test=0.3)
    model = ConditionalRBM(hidden=3)
    settings: dict[str, Any] = {"steps": 150, "batch": 60, "patience": None, "pictures": False}
    run = rv.fit(data, model, ConditionalPCD(), out=tmp_path / "run", learning_rate=5e-2, **settings)
    found = rv.evaluate(run, data.test, annealing=True, chains=64, temperatures=30, settle=10)
    assert found.log_likelihood is not None
    assert found.log_likelihood_given is not None
    assert found.accuracy is not None
    assert found.log_likelihood_given.value > found.log_likelihood.value + 0.5
    assert (found.log_likelihood_given.kind, found.log_likelihood.kind) == ("exact", "exact")
    # The rows' own entropy given their class is 6 h(0.1) = 1.95 nats.
    assert -2.6 < found.log_likelihood_given.value < -1.6
    assert found.accuracy.value > 0.8
    # Each class has a bracket of its own; what is exact stays so.
    ends = found.bracketed
    assert ends is not None
    assert (len(ends.log_z), ends.start[:19], found.notes) == (3, "the rows themselves", ())
    assert (ends.with_lower.kind, ends.with_upper.kind) == ("optimistic", "pessimistic")
    assert run.class_log_z is not None
    for one, exact in zip(ends.log_z, run.class_log_z, strict=True):
        assert one.lower.value - 4 * one.lower.se < exact.value < one.upper.value + 4 * one.upper.se
    for end, way in ((ends.with_lower, "lower"), (ends.with_upper, "upper")):
        off = [getattr(one, way).value - exact.value for one, exact in zip(ends.log_z, run.class_log_z, strict=True)]
        # The likelihood is off by a mean of what the classes' log Z are off, each by its share of the rows.
        assert -max(off) - 1e-4 <= end.value - found.log_likelihood.value <= -min(off) + 1e-4
    means = run.sample(300, label="middle").reshape(300, 3, 2).mean((0, 2))
    assert int(np.argmax(means)) == 1
    assert "log_likelihood_given" in found.to_dict()
    with pytest.raises(InputError, match="the labels name 3 classes and the model has 2: leave classes out"):
        rv.fit(data, ConditionalRBM(classes=2), ConditionalPCD(), out=tmp_path / "no", **settings)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"weights": np.zeros(3)}, "their shapes are"),
        ({"visible_shift": np.zeros((2, 2))}, "visible_shift must be"),
        ({"hidden_shift": np.zeros((3, 2))}, "visible_shift must be"),
        ({"class_logits": np.zeros(3)}, "visible_shift must be"),
        ({"visible_shift": np.zeros(())}, "visible_shift must be"),
        ({"hidden_shift": np.full((2, 2), np.nan)}, "must be finite"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arrays_that_make_no_machines_are_refused(changes, said):
    good = {"weights": np.zeros((3, 2)), "visible_bias": np.zeros(3), "hidden_bias": np.zeros(2)}
    good |= {"visible_shift": np.zeros((2, 3)), "hidden_shift": np.zeros((2, 2))}
    assert ConditionalRBM.from_arrays(**good).given_classes == 2
    with pytest.raises(InputError, match=said):
        ConditionalRBM.from_arrays(**good | changes)


@pytest.mark.parametrize("options", [{"hidden": 0}, {"classes": 1}], ids=str)
def test_options_that_describe_no_machines_are_refused(options):
    with pytest.raises(InputError, match="a conditional RBM needs at least"):
        ConditionalRBM(**options)
