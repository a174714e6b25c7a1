"""Labels of which only some are kept, and labels that are missing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.data import Rows, load, load_again, read_rows
from reverie.errors import InputError

ROWS = 200
X = np.random.default_rng(0).normal(size=(ROWS, 2))
SHARES = [0.6, 0.3, 0.1]
Y = np.random.default_rng(1).choice(3, ROWS, p=SHARES)


def y_of(rows: Rows) -> NDArray[np.int32]:
    """The labels, which must be there."""
    assert rows.y is not None
    assert rows.y.dtype == np.int32
    return rows.y


def counts(rows):
    """How many rows have no label, and how many each class."""
    return np.bincount(y_of(rows) + 1, minlength=4).tolist()


def test_each_class_keeps_equally_many_labels():
    plain, data = load((X, Y)), load((X, Y), labelled=30)
    assert counts(data.train)[1:] == [10, 10, 10]
    kept = y_of(data.train) >= 0
    assert np.array_equal(y_of(data.train)[kept], y_of(plain.train)[kept])
    assert np.array_equal(data.train.index, plain.train.index)
    assert np.array_equal(y_of(data.test), y_of(plain.test))
    assert np.array_equal(y_of(data.valid), y_of(plain.valid))
    assert data.spec.classes == plain.spec.classes == 3
    assert load(X).spec.classes is None


def test_a_remainder_and_a_rare_class_are_filled_from_the_others():
    rare = counts(load((X, Y)).train)[3]
    some = counts(load((X, Y), labelled=3 * rare + 7).train)[1:]
    assert some[2] == rare
    assert abs(some[0] - some[1]) <= 1
    assert sum(some) == 3 * rare + 7
    rest = sorted(counts(load((X, Y), labelled=8).train)[1:])
    assert rest == [2, 3, 3]


def test_more_labels_hold_those_of_fewer_and_the_seed_says_which():
    few, more = y_of(load((X, Y), labelled=12).train), y_of(load((X, Y), labelled=40).train)
    assert np.all(more[few >= 0] >= 0)
    trains = [load((X, Y), labelled=12, seed=seed).train for seed in (0, 0, 1)]
    kept = [set(train.index[y_of(train) >= 0].tolist()) for train in trains]
    assert kept[0] == kept[1] != kept[2]


def test_a_fraction_is_one_of_the_training_rows():
    train = load((X, Y), labelled=0.25).train
    assert sum(counts(train)[1:]) == round(0.25 * len(train))


def test_they_are_read_again_as_they_were(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "".join(f"{a:.3f},{b:.3f},k{y}\n" for (a, b), y in zip(X, Y, strict=True)))
    data = load(path, label="c", labelled=30)
    assert data.recipe is not None
    again = load_again(data.recipe, data.schema, data.fingerprint, data.name)
    assert np.array_equal(y_of(again.train), y_of(data.train))
    old = {name: value for name, value in data.recipe.items() if name != "labelled"}
    with pytest.raises(InputError, match="changed"):
        load_again(old, data.schema, data.fingerprint, data.name)
    plain = load(path, label="c")
    assert np.array_equal(y_of(load_again(old, plain.schema, plain.fingerprint, plain.name).train), y_of(plain.train))
    assert y_of(read_rows(path, data.schema)).min() == 0


def test_a_missing_label_is_none_where_values_are_masked(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "a,c\n"
        + "".join(f"{a:.3f},{'' if i % 4 else f'k{y}'}\n" for i, ((a, _), y) in enumerate(zip(X, Y, strict=True)))
    )
    with pytest.raises(InputError, match="missing values: 'c' \\(150\\)"):
        load(path, label="c")
    data = load(path, label="c", missing="mask")
    whole = np.concatenate([y_of(part) for part in (data.train, data.valid, data.test)])
    assert np.sum(whole == -1) == 150
    assert data.train.mask is None
    few = load(path, label="c", missing="mask", labelled=6).train
    assert counts(few)[1:] == [2, 2, 2]
    assert np.all(y_of(data.train)[y_of(few) >= 0] >= 0)


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        (X, {"labelled": 10}, "has no labels: say which column"),
        ((X, Y), {"labelled": 2}, "2 labels for 3 classes"),
        ((X, Y), {"labelled": 0}, "0 labels"),
        ((X, Y), {"labelled": 1000}, "only 140 training rows"),
        ((X, Y), {"labelled": -1}, "must not be negative"),
        ((X, Y), {"labelled": 12.5}, "labelled is 12.5"),
        ((X, Y), {"labelled": True}, "labelled is True"),
    ],
)
def test_labels_that_cannot_be_kept_are_refused(source, options, words):
    with pytest.raises(InputError, match=words) as caught:
        load(source, **options)
    assert "\n" not in str(caught.value)
