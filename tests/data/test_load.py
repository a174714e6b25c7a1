"""`load`: splits, measures by name, fingerprints, labels, missing values."""

from typing import Any

import jax
import msgspec
import numpy as np
import pytest

from reverie.data import (
    Binarise,
    Dequantise,
    Identity,
    Levels,
    PerLeaf,
    Schema,
    Standardise,
    load,
    read_rows,
    to_model_rows,
)
from reverie.errors import InputError

TABLE: dict[str, list[Any]] = {
    "age": [21.5, 30.25, 44.0, 51.5, 28.75, 36.5] * 5,
    "sex": ["f", "m", "m", "f", "f", "m"] * 5,
    "ill": [0, 1, 0, 0, 1, 1] * 5,
    "town": ["Ulm", "Bonn", "Kiel"] * 10,
}


def y_of(rows):
    """The labels, which must be there."""
    assert rows.y is not None
    return rows.y.tolist()


def test_digits_are_split_as_published():
    data = load("digits", valid=0)
    order = np.random.default_rng(0).permutation(1797)
    assert data.train.index.tolist() == order[:1400].tolist()
    assert data.test.index.tolist() == order[1400:].tolist()
    from sklearn.datasets import load_digits

    read = load_digits()
    np.testing.assert_array_equal(data.test.raw, read.data[order[1400:]])
    np.testing.assert_array_equal(data.test.y, read.target[order[1400:]])
    assert data.spec.image == (8, 8, 1)
    assert data.train.raw.dtype == np.uint8
    assert data.class_names == tuple("0123456789")


def test_validation_rows_come_from_the_end_of_the_training_part():
    whole, cut = load("digits", valid=0), load("digits", valid=100)
    assert cut.valid.index.tolist() == whole.train.index[-100:].tolist()
    assert cut.train.index.tolist() == whole.train.index[:-100].tolist()
    assert cut.test.index.tolist() == whole.test.index.tolist()


@pytest.mark.parametrize(
    ("valid", "test", "sizes"),
    [(0.1, 0.2, (105, 15, 30)), (7, 0.2, (113, 7, 30)), (0, 0, (150, 0, 0)), (0.5, 10, (65, 75, 10))],
)
def test_parts_are_fractions_or_numbers_of_rows(valid, test, sizes):
    data = load("iris", valid=valid, test=test, seed=3)
    assert (len(data.train), len(data.valid), len(data.test)) == sizes
    every = np.concatenate([data.train.index, data.valid.index, data.test.index])
    assert sorted(every.tolist()) == list(range(150))


def test_the_seed_decides_the_split_and_not_the_fingerprint():
    one, same, other = load("iris", seed=1), load("iris", seed=1), load("iris", seed=2)
    assert one.train.index.tolist() == same.train.index.tolist() != other.train.index.tolist()
    assert one.fingerprint == same.fingerprint == other.fingerprint
    assert len(one.fingerprint) == 64
    assert one.fingerprint != load("wine").fingerprint


def test_the_fingerprint_sees_one_changed_value():
    x = np.random.default_rng(0).normal(size=(20, 3))
    before = load(x).fingerprint
    x[7, 1] = np.nextafter(np.float32(x[7, 1]), np.float32(9))
    assert load(x).fingerprint != before


@pytest.mark.parametrize(
    ("source", "measure", "kind", "reference", "bound"),
    [
        ("digits", "auto", "binary", "bits: raw > 7", False),
        ("digits", "binarize", "binary", "bits: raw > 7", False),
        ("digits", "binarise_dynamic", "binary", "bits: Bernoulli(raw / 16)", False),
        ("digits", "none", "categorical", "mass on 0..16", False),
        ("digits", "one-hot", "binary", "mass on 0..16", False),
        ("digits", "dequantize", "continuous", "mass on 0..16", True),
        ("digits", "logit", "continuous", "mass on 0..16", True),
        ("digits", "standardize", "continuous", "mass on 0..16", True),
        ("digits", "dequantise+logit+standardise", "continuous", "mass on 0..16", True),
        ("iris", "auto", "continuous", "density in raw units", False),
        ("iris", "none", "continuous", "density in raw units", False),
    ],
)
def test_measures_by_name(source, measure, kind, reference, bound):
    data = load(source, measure=measure)
    assert data.spec.kind == data.measure.kind == kind
    assert (data.measure.reference, data.measure.bound) == (reference, bound)
    x = to_model_rows(data.measure, data.test.raw)
    assert x.dtype == {"binary": bool, "categorical": np.int32, "continuous": np.float32}[kind]
    assert x.shape == (len(data.test), data.spec.size)


def test_binarize_is_short_for_the_measure_and_leaves_bits_alone():
    assert load("digits", binarize=True).measure == Binarise(7)
    bits = np.random.default_rng(0).integers(0, 2, (30, 4))
    assert load(bits, binarize=True).measure == Identity("binary")
    assert load(np.array([[0, 201]] * 9 + [[200, 3]], np.uint8)).measure == Binarise(127)


def test_standardise_is_fitted_on_the_training_rows_alone():
    data = load("iris")
    assert isinstance(data.measure, Standardise)
    np.testing.assert_allclose(data.measure.mean, data.train.raw.mean(axis=0, dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(data.measure.std, data.train.raw.std(axis=0, dtype=np.float64), rtol=1e-6)
    x = to_model_rows(data.measure, data.train.raw)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)


def test_the_spec_holds_the_training_moments_in_model_space():
    data = load("digits")
    leaf = data.spec.single
    assert leaf is not None
    bits = data.train.raw > 7
    np.testing.assert_allclose(leaf.mean, bits.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(leaf.std, bits.std(axis=0), atol=1e-6)
    assert load("digits", measure="none").spec.leaves["categorical"].counts == (17,) * 64


def test_a_mixed_table_has_one_measure_for_each_kind():
    data = load(TABLE)
    assert data.spec.kind == "mixed"
    assert data.spec.single is None
    assert isinstance(data.measure, PerLeaf)
    assert data.measure.measures["categorical"] == Levels()
    assert data.spec.leaves["categorical"].counts == (2, 3)
    assert data.spec.leaves["categorical"].levels == 3
    assert list(data.train.raw) == ["binary", "categorical", "continuous"]
    assert data.spec.size == data.schema.size == 4
    hot = load(TABLE, measure="one-hot")
    assert {kind: leaf.size for kind, leaf in hot.spec.leaves.items()} == {"binary": 6, "continuous": 1}
    x = to_model_rows(hot.measure, hot.train.raw)
    assert {kind: a.shape for kind, a in x.items()} == {"binary": (21, 6), "continuous": (21, 1)}


def test_whole_numbers_are_pixels_when_a_pixel_measure_is_asked_for():
    counts = np.random.default_rng(1).integers(0, 12, (60, 3))
    assert load(counts).spec.kind == "categorical"
    assert load(counts, measure="dequantise").measure == Dequantise(12)
    assert load(counts, measure="binarise").measure == Binarise(5)


def test_a_label_becomes_y_and_leaves_the_columns():
    data = load(TABLE, label="town")
    assert data.class_names == ("Bonn", "Kiel", "Ulm")
    assert "town" not in data.schema.frame(data.train.raw)
    names = np.array(data.class_names)[data.train.y]
    assert names.tolist() == [TABLE["town"][i] for i in data.train.index]


def test_a_column_of_an_array_can_be_the_label():
    x = np.concatenate([np.random.default_rng(0).normal(size=(40, 2)), np.arange(40)[:, None] % 4], axis=1)
    data = load(x, label="x3")
    assert data.spec.size == 2
    assert y_of(data.train) == (data.train.index % 4).tolist()
    again = read_rows(x, data.schema)
    assert y_of(again) == (np.arange(40) % 4).tolist()
    assert read_rows(x[:, :2], data.schema).y is None


def test_rows_with_labels_as_a_pair():
    x = np.random.default_rng(0).normal(size=(30, 2))
    data = load((x, ["cat", "dog", "eel"] * 10))
    assert data.class_names == ("cat", "dog", "eel")
    assert y_of(data.train) == (data.train.index % 3).tolist()
    rows = read_rows((x[:2], ["eel", "cat"]), data.schema)
    assert y_of(rows) == [2, 0]


def test_missing_values_are_refused_with_their_columns_or_dropped_or_masked():
    table: dict[str, list[Any]] = {"a": [1.5, None, 2.5, 3.5, 4.5, 6.5] * 3, "b": ["x", "y", "NA", "x", "y", "y"] * 3}
    with pytest.raises(InputError, match=r"'a' \(3\), 'b' \(3\).*missing='drop'"):
        load(table)
    data = load(table, missing="drop")
    frame = data.schema.frame(data.train.raw)
    for name, values in table.items():
        assert frame[name] == [values[i] for i in data.train.index]
    every = np.concatenate([data.train.index, data.valid.index, data.test.index])
    assert sorted(every.tolist()) == [i for i in range(18) if i % 6 not in (1, 2)]
    assert [c.missing for c in data.schema.columns] == [3, 3]
    assert data.train.mask is None
    masked = load(table, missing="mask", valid=0, test=0)
    assert masked.train.mask["continuous"][:, 0].tolist() == [i % 6 != 1 for i in masked.train.index]
    observed = [v for v in table["a"] if v is not None]
    assert isinstance(masked.measure, PerLeaf)
    scale = masked.measure.measures["continuous"]
    assert isinstance(scale, Standardise)
    assert scale.mean[0] == pytest.approx(np.mean(observed))
    assert masked.spec.leaves["continuous"].mean[0] == pytest.approx(0, abs=1e-6)


def test_one_missing_value_among_columns_of_a_kind_drops_its_row():
    table = np.random.default_rng(0).normal(size=(20, 3))
    table[4, 2] = np.nan
    data = load(table, missing="drop", valid=0, test=0)
    assert sorted(data.train.index.tolist()) == [i for i in range(20) if i != 4]


def test_rows_can_be_picked_out():
    rows = load(TABLE, label="sex").train
    some = rows[2:5]
    assert len(some) == 3
    assert some.index.tolist() == rows.index[2:5].tolist()
    assert y_of(rows[np.array([4, 0])]) == [y_of(rows)[4], y_of(rows)[0]]
    assert rows[-1].index.tolist() == rows.index[-1:].tolist()
    assert len(rows[np.array(y_of(rows)) == 1]) == y_of(rows).count(1)
    with pytest.raises(IndexError):
        rows[len(rows)]


def test_parts_of_a_source_are_kept():
    rng = np.random.default_rng(0)
    parts = {"train": rng.normal(size=(20, 2)), "test": rng.normal(size=(7, 2))}
    data = load(parts, valid=5)
    assert (len(data.train), len(data.valid), len(data.test)) == (15, 5, 7)
    assert data.test.index.tolist() == list(range(20, 27))
    np.testing.assert_allclose(data.test.raw, parts["test"], rtol=1e-6)
    order = np.random.default_rng(0).permutation(20)
    assert data.valid.index.tolist() == order[15:].tolist()


def test_images_from_arrays_keep_their_shape_and_their_constant_pixels():
    pictures = np.zeros((20, 3, 2, 3))
    pictures[:, 1, 1, 0] = np.linspace(0, 1, 20)
    data = load(pictures)
    assert data.spec.image == (3, 2, 3)
    assert data.spec.size == 18
    assert data.measure == Binarise(0.5)
    assert load(pictures, measure="logit").measure.reference == "density in raw units"


def test_noise_of_the_statistics_is_that_of_the_seed():
    data = load("digits", measure="dequantise")
    one = to_model_rows(data.measure, data.test.raw[:5], seed=1)
    np.testing.assert_array_equal(one, to_model_rows(data.measure, data.test.raw[:5], seed=1))
    assert not np.allclose(one, to_model_rows(data.measure, data.test.raw[:5], seed=2))
    keys = jax.random.split(jax.random.key(1), 5)
    np.testing.assert_allclose(one, jax.vmap(data.measure.to_model)(keys, data.test.raw[:5]), rtol=1e-6)


def gapped():
    """A table with everything: a label, a constant, missing values, three kinds of column."""
    gaps = {**TABLE, "k": [3] * 30, "gap": [1.5, None, 2.5] * 10}
    return {"source": gaps, "label": "town", "missing": "drop"}


@pytest.mark.parametrize(
    "recipe",
    [
        {"source": "digits", "measure": "dequantise+logit"},
        {"source": "moons", "seed": 3},
        {"source": "wine", "valid": 0},
        {"source": (np.arange(40).reshape(20, 2) % 7, ["p", "q"] * 10)},
        {"source": np.arange(60).reshape(20, 3) % 11, "measure": "dequantise"},
        {"source": np.arange(60).reshape(20, 3) % 7, "label": "x2", "measure": "one-hot"},
        {"source": {"train": np.eye(6), "test": 1 - np.eye(6)[:3]}, "valid": 2},
        gapped(),
    ],
)
def test_a_source_read_again_under_its_schema_is_the_same(recipe):
    first = load(**recipe)
    again = load(**recipe, schema=msgspec.json.decode(msgspec.json.encode(first.schema), type=Schema))
    assert again.fingerprint == first.fingerprint
    assert (again.schema, again.spec, again.measure) == (first.schema, first.spec, first.measure)
    for part in ("train", "valid", "test"):
        assert getattr(again, part).index.tolist() == getattr(first, part).index.tolist()


def test_text_read_again_under_its_schema_is_the_same(tmp_path):
    (tmp_path / "t.txt").write_text("to be or not to be " * 40)
    first = load(tmp_path / "t.txt", length=7)
    again = load(tmp_path / "t.txt", schema=first.schema)
    assert (again.fingerprint, again.spec) == (first.fingerprint, first.spec)
