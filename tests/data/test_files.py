"""Every kind of file and of Python object that `load` takes."""

import gzip
import struct
from typing import Any

import numpy as np
import pandas
import polars
import pytest
from PIL import Image

from reverie.data import load, read_rows
from reverie.errors import InputError

ROWS = [("Ulm", 1.5, 0), ("Bonn", -2.0, 1), ("Kiel", 0.25, 1)] * 5


def written(path, lines, delimiter=",", header="town,height,wet", opener=open):
    body = [delimiter.join(map(str, row)) for row in lines]
    head = [header.replace(",", delimiter)] if header else []
    with opener(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([*head, *body]) + "\n")
    return path


def whole(data):
    """The raw table in the order of the source, whatever the split."""
    frame: dict[str, list[Any]] = {}
    for part in (data.train, data.valid, data.test):
        for name, values in data.schema.frame(part.raw).items():
            frame.setdefault(name, []).extend(zip(part.index.tolist(), values, strict=True))
    return {name: [value for _, value in sorted(pairs, key=lambda p: p[0])] for name, pairs in frame.items()}


EXPECTED = {"town": [r[0] for r in ROWS], "height": [r[1] for r in ROWS], "wet": [r[2] for r in ROWS]}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_found(tmp_path, delimiter):
    assert whole(load(written(tmp_path / "t.csv", ROWS, delimiter))) == EXPECTED


def test_tables_are_read_plain_zipped_and_without_a_header(tmp_path):
    assert whole(load(written(tmp_path / "t.tsv", ROWS, "\t"))) == EXPECTED
    assert whole(load(str(written(tmp_path / "t.csv.gz", ROWS, opener=gzip.open)))) == EXPECTED
    bare = whole(load(written(tmp_path / "bare.csv", ROWS, header="")))
    assert bare == dict(zip(("x1", "x2", "x3"), EXPECTED.values(), strict=True))


def test_a_header_over_words_is_found_where_it_does_not_recur(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("colour,shape\nred,round\nblue,square\nred,square\n" * 1)
    assert list(load(path, valid=0).schema.frame(np.zeros((0, 2), np.int32))) == ["colour", "shape"]
    path.write_text("red,round\nblue,square\nred,square\n")
    assert not load(path, valid=0).schema.named


def test_odd_but_sound_tables_are_read(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes('\ufeffname, "a ""b""" \r\n"x, y", 1.5\r\n\r\nz ,2.5\r\n"x, y",3.5\r\n'.encode())
    assert whole(load(path, valid=0)) == {"name": ["x, y", "z", "x, y"], 'a "b"': [1.5, 2.5, 3.5]}


@pytest.mark.parametrize("header", ["", "a,b,c\n", '"a","b","c"\n'])
def test_numbers_are_read_alike_fast_and_cell_by_cell(tmp_path, header):
    values = np.random.default_rng(0).normal(size=(300, 3))
    body = "\n".join(",".join(repr(float(v)) for v in row) for row in values)
    (tmp_path / "fast.csv").write_text(header + body)
    (tmp_path / "slow.csv").write_text(header + body.replace("\n", "\n,,\n", 1))
    fast = load(tmp_path / "fast.csv", valid=0, test=0).train
    slow = load(tmp_path / "slow.csv", valid=0, test=0, missing="drop").train
    np.testing.assert_array_equal(fast.raw[np.argsort(fast.index)], values.astype(np.float32))
    np.testing.assert_array_equal(slow.raw[np.argsort(slow.index)], values.astype(np.float32))


def test_a_ragged_line_far_down_is_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1.5,2\n" * 500 + "1.5\n" + "1.5,2\n" * 10)
    with pytest.raises(InputError, match="line 502 has 1 cells, the first has 2"):
        load(path)


def test_npy_and_npz(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "one.npz", anything=x)
    np.savez(tmp_path / "xy.npz", X=x, y=np.arange(20) % 2)
    for name in ("x.npy", "one.npz", "xy.npz"):
        data = load(tmp_path / name, valid=0, test=0)
        np.testing.assert_array_equal(data.train.raw, x[data.train.index])
    assert load(tmp_path / "xy.npz").class_names == ("0", "1")


def test_npz_keeps_its_own_parts(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2, (30, 4)).astype(np.uint8)
    np.savez(tmp_path / "p.npz", train=bits[:18], valid=bits[18:23], test=bits[23:], train_label=np.arange(18) % 3,
             valid_label=np.arange(5) % 3, test_label=np.arange(7) % 3)  # fmt: skip
    data = load(tmp_path / "p.npz", seed=9, test=0.5)
    np.testing.assert_array_equal(data.train.raw, bits[:18])
    np.testing.assert_array_equal(data.valid.raw, bits[18:23])
    np.testing.assert_array_equal(data.test.raw, bits[23:])
    assert np.asarray(data.test.y).tolist() == [0, 1, 2, 0, 1, 2, 0]


def idx(array, code):
    head = struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize(("dtype", "code"), [("u1", 0x08), ("i2", 0x0B), ("i4", 0x0C), ("f4", 0x0D), ("f8", 0x0E)])
def test_idx_files_of_every_type(tmp_path, dtype, code):
    array = np.random.default_rng(0).integers(0, 200, (30, 2, 3)).astype(dtype)
    (tmp_path / "plain-idx3-ubyte").write_bytes(idx(array, code))
    (tmp_path / "zipped.idx.gz").write_bytes(gzip.compress(idx(array, code)))
    for name in ("plain-idx3-ubyte", "zipped.idx.gz"):
        data = load(tmp_path / name, valid=0, test=0)
        assert data.spec.image == (2, 3, 1)
        np.testing.assert_array_equal(data.train.raw, array.reshape(30, -1)[data.train.index])


def test_parquet(tmp_path):
    pandas.DataFrame(ROWS, columns=list(EXPECTED)).to_parquet(tmp_path / "t.parquet")
    assert whole(load(tmp_path / "t.parquet")) == EXPECTED


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    import sys

    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"reverie\[parquet\]"):
        load(tmp_path / "t.parquet")


def test_frames_of_pandas_and_polars():
    frame = pandas.DataFrame(ROWS, columns=list(EXPECTED))
    assert whole(load(frame)) == EXPECTED
    assert whole(load(polars.from_records(ROWS, schema=list(EXPECTED), orient="row"))) == EXPECTED
    frame["town"] = frame["town"].astype("category")
    frame["wet"] = frame["wet"].astype("boolean")
    assert whole(load(frame))["town"] == EXPECTED["town"]
    frame.loc[3, "town"] = None
    assert load(frame, missing="drop").schema.columns[0].missing == 1
    with_gap = polars.DataFrame({"a": [1.5, None, 2.5, 7.5] * 3, "b": ["x", "y", None, "x"] * 3})
    assert [c.missing for c in load(with_gap, missing="drop").schema.columns] == [3, 3]


def test_arrays_of_other_libraries():
    import jax.numpy as jnp

    x = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)

    class Tensor:
        """What a torch tensor offers when NumPy asks by DLPack alone."""

        def __dlpack__(self, *, stream=None, **_):
            return x.__dlpack__()

        def __dlpack_device__(self):
            return x.__dlpack_device__()

    for source in (x, jnp.asarray(x), Tensor(), x.tolist(), np.ma.masked_array(x, np.zeros(x.shape, bool))):
        np.testing.assert_array_equal(load(source, valid=0, test=0).train.raw, x[load(x, valid=0, test=0).train.index])


def test_masked_arrays_have_missing_values():
    x = np.ma.masked_array(np.arange(24.0).reshape(12, 2) / 5, np.arange(24).reshape(12, 2) == 4)
    assert len(load(x, valid=0, test=0, missing="drop").train) == 11


def test_a_folder_of_grey_pictures(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 4, 5)).astype(np.uint8)
    for i, array in enumerate(pixels):
        Image.fromarray(array).save(tmp_path / f"{i:02d}.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    data = load(tmp_path, valid=0, test=0)
    assert data.spec.image == (4, 5, 1)
    np.testing.assert_array_equal(data.train.raw, pixels.reshape(12, -1)[data.train.index])
    assert data.measure.reference == "bits: raw > 127"
    np.testing.assert_array_equal(read_rows(tmp_path / "03.png", data.schema).raw, pixels[3].reshape(1, -1))


def test_folders_of_coloured_pictures_are_classes(tmp_path):
    rng = np.random.default_rng(0)
    for kind in ("cats", "dogs"):
        (tmp_path / kind).mkdir()
        for i in range(4):
            Image.fromarray(rng.integers(0, 256, (3, 3, 3)).astype(np.uint8)).save(tmp_path / kind / f"{i}.png")
    Image.fromarray(rng.integers(0, 256, (3, 3)).astype(np.uint8)).save(tmp_path / "dogs" / "grey.jpg")
    data = load(tmp_path, valid=0, test=0)
    assert data.spec.image == (3, 3, 3)
    assert data.class_names == ("cats", "dogs")
    assert sorted(np.asarray(data.train.y)) == [0] * 4 + [1] * 5


def test_text_is_cut_into_windows_that_do_not_overlap(tmp_path):
    text = "".join("abcdefghij"[i * i % 10] for i in range(1003))
    (tmp_path / "t.txt").write_text(text)
    data = load(tmp_path / "t.txt", length=10, seed=4)
    assert data.spec.text
    assert data.spec.leaves["categorical"].levels == len(set(text))
    assert (len(data.train), len(data.valid), len(data.test)) == (70, 10, 20)
    said = [t for part in (data.train, data.valid, data.test) for t in data.schema.frame(part.raw)["text"]]
    assert "".join(said) == text[:1000]
    with gzip.open(tmp_path / "t.txt.gz", "wt") as file:
        file.write(text)
    assert load(tmp_path / "t.txt.gz", length=10).fingerprint == data.fingerprint


def test_text_by_words(tmp_path):
    (tmp_path / "t.txt").write_text("to be or not to be that is the question\n" * 5)
    data = load(tmp_path / "t.txt", length=5, tokens="words", valid=0, test=0)
    assert data.schema.text is not None
    assert data.schema.text.alphabet == ("be", "is", "not", "or", "question", "that", "the", "to")
    assert data.schema.frame(data.train.raw)["text"][:2] == ["to be or not to", "be that is the question"]
    (tmp_path / "new.txt").write_text("to be is not the end")
    with pytest.raises(InputError, match="'end', which is not in the alphabet"):
        read_rows(tmp_path / "new.txt", data.schema)
