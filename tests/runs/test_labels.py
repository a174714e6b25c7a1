"""Labels in a run: who needs them, how well they are learned, and draws of a class."""

import dataclasses
from typing import Any

import jax
import msgspec
import numpy as np
import pytest

import reverie as rv
from reverie.auxiliaries import CodeClassifier
from reverie.errors import InputError
from reverie.evaluation import accuracy, class_log_probs
from reverie.inference import ClassPosterior, GaussianPosterior, StackedPosterior
from reverie.learners import M2
from reverie.models import CVAE, GMVAE, M1M2, VAE, VPSDE
from reverie.noise import make_key
from reverie.pairing import fill, name_of
from reverie.parts import options_of
from reverie.runs.config import Unit
from reverie.runs.run import Run

NAMES = ("low", "middle", "high")


@pytest.fixture(scope="module")
def data():
    """Bits whose class is where the ones are; half of the training rows have lost their label."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    odds = np.full((3, 6), 0.05) + 0.9 * np.kron(np.eye(3), [1, 1])
    raw = (rng.random((300, 6)) < odds[y]).astype(np.uint8)
    whole = rv.data.load((raw, np.array(NAMES)[y]), test=0.3)
    hidden = np.array(whole.train.y)
    hidden[::2] = -1
    return dataclasses.replace(whole, train=dataclasses.replace(whole.train, y=hidden))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    model, posterior = CVAE(latent=2, classes=3, hidden=(8,)), ClassPosterior(hidden=(8,))
    settings: dict[str, Any] = {"steps": 200, "batch": 50, "learning_rate": 2e-2, "patience": None, "pictures": False}
    out = tmp_path_factory.mktemp("labels") / "run"
    return rv.fit(data, model, M2(), parts={"inference": posterior}, out=out, **settings)


def told_by(parts, data, raw, seed=0):
    """log q(y | x) of rows, where there is such."""
    told = class_log_probs(parts, data.measure, raw, make_key(seed))
    assert told is not None
    return told


def other(run, data, learner, **blank):
    """A run of other parts, as they are before the first step."""
    parts = fill(blank, make_key(1), data.spec)
    units = {role: Unit(name_of(part)[1], options_of(part)) for role, part in blank.items()}
    config = msgspec.structs.replace(run.config, parts=units, learner=Unit(learner, {}))
    return Run(run.path, config, parts, run.result)


def test_what_is_classified_is_reported_with_its_standard_error(run, data):
    found = rv.evaluate(run, data.test, samples=8).accuracy
    assert found is not None
    told = told_by(run.parts, data, data.test.raw)
    right = np.argmax(told, axis=1) == data.test.y
    assert found.value == pytest.approx(right.mean())
    assert found.se == pytest.approx(right.std(ddof=1) / np.sqrt(len(right)))
    assert (found.kind, found.n, found.unit) == ("exact", len(data.test), "of rows")
    assert found.value > 0.85
    np.testing.assert_allclose(np.exp(told).sum(1), 1.0, rtol=1e-5)


def test_rows_without_a_label_do_not_count(run, data):
    y = data.test.y.copy()
    y[5:] = -1
    found = accuracy(run.parts, run.measure, data.test.raw, y, make_key(0))
    assert found is not None
    assert found.n == 5
    assert accuracy(run.parts, run.measure, data.test.raw, np.full_like(y, -1), make_key(0)) is None


def test_a_rows_class_does_not_depend_on_the_rows_beside_it(data):
    """Also where it takes draws to tell."""
    blank = {"model": M1M2(2, 2, 3, (4,)), "inference": StackedPosterior((4,), draws=2)}
    parts = fill(blank, make_key(1), data.spec)
    whole = told_by(parts, data, data.test.raw)
    part = told_by(parts, data, data.test.raw[3:9])
    other = told_by(parts, data, data.test.raw[3:9], seed=1)
    assert np.array_equal(whole[3:9], part)
    assert not np.array_equal(part, other)


def test_a_classifier_of_codes_tells_by_the_code(data):
    blank = {"model": VAE(2, (8,)), "inference": GaussianPosterior((8,)), "classifier": CodeClassifier(3)}
    parts = fill(blank, make_key(1), data.spec)
    told = told_by(parts, data, data.test.raw)

    @jax.jit
    def logits(raw):
        x = data.measure.to_model(make_key(0), raw)
        return jax.nn.log_softmax(parts["classifier"].class_logits(parts["inference"].encode(x)))

    np.testing.assert_allclose(told, jax.vmap(logits)(data.test.raw), rtol=1e-3, atol=1e-4)


def test_parts_that_tell_no_classes_have_no_accuracy(run, data):
    blank = {"model": VAE(2, (4,)), "inference": GaussianPosterior((4,))}
    parts = fill(blank, make_key(0), data.spec)
    assert accuracy(parts, data.measure, data.test.raw, data.test.y, make_key(0)) is None
    with pytest.raises(InputError, match="vae has no classes to draw from: leave the label out"):
        other(run, data, "elbo", **blank).sample(4, label="low")


def test_what_is_learned_without_labels_has_numbers_for_its_classes(run, data):
    """And no accuracy: the components of a mixture are no classes of the data."""
    mixture = other(run, data, "marginal-elbo", model=GMVAE(2, 4, (4,)), inference=ClassPosterior((4,)))
    assert rv.evaluate(mixture, data.test[:20], samples=4, codes=False).accuracy is None
    assert mixture.sample(3, label=3).shape == (3, 6)
    with pytest.raises(InputError, match="'low' is no class of this run: choose from 0 to 3"):
        mixture.sample(3, label="low")


def test_rows_of_a_class_are_drawn_by_its_name(run):
    ones = {name: run.sample(400, label=name).reshape(400, 3, 2).mean((0, 2)) for name in NAMES}
    order = run.schema.label.classes
    for name, means in ones.items():
        assert int(np.argmax(means)) == NAMES.index(name), (order, means)
    assert np.array_equal(run.sample(4, seed=1, label="low"), run.sample(9, seed=1, label="low")[:4])
    with pytest.raises(InputError, match="'3' is no class of this run: choose from high, low, middle"):
        run.sample(4, label="3")


def test_labels_that_are_not_there_or_have_no_class_are_refused_before_a_fit(data, tmp_path):
    bare = dataclasses.replace(data, train=dataclasses.replace(data.train, y=None))
    with pytest.raises(InputError, match=r"m2 learns from labels and .* has none: name their column by label=…"):
        rv.fit(bare, CVAE(2, 3, (4,)), M2(), steps=2, out=tmp_path / "run")
    with pytest.raises(InputError, match="the labels name 3 classes and the model has 2: leave classes out"):
        rv.fit(data, CVAE(2, 2, (4,)), M2(), steps=2, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_classes_of_a_model_that_is_guided_have_the_names_of_the_labels(run):
    """Its learner reads labels where there are any, and does not ask for them."""
    config = msgspec.structs.replace(run.config, learner=Unit("denoising", {}))
    guided = Run(run.path, config, {"model": VPSDE(hidden=(4,), classes=3)}, run.result)
    assert guided._class_of("middle") == 2
    with pytest.raises(InputError, match="choose from high, low, middle"):
        guided._class_of("lowest")
    without = Run(run.path, config, {"model": VPSDE(hidden=(4,))}, run.result)
    with pytest.raises(InputError, match=r"was made without classes: fit it with --model\.classes"):
        without._class_of("low")
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="guidance must be at least 0 and finite"):
            guided.sample(3, label="low", guidance=wrong)
