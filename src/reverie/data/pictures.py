"""A folder of pictures, through Pillow."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.found import Found, why
from reverie.errors import InputError

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})


def read_folder(path: Path) -> Found:
    """The pictures of a folder in the order of their names, or of its folders, whose names are the classes.

    All have the same size. They are grey if all of them are, and RGB otherwise.
    """
    files = _pictures(path)
    classes: tuple[str, ...] | None = None
    labels: list[int] = []
    if not files:
        folders = sorted(p for p in path.iterdir() if p.is_dir() and _pictures(p))
        classes = tuple(folder.name for folder in folders)
        for code, folder in enumerate(folders):
            inside = _pictures(folder)
            files += inside
            labels += [code] * len(inside)
    if not files:
        raise InputError(f"the folder {str(path)!r} has no pictures ({', '.join(sorted(ENDINGS))})")
    return read_pictures(files, path.name, classes, labels)


def _pictures(path: Path) -> list[Path]:
    try:
        return sorted(p for p in path.iterdir() if p.is_file() and p.suffix.lower() in ENDINGS)
    except OSError as error:
        raise InputError(f"cannot read the folder {str(path)!r}: {error.strerror or error}") from error


def read_pictures(files: list[Path], name: str, classes: tuple[str, ...] | None, labels: list[int]) -> Found:
    """Pictures from their files."""
    arrays = [_read(file) for file in files]
    height, width = arrays[0].shape[:2]
    for file, array in zip(files, arrays, strict=True):
        if array.shape[:2] != (height, width):
            raise InputError(
                f"pictures must have the same size: {files[0].name} is {width} x {height}, {file.name} is "
                f"{array.shape[1]} x {array.shape[0]}"
            )
    colour = any(array.ndim == 3 for array in arrays)
    if colour:
        arrays = [a if a.ndim == 3 else np.repeat(a[:, :, None], 3, axis=2) for a in arrays]
    block = np.stack(arrays).reshape(len(arrays), -1)
    y = np.array(labels, np.int32) if classes else None
    return Found(name, block=block, image=(height, width, 3 if colour else 1), high=255.0, y=y, classes=classes)


def _read(file: Path) -> NDArray[Any]:
    try:
        from PIL import Image
    except ImportError as error:
        raise InputError("reading pictures needs Pillow: pip install pillow") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as picture:
                deep = picture.mode in ("I", "F", "I;16", "I;16B")
                grey = picture.mode in ("1", "L", "LA")
                pixels = np.asarray(picture.convert("L" if grey else "RGB"), np.uint8)
    except Exception as error:  # what a decoder raises on broken bytes is no closed list
        raise InputError(f"{str(file)!r} cannot be read as a picture: {why(error)}") from error
    if deep:
        raise InputError(f"{str(file)!r} has more than 8 bits a pixel: convert it to 8-bit grey or RGB")
    return pixels
