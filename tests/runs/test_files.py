"""Arrays, budgets and metrics on the disk."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.errors import InputError
from reverie.runs.arrays import decode, encode, restore
from reverie.runs.budget import Budget, budget_of, seconds_of
from reverie.runs.files import write_whole
from reverie.runs.metrics import append, read, rewind


def tree():
    return {
        "part": [jnp.arange(6.0).reshape(2, 3), jnp.zeros((), jnp.int32), None, "words"],
        "bits": jnp.array([True, False]),
        "key": noise.make_key(5),
    }


def test_arrays_keep_their_names_shapes_types_and_keys(tmp_path):
    file = tmp_path / "x.safetensors"
    write_whole(file, encode(tree()))
    arrays = decode(file.read_bytes(), file)
    assert set(arrays) == {"part/0", "part/1", "bits", "key:key"}
    blank = jax.tree.map(
        lambda leaf: jnp.zeros_like(leaf) if isinstance(leaf, jax.Array) else leaf, tree() | {"key": 0}
    )
    found = restore(blank | {"key": noise.make_key(0)}, arrays, file)
    np.testing.assert_array_equal(found["part"][0], tree()["part"][0])
    assert found["part"][1].shape == ()
    assert found["bits"].dtype == bool
    assert noise.uniform(found["key"]) == noise.uniform(tree()["key"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t | {"more": jnp.zeros(1)}, "lacks 'more'"),
        (lambda t: {k: v for k, v in t.items() if k != "bits"}, "does not describe"),
        (lambda t: t | {"bits": jnp.zeros(3, bool)}, r"is bool\[2\], and bool\[3\] is expected"),
        (lambda t: t | {"bits": jnp.zeros(2)}, r"and float32\[2\] is expected"),
    ],
)
def test_arrays_that_do_not_fit_the_configuration_are_refused(tmp_path, change, message):
    arrays = decode(encode(tree()), tmp_path)
    with pytest.raises(InputError, match=message):
        restore(change(tree()), arrays, tmp_path)


def test_a_cut_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="not a readable safetensors file"):
        decode(encode(tree())[:-3], tmp_path)


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    file = tmp_path / "x"
    write_whole(file, "old")
    write_whole(file, "new")
    assert file.read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("2m", 120), ("1h30m", 5400), ("0.5m", 30), (7, 7), ("1m5s", 65)]
)
def test_times_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "soon", "-5s", "0", "2x", "nan", float("nan"), float("inf"), "1s2m"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(InputError):
        seconds_of(text)


def test_budgets():
    assert budget_of(None, None, None, 10) == Budget(5000, None)
    assert budget_of(None, 2.5, None, 10) == Budget(25, None)
    assert budget_of(None, None, "1m", 10) == Budget(None, 60)
    assert budget_of(7, None, 3, 10) == Budget(7, 3)


def test_metrics_forget_what_comes_after_the_checkpoint_and_survive_a_torn_line(tmp_path):
    file = tmp_path / "metrics.jsonl"
    for step in (1, 2, 3):
        append(file, {"step": step, "info": {"elbo": float("nan") if step == 2 else -1.5}})
    with file.open("a") as handle:
        handle.write('{"step": 4, "inf')
    assert [line["step"] for line in read(file)] == [1, 2, 3]
    rewind(file, 2)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert lines[1]["info"]["elbo"] is None
