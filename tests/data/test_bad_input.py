"""What a user can get wrong: each is an `InputError` of one line that says what it is."""

import gzip
import struct
from typing import Any

import numpy as np
import pandas
import pytest
from PIL import Image

from reverie.data import load, read_rows
from reverie.errors import InputError

NUMBERS = b"a,b\n" + b"1.5,2.5\n3.5,0.25\n" * 6

FILES = {
    "empty.csv": (b"", "is empty"),
    "blank.csv": (b"\n\n  \n", "is empty"),
    "header.csv": (b"a,b\n", "header and no rows"),
    "ragged.csv": (b"a,b\n1,2\n3\n", "ragged: line 3 has 1 cells"),
    "wide.csv": (b"a,b\n1,2\n3,4,5\n", "ragged: line 3 has 3 cells"),
    "inf.csv": (NUMBERS + b"inf,1.5\n", "'a' has 1 infinite value"),
    "nan.csv": (NUMBERS + b"nan,1.5\n", "missing values: 'a' (1); use missing='drop'"),
    "huge.csv": (NUMBERS + b"1e39,1.5\n", "beyond the range of float32"),
    "huger.csv": (NUMBERS + b"1e400,1.5\n", "infinite"),
    "twice.csv": (b"a,a\n1.5,2.5\n2.5,3.5\n", "2 columns named 'a'"),
    "latin.csv": ("a,b\nÄ,1\n".encode("latin-1"), "not UTF-8 (line 2)"),
    "utf16.csv": ("a,b\n1,2\n".encode("utf-16"), "not UTF-8"),
    "zeros.csv": (b"a,b\n1,\x002\n", "zero bytes"),
    "quote.csv": (b'a,b\n1,"2\n', "opens a quote in line 2"),
    "one.csv": (b"a,b\n1,2\n", "constant"),
    "constant.csv": (b"a,b\n" + b"1,2\n" * 9, "every column of constant.csv is constant"),
    "unknown.csv": (b"a,b\n" + b"1.5,\n2.5,\n" * 5, "column 'b' has no values"),
    "mixture.csv": (b"a\n" + b"".join(b"%d.5\n" % i for i in range(40)) + b"oops\n", "has 'oops' in row 41"),
    "names.csv": (b"who,x\n" + b"".join(b"p%d,%d.5\n" % (i, i) for i in range(60)), "'who' has 60 different words"),
    "cut.csv.gz": (gzip.compress(NUMBERS * 50)[:-20], "not a whole gzip file"),
    "plain.csv.gz": (NUMBERS, "not a whole gzip file"),
    "empty.npy": (b"", "is empty"),
    "text.npy": (b"hello", "no NumPy file"),
    "cut.npy": (b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }\n", "not a whole"),
    "text.npz": (b"PK\x03\x04 nothing", "not a whole NumPy file"),
    "magic-idx3-ubyte": (b"\x89PNG" + b"\0" * 20, "not an IDX file: it begins with 89 50 4e 47"),
    "type-idx3-ubyte": (b"\0\0\x07\x01\0\0\0\x01\0", "not an IDX file"),
    "header-idx3-ubyte": (b"\0\0\x08\x03\0\0\0\x02", "cut short within its header"),
    "short-idx3-ubyte": (struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 2) + b"\0" * 7, "its header promises 24"),
    "vast-idx3-ubyte": (struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3) + b"\0", "its header promises"),
    "none-idx3-ubyte": (struct.pack(">4B3I", 0, 0, 8, 3, 0, 2, 2), "it is empty"),
    "text.parquet": (b"hello", "cannot be read as Parquet"),
    "cut.parquet": (b"PAR1" + b"\0" * 40 + b"PAR1", "cannot be read as Parquet"),
    "data.xlsx": (b"PK", "unknown ending '.xlsx'"),
    "data": (b"1,2\n", "unknown ending ''"),
    "x.npy.gz": (gzip.compress(b"x"), "unpack it first"),
    "text.png": (b"hello", "cannot be read as a picture"),
    "empty.txt": (b"", "is empty"),
    "same.txt": (b"aaaaaa" * 50, "fewer than two different"),
    "short.txt": (b"abcab", "shorter than one window"),
    "one.txt": (b"abcdefgh" * 4, "1 row"),
    "latin.txt": (b"\xe4" * 400, "not UTF-8"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_is_refused(name, tmp_path):
    content, message = FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def saved(save):
    def write(folder):
        save(folder / "x.npz")
        return folder / "x.npz"

    return write


def pictures(*sizes, mode="L"):
    def write(folder):
        for i, size in enumerate(sizes):
            Image.new(mode, size).save(folder / f"{i}.tif")
        return folder

    return write


def directory(name):
    def write(folder):
        (folder / name).mkdir()
        return folder / name

    return write


RANDOM = np.random.default_rng(0).normal(size=(12, 3))
PLACES = {
    "no such file": (lambda folder: folder / "none.csv", "there is no file"),
    "a name too long": (lambda folder: "x" * 5000, "cannot read"),
    "folder as file": (directory("t.csv"), "folder where a file is expected"),
    "empty folder": (directory("pictures"), "has no pictures"),
    "sizes": (pictures((3, 3), (3, 4)), "same size: 0.tif is 3 x 3, 1.tif is 3 x 4"),
    "deep pixels": (pictures((3, 3), (3, 3), mode="I;16"), "more than 8 bits"),
    "all black": (pictures((3, 3), (3, 3), (3, 3)), "every value"),
    "keys": (saved(lambda p: np.savez(p, a=RANDOM, b=RANDOM)), "one of them must be 'x'"),
    "no keys": (saved(lambda p: np.savez(p)), "has the arrays none"),
    "objects": (saved(lambda p: np.savez(p, x=np.array([{}, []], object))), "holds Python objects"),
    "labels": (saved(lambda p: np.savez(p, x=RANDOM, y=np.zeros(5))), "12 rows and 5 labels"),
    "real labels": (saved(lambda p: np.savez(p, x=RANDOM, y=RANDOM[:, 0])), "labels must be whole numbers"),
    "parts": (saved(lambda p: np.savez(p, train=RANDOM, test=RANDOM[:, :2])), "different shapes"),
}


@pytest.mark.parametrize("name", PLACES)
def test_a_bad_place_is_refused(name, tmp_path):
    make, message = PLACES[name]
    with pytest.raises(InputError) as caught:
        load(make(tmp_path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def spoilt(value):
    table = RANDOM.copy()
    table[4, 1] = value
    return table


OBJECTS = {
    "object array": (np.array([[1, "a"], [2, None]], object), "array of Python objects"),
    "complex": (RANDOM + 1j, "complex"),
    "strings": (np.array([["a", "b"], ["c", "d"]]), "array of strings"),
    "dates": (np.array([["2020-01-01"], ["2021-01-01"]], "datetime64[D]"), "dates"),
    "records": (np.zeros(4, [("a", "f4")]), "real numbers"),
    "single": (np.array(3.0), "single number"),
    "no rows": (np.zeros((0, 3)), "is empty"),
    "no columns": (np.zeros((3, 0)), "is empty"),
    "five sides": (np.zeros((2, 2, 2, 2, 2)), "expected [rows, columns]"),
    "many channels": (np.zeros((2, 4, 4, 7)), "at most 4 channels"),
    "one row": (np.array([[1.5, 2.5]]), "constant"),
    "one picture": (np.arange(9.0).reshape(1, 3, 3), "has 1 row"),
    "constant": (np.ones((9, 2)), "constant"),
    "constant pixels": (np.ones((9, 2, 2)), "nothing to learn"),
    "nan": (spoilt(np.nan), "has missing values: 1; use"),
    "all nan": (np.full((9, 2), np.nan), "no values"),
    "nan pixels": (np.full((9, 2, 2), np.nan), "missing"),
    "inf": (spoilt(-np.inf), "infinite"),
    "huge": (spoilt(1e200), "float32"),
    "huge pixels": (np.stack([np.eye(2), np.eye(2) * 1e300]), "float32"),
    "no columns in a dict": ({}, "no columns"),
    "lengths": ({"a": [1, 2, 3], "b": [1, 2]}, "column 'b' has 2 values and column 'a' has 3"),
    "deep column": ({"a": [[1, 2], [3, 4]]}, "2 dimensions"),
    "ragged column": ({"a": [[1, 2], [3]]}, "no list of numbers"),
    "objects in a column": ({"a": [1, object()]}, "values of type object"),
    "complex column": ({"a": [1j, 2j]}, "complex"),
    "empty columns": ({"a": []}, "no rows"),
    "ragged lists": ([[1, 2], [3]], "cannot be turned into an array"),
    "triple": ((RANDOM, RANDOM, RANDOM), "(x, y)"),
    "label lengths": ((RANDOM, [1, 2]), "12 rows and 2 labels"),
    "no frame": (pandas.DataFrame(), "0 rows"),
    "twice": (pandas.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]), "2 columns named 'a'"),
    "dates in a frame": (pandas.DataFrame({"d": pandas.date_range("2020", periods=9)}), "dates"),
    "nothing": (None, "no source of data"),
    "number": (7, "no source of data"),
    "bytes": (b"digits", "no source of data"),
    "unknown name": ("no-such-data", "no data is called"),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_a_bad_object_is_refused(name):
    source, message = OBJECTS[name]
    with pytest.raises(InputError) as caught:
        load(source)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "negative test": ({"test": -5}, "must not be negative"),
    "negative valid": ({"valid": -0.1}, "must not be negative"),
    "all of it": ({"valid": 0.5, "test": 0.5}, "add up to less than 1"),
    "fraction one": ({"test": 1.0}, "fraction below 1"),
    "half a row": ({"test": 2.5}, "fraction below 1"),
    "too many": ({"test": 150}, "leave some to train on"),
    "nan": ({"test": float("nan")}, "fraction below 1"),
    "word": ({"valid": "few"}, "fraction below 1"),
    "seed": ({"seed": -1}, "seed"),
    "real seed": ({"seed": 0.5}, "seed"),
    "measure": ({"measure": "wavelet"}, "unknown measure 'wavelet'"),
    "chain": ({"measure": "standardise+binarise"}, "cannot follow"),
    "binarise reals": ({"measure": "binarise"}, "does not suit"),
    "dequantise reals": ({"measure": "dequantise"}, "does not suit"),
    "one-hot reals": ({"measure": "one-hot"}, "does not suit"),
    "logit of large": ({"measure": "logit"}, "between 0 and 1"),
    "contradiction": ({"measure": "logit", "binarize": True}, "contradict"),
    "label": ({"label": "species"}, "no column 'species'"),
    "missing": ({"missing": "guess"}, "missing may be"),
    "schema field": ({"schema": {"colour": 1}}, "unknown field"),
    "schema columns": ({"schema": {"columns": [{"name": "a", "kind": "binary"}]}}, "lacks the column 'a'"),
    "schema text": ({"schema": {"text": {"alphabet": ["a"], "length": 3}}}, "is not text"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_bad_option_is_refused(name):
    options, message = OPTIONS[name]
    with pytest.raises(InputError) as caught:
        load("iris", **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bad_options_of_text_and_labels(tmp_path):
    (tmp_path / "t.txt").write_text("abcdef" * 50)
    for options in ({"length": 0}, {"tokens": "syllables"}, {"measure": "binarise"}, {"label": "x1"}):
        with pytest.raises(InputError):
            load(tmp_path / "t.txt", **options)
    with pytest.raises(InputError, match="only column"):
        load({"a": [1, 2] * 5}, label="a")
    with pytest.raises(InputError, match="none of the 2 known classes"):
        read_rows((RANDOM, ["u"] * 12), load((RANDOM, ["v", "w"] * 6)).schema)


def test_nothing_is_unpickled(tmp_path):
    import pickle

    class Trap:
        def __reduce__(self):
            return (open, (str(tmp_path / "sprung"), "w"))

    (tmp_path / "x.npy").write_bytes(pickle.dumps(Trap()))
    np.savez(tmp_path / "x.npz", x=np.array([Trap()], object))
    for name in ("x.npy", "x.npz"):
        with pytest.raises(InputError):
            load(tmp_path / name)
    assert not (tmp_path / "sprung").exists()
