"""Data by name: what ships with scikit-learn, the toys, and files in the folder that REVERIE_DATA names."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from reverie.data import toys
from reverie.data.arrays import idx_array, joined, read_npz, shaped, with_labels
from reverie.data.found import Found, Values, why
from reverie.data.tables import read_text
from reverie.errors import InputError

SHIPPED = ("digits", "iris", "wine", "breast_cancer")


def digits() -> Found:
    """1,797 handwritten digits of 8 x 8 pixels 0..16. The test rows are 397 unless asked otherwise."""
    from sklearn.datasets import load_digits

    read = load_digits()
    found = shaped(read.images.astype(np.uint8), "digits")
    return replace(with_labels(found, read.target), high=16.0, test=397)


def shipped_table(name: str) -> Found:
    """Iris, wine or breast cancer: continuous columns, and a class."""
    from sklearn import datasets

    read = {
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast_cancer": datasets.load_breast_cancer,
    }[name]()
    columns = {
        str(column): Values(read.data[:, j], np.isnan(read.data[:, j])) for j, column in enumerate(read.feature_names)
    }
    classes = tuple(str(c) for c in read.target_names)
    return Found(name, columns=columns, named=True, y=read.target.astype(np.int32), classes=classes)


def toy(name: str, seed: int) -> Found:
    """2,000 points of a toy."""
    points, classes = toys.make(name, seed=seed)
    found = Found(name, block=points)
    return found if classes is None else with_labels(found, classes)


def folder(name: str) -> Path:
    """The folder that REVERIE_DATA names."""
    given = os.environ.get("REVERIE_DATA", "")
    if not given:
        raise InputError(f"{name!r} is read from a folder of data files: set REVERIE_DATA to that folder")
    path = Path(given)
    if not path.is_dir():
        raise InputError(f"{name!r} is read from the folder in REVERIE_DATA, but {given!r} is no folder")
    return path


def _one_of(name: str, *paths: str) -> Path:
    base = folder(name)
    for path in paths:
        if (base / path).is_file():
            return base / path
    raise InputError(f"{name!r} needs {paths[0]!r} in the folder of REVERIE_DATA ({str(base)!r}), which lacks it")


def mnist() -> Found:
    """MNIST from its four IDX files, with its own test rows."""
    parts, labels = {}, {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        stem = f"mnist/{prefix}-images-idx3-ubyte"
        parts[part] = idx_array(_one_of("mnist", f"{stem}.gz", stem))
        stem = f"mnist/{prefix}-labels-idx1-ubyte"
        labels[part] = idx_array(_one_of("mnist", f"{stem}.gz", stem))
    return joined(parts, labels, "mnist", high=255.0)


def binarized_mnist() -> Found:
    """The fixed binarisation of Larochelle & Murray (2011), bits packed by eight, with its own parts."""
    path = _one_of("binarized-mnist", "binarized_mnist.npz")
    packed = read_npz(path)
    if packed.block is None or packed.block.dtype != np.uint8 or packed.block.shape[1] != 98:
        raise InputError(f"{str(path)!r} must hold rows of 98 bytes, which are 784 bits")
    bits = np.unpackbits(packed.block, axis=1)[:, :784]
    return replace(packed, name="binarized-mnist", block=bits, image=(28, 28, 1))


def ptb() -> Found:
    """Penn Treebank in Mikolov's preparation, with its own parts, from ptb.zip or a folder ptb/."""
    base = folder("ptb")
    parts = ("train", "valid", "test")
    if (base / "ptb.zip").is_file():
        try:
            with zipfile.ZipFile(base / "ptb.zip") as archive:
                texts = tuple(archive.read(f"ptb/{part}.txt").decode("utf-8") for part in parts)
        except Exception as error:  # what a decoder raises on broken bytes is no closed list
            raise InputError(f"{str(base / 'ptb.zip')!r} cannot be read: {why(error)}") from error
        return Found("ptb", texts=texts)
    return Found("ptb", texts=tuple(read_text(_one_of("ptb", f"ptb/{p}.txt", f"ptb.{p}.txt")) for p in parts))


def tinyshakespeare() -> Found:
    """Karpathy's million characters of Shakespeare."""
    path = _one_of("tinyshakespeare", "tinyshakespeare.txt.gz", "tinyshakespeare.txt")
    return Found("tinyshakespeare", texts=(read_text(path),))


FROM_FOLDER: dict[str, Callable[[], Found]] = {
    "mnist": mnist,
    "binarized-mnist": binarized_mnist,
    "ptb": ptb,
    "tinyshakespeare": tinyshakespeare,
}
NAMES = (*SHIPPED, *toys.TOYS, *FROM_FOLDER)


def by_name(name: str, seed: int) -> Found | None:
    """The data of that name; None where there is none."""
    plain = name.lower().replace("_", "-").replace("binarised", "binarized")
    if plain == "digits":
        return digits()
    if plain.replace("-", "_") in SHIPPED:
        return shipped_table(plain.replace("-", "_"))
    if plain in toys.TOYS:
        return toy(plain, seed)
    return FROM_FOLDER[plain]() if plain in FROM_FOLDER else None
