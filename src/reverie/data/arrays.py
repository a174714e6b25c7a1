"""Arrays: .npy, .npz and IDX files, and arrays in Python. Nothing here unpickles."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reverie.data.found import Found, numbers, why
from reverie.data.tables import codes_of, read_bytes
from reverie.errors import InputError

DATA_KEYS = ("x", "X", "data", "images", "features")
LABEL_KEYS = ("y", "labels", "label", "target", "targets")
PART_KEYS = ("train", "valid", "test")
IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@runtime_checkable
class HasDlpack(Protocol):
    """An array of another library, such as a torch tensor."""

    def __dlpack__(self, *, stream: None = None) -> Any:
        """The array as a DLPack capsule."""

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """Where the array lives."""


@runtime_checkable
class HasArray(Protocol):
    """Anything that NumPy can turn into an array."""

    def __array__(self) -> NDArray[Any]:
        """The array."""


def to_numpy(source: Any, what: str = "the array") -> NDArray[Any]:
    """A NumPy array from an array of NumPy, of JAX, of torch, or from nested lists."""
    if isinstance(source, np.ma.MaskedArray):
        return np.where(np.ma.getmaskarray(source), np.nan, np.ma.getdata(source).astype(np.float64))
    if isinstance(source, np.ndarray):
        return source
    try:
        if isinstance(source, HasArray):
            return np.asarray(source)
        if isinstance(source, HasDlpack):
            return np.from_dlpack(source)
        return np.asarray(source)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        raise InputError(f"{what} cannot be turned into an array: {why(error)}") from error


def shaped(array: NDArray[Any], name: str) -> Found:
    """What an array holds: rows of columns, or pictures, which have two or three sides more than rows."""
    array = numbers(array, name)
    if array.ndim == 0:
        raise InputError(f"{name} is a single number, not an array of rows")
    if array.ndim == 1:
        array = array[:, None]
    if 0 in array.shape:
        raise InputError(f"{name} has the shape {array.shape}: it is empty")
    if array.ndim == 2:
        return Found(name, block=array)
    if array.ndim > 4 or (array.ndim == 4 and array.shape[3] not in (1, 2, 3, 4)):
        raise InputError(
            f"{name} has the shape {array.shape}: expected [rows, columns], [rows, height, width] or "
            "[rows, height, width, channels] with at most 4 channels"
        )
    height, width = array.shape[1:3]
    channels = array.shape[3] if array.ndim == 4 else 1
    return Found(name, block=array.reshape(len(array), -1), image=(height, width, channels))


def with_labels(found: Found, labels: Any) -> Found:
    """The rows with their labels."""
    codes, classes = codes_of(labels, f"the labels of {found.name}")
    if len(codes) != found.rows:
        raise InputError(f"{found.name} has {found.rows} rows and {len(codes)} labels")
    return replace(found, y=codes, classes=classes)


def read_npy(path: Path) -> Found:
    """One array from a .npy file."""
    return shaped(_load(path, read_bytes(path)), path.name)


def _load(path: Path, content: bytes) -> Any:
    if not content:
        raise InputError(f"{str(path)!r} is empty")
    try:
        return np.load(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # what a decoder raises on broken bytes is no closed list
        if "ickle" in str(error):
            raise InputError(f"{str(path)!r} holds Python objects or is no NumPy file: save plain numbers") from error
        raise InputError(f"{str(path)!r} is not a whole NumPy file: {why(error)}") from error


def read_npz(path: Path) -> Found:
    """Arrays from a .npz file: parts `train`, `valid`, `test`, or `x` with labels `y`, or a single array.

    Labels of the parts are looked for under train_label, valid_label, test_label.
    """
    loaded = _load(path, read_bytes(path))
    if not isinstance(loaded, Mapping):
        raise InputError(f"{str(path)!r} is not a .npz file: it holds a single array")
    arrays = {}
    for key in loaded:
        try:
            member = loaded[key]
            if isinstance(member, np.ndarray):
                arrays[key] = member
        except Exception as error:  # as above
            if key.removesuffix("_label") in (*PART_KEYS, *DATA_KEYS, *LABEL_KEYS) or len(loaded) == 1:
                what = "holds Python objects" if "ickle" in str(error) else "cannot be read"
                raise InputError(f"the array {key!r} of {str(path)!r} {what}") from error
    if "train" in arrays and "test" in arrays:
        return joined({part: arrays[part] for part in PART_KEYS if part in arrays}, _part_labels(arrays), path.name)
    key = next((k for k in DATA_KEYS if k in arrays), None)
    if key is None and len(arrays) == 1:
        key = next(iter(arrays))
    if key is None:
        have = ", ".join(map(repr, list(arrays)[:6])) or "none"
        raise InputError(f"{str(path)!r} has the arrays {have}: one of them must be 'x', or 'train' and 'test'")
    found = shaped(arrays[key], path.name)
    label = next((k for k in LABEL_KEYS if k in arrays), None)
    return found if label is None else with_labels(found, arrays[label])


def _part_labels(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]] | None:
    labels = {part: arrays[f"{part}_label"] for part in PART_KEYS if f"{part}_label" in arrays}
    return labels if labels and all((p in labels) == (p in arrays) for p in PART_KEYS) else None


def joined(
    parts: Mapping[str, NDArray[Any]],
    labels: Mapping[str, NDArray[Any]] | None,
    name: str,
    high: float | None = None,
) -> Found:
    """Parts that the source split itself, laid end to end: train, valid (there may be none), test."""
    shapes = {array.shape[1:] for array in parts.values()}
    if len(shapes) > 1:
        raise InputError(f"the parts of {name} have rows of different shapes: {', '.join(map(str, sorted(shapes)))}")
    found = shaped(np.concatenate([numbers(a, name) for a in parts.values()]), name)
    counts = tuple(len(parts[part]) if part in parts else 0 for part in PART_KEYS)
    found = replace(found, parts=counts, high=high)
    return found if labels is None else with_labels(found, np.concatenate([labels[p] for p in parts]))


def read_idx(path: Path) -> Found:
    """One array from an IDX file, such as those of MNIST."""
    return shaped(idx_array(path), path.name)


def idx_array(path: Path) -> NDArray[Any]:
    """The array in an IDX file: two zero bytes, the type, the number of sides, the sides, the values."""
    content = read_bytes(path)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES or content[3] == 0:
        raise InputError(f"{str(path)!r} is not an IDX file: it begins with {content[:4].hex(' ')}")
    kind, sides = np.dtype(IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * sides
    if len(content) < start:
        raise InputError(f"{str(path)!r} is cut short within its header")
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", sides, 4))
    wanted = start + kind.itemsize * int(np.prod(shape, dtype=object))
    if len(content) != wanted:
        raise InputError(f"{str(path)!r} has {len(content)} bytes; its header promises {wanted}")
    return np.frombuffer(content, kind, offset=start).reshape(shape).astype(kind.newbyteorder("="))
