"""Schemas: what is inferred, what a given one demands, and the way back to columns with names."""

import csv

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.data import Column, Label, Schema, Text, load, read_rows, read_schema
from reverie.errors import InputError


def kinds(table):
    return {c.name: c.kind for c in load(table).schema.columns}


def test_columns_are_what_the_rules_say():
    n = 60
    table = {
        "bit": [0, 1] * 30,
        "truth": ["true", "False"] * 30,
        "flag": [True, False] * 30,
        "one": [4] * n,
        "word": ["a", "b", "c"] * 20,
        "twenty": [i % 20 for i in range(n)],
        "twenty_one": [i % 21 for i in range(n)],
        "half": [i / 2 for i in range(n)],
        "two": [1, 2] * 30,
    }
    assert kinds(table) == {
        "bit": "binary",
        "truth": "binary",
        "flag": "binary",
        "one": "constant",
        "word": "categorical",
        "twenty": "categorical",
        "twenty_one": "continuous",
        "half": "continuous",
        "two": "categorical",
    }


def test_few_rows_do_not_make_whole_numbers_categorical():
    assert kinds({"a": [3, 1, 4, 15, 9, 2]}) == {"a": "continuous"}
    assert kinds({"a": [3, 1, 4, 3, 1, 4]}) == {"a": "categorical"}


def test_constant_columns_are_left_out_with_a_note_and_come_back_in_samples():
    data = load({"a": [0.5, 1.5, 2.5] * 4, "k": [7] * 12, "w": ["same"] * 12})
    assert data.spec.size == 1
    assert data.schema.warnings == ("2 constant columns left out: k, w",)
    assert data.schema.frame(np.array([[1.25]])) == {"a": [1.25], "k": [7], "w": ["same"]}


def test_a_column_that_float32_cannot_tell_apart_is_noted():
    data = load({"time": [1.7e9 + i / 100 for i in range(30)], "b": [i / 3 for i in range(30)]})
    assert "'time' differ by less" in data.schema.warnings[0]
    assert "note: " in data.schema.describe()


def test_describe_names_everything():
    table = {"age": [1.5, 2.5, None] * 4, "bit": [0, 1, 1] * 4, "town": ["Ulm", "Bonn", "Kiel"] * 4}
    text = load({**table, "cls": ["p", "q", "q"] * 4}, label="cls", missing="drop").schema.describe()
    for part in (
        "age 1.5..2.5",
        "town (Bonn, Kiel, Ulm)",
        "binary: 1: bit",
        "missing: age 4",
        "'cls': 2 classes: p, q",
    ):
        assert part in text
    assert "8 x 8, 1 channel, whole numbers 0..16" in load("digits").schema.describe()


@pytest.mark.parametrize("source", ["digits", "iris", "moons"])
def test_a_schema_survives_json(source):
    schema = load(source).schema
    assert msgspec.json.decode(msgspec.json.encode(schema), type=Schema) == schema


VALUES = st.one_of(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=12, max_size=12),
    st.lists(st.integers(-3, 3), min_size=12, max_size=12),
    st.lists(st.sampled_from(["yes", "no", "a,b", 'say "x"', "ß"]), min_size=12, max_size=12),
    st.lists(st.booleans(), min_size=12, max_size=12),
)


@given(columns=st.lists(VALUES, min_size=1, max_size=5))
def test_rows_written_as_csv_are_read_back(tmp_path_factory, columns):
    table = {f"c{j}": values for j, values in enumerate(columns)}
    if all(len(set(values)) == 1 for values in columns):
        return
    data = load(table, valid=0, test=0)
    path = tmp_path_factory.mktemp("frames") / "rows.csv"
    frame = data.schema.frame(data.train.raw)
    assert list(frame) == list(table)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(frame)
        writer.writerows(zip(*frame.values(), strict=True))
    rows = read_rows(path, data.schema)
    want = data.train.raw if isinstance(data.train.raw, dict) else {"only": data.train.raw}
    have = rows.raw if isinstance(rows.raw, dict) else {"only": rows.raw}
    assert set(want) == set(have)
    for kind, block in want.items():
        np.testing.assert_array_equal(have[kind], block)


def test_pixels_and_text_have_frames():
    digits = load("digits")
    frame = digits.schema.frame(digits.test.raw[:2])
    assert list(frame)[:2] == ["pixel_0_0", "pixel_0_1"]
    assert [frame[f"pixel_{i}_{j}"][1] for i in range(8) for j in range(8)] == digits.test.raw[1].tolist()
    schema = Schema(text=Text(("a", "b"), 3))
    assert schema.frame(np.array([[0, 1, 1]])) == {"text": ["abb"]}
    words = Schema(text=Text(("cat", "dog"), 2, "words"))
    assert words.frame(np.array([[1, 0]])) == {"text": ["dog cat"]}


def test_new_rows_are_read_by_name_in_any_order():
    table = {"a": [0.5, 1.5, 2.5] * 4, "b": ["x", "y", "x"] * 4, "c": [5] * 12}
    schema = load(table).schema
    rows = read_rows({"b": ["y"], "a": [9.25]}, schema)
    assert rows.raw["continuous"].tolist() == [[9.25]]
    assert rows.raw["categorical"].tolist() == [[1]]


def test_new_rows_without_names_are_read_by_position():
    schema = load({"a": [0.5, 1.5, 2.5] * 4, "b": [3, 5, 7] * 4, "k": [5] * 12}).schema
    for array in (np.array([[9.25, 7]]), np.array([[9.25, 7, 5]])):
        rows = read_rows(array, schema)
        assert rows.raw["continuous"].tolist() == [[9.25]]
        assert rows.raw["categorical"].tolist() == [[2]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"a": [1.5]}, "lacks the column 'b'"),
        ({"a": [1.5], "b": ["x"], "z": [1]}, "'z', which the schema does not know"),
        ({"a": [1.5], "b": ["w"]}, "'b' has the value 'w', which is none of its 2 levels"),
        ({"a": ["tall"], "b": ["x"]}, "'a' must hold numbers but has 'tall' in row 1"),
        ({"a": [None], "b": ["x"]}, "missing values"),
        ({"a": [float("inf")], "b": ["x"]}, "1 infinite value"),
        (np.array([[1.0, 2.0, 3.0]]), "3 columns; the schema has 2"),
    ],
)
def test_new_rows_that_do_not_fit_are_refused(rows, message):
    schema = load({"a": [0.5, 1.5, 2.5] * 4, "b": ["x", "y", "x"] * 4}).schema
    with pytest.raises(InputError) as caught:
        read_rows(rows, schema)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_new_images_must_have_the_shape_and_range():
    schema = load("digits").schema
    assert read_rows(np.full((2, 8, 8), 16.0), schema).raw.dtype == np.uint8
    assert read_rows(np.full((2, 64), 3), schema).raw.shape == (2, 64)
    for wrong in (
        np.zeros((2, 8, 9)),
        np.zeros((2, 63)),
        np.full((1, 64), 17),
        np.full((1, 64), 0.5),
        -np.ones((1, 64)),
    ):
        with pytest.raises(InputError):
            read_rows(wrong, schema)


def test_a_given_schema_rules(tmp_path):
    table = {"year": [2001, 2002, 2003] * 6, "size": ["s", "l", "m"] * 6}
    given_schema = {
        "columns": [
            {"name": "year", "kind": "continuous"},
            {"name": "size", "kind": "categorical", "levels": ["s", "m", "l", "xl"]},
        ]
    }
    data = load(table, schema=given_schema)
    assert data.spec.leaves["categorical"].counts == (4,)
    assert data.schema.columns[0].low == 2001
    path = tmp_path / "schema.json"
    path.write_bytes(msgspec.json.encode(given_schema))
    assert load(table, schema=path).schema == load(table, schema=str(path)).schema == data.schema
    opened = Schema((Column("year", "categorical"), Column("size", "categorical")))
    assert load(table, schema=opened).schema.columns[0].levels == (2001, 2002, 2003)
    assert load(table, schema=data.schema).fingerprint == data.fingerprint


def test_a_given_schema_can_say_which_column_is_the_label_and_its_classes():
    table = {"a": [0.5, 1.5, 2.5] * 4, "c": ["x", "y", "x"] * 4}
    schema = Schema((Column("a", "continuous"),), label=Label("c", ("y", "x", "z")))
    data = load(table, schema=schema)
    assert data.class_names == ("y", "x", "z")
    assert set(np.asarray(data.train.y)) == {0, 1}
    with pytest.raises(InputError, match="none of its 1 levels"):
        load(table, schema=msgspec.structs.replace(schema, label=Label("c", ("y",))))


def test_flat_rows_become_images_by_a_given_shape():
    from sklearn.datasets import load_digits

    flat = load_digits().data
    data = load(flat, schema={"image": [8, 8, 1]})
    assert data.spec.image == (8, 8, 1)
    assert data.measure.reference == "bits: raw > 7"
    with pytest.raises(InputError, match="rows of 81 pixels"):
        load(flat, schema={"image": [9, 9, 1]})


@pytest.mark.parametrize(
    "schema",
    [
        {"colums": []},
        {"columns": [{"name": "a", "kind": "fuzzy"}]},
        {"columns": [{"name": "a"}]},
        {"columns": [{"name": "a", "kind": "continuous"}, {"name": "a", "kind": "continuous"}]},
        {"columns": [{"name": "a", "kind": "binary", "levels": [1, 2, 3]}]},
        {"columns": [{"name": "a", "kind": "categorical", "levels": ["x", "x"]}]},
        {"columns": [{"name": "a", "kind": "integer"}]},
        {"columns": [{"name": "a", "kind": "constant"}]},
        {"image": [0, 8, 1]},
        {"image": [8, 8]},
        {"text": {"alphabet": [], "length": 3}},
        {"text": {"alphabet": ["a"], "length": 0}},
        {"image": [8, 8, 1], "text": {"alphabet": ["a"], "length": 2}},
        {},
    ],
)
def test_senseless_schemas_are_refused(schema, tmp_path):
    for given_schema in (schema, tmp_path / "schema.json"):
        (tmp_path / "schema.json").write_bytes(msgspec.json.encode(schema))
        with pytest.raises(InputError) as caught:
            load({"a": [0.5, 1.5, 2.5] * 4}, schema=given_schema)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'"x"'])
def test_files_that_hold_no_schema_are_refused(content, tmp_path):
    path = tmp_path / "schema.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_schema(path)
    with pytest.raises(InputError, match="cannot read"):
        read_schema(tmp_path / "none.json")
    with pytest.raises(InputError, match="cannot read"):
        read_schema(tmp_path)
