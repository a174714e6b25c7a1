"""Samples as files: `.npy`, `.npz`, `.csv`, `.png` or `.txt`, by the ending of the name."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reverie.data import Schema, Spec
from reverie.errors import InputError
from reverie.runs.files import write_whole

SIDE = 460
"""Width of a scatter in layout pixels."""
WIDEST = 1200
"""Width of a grid of pictures in layout pixels, about."""


def check_writable(path: str | Path, schema: Schema) -> None:
    """Refuse a name whose ending says nothing, or a place that cannot be written, before anything is drawn."""
    path = Path(path)
    ending = path.suffix.lower()
    if ending not in WRITERS:
        raise InputError(f"samples are written as {', '.join(WRITERS)}, and {path.name!r} ends in none of these")
    if ending == ".npy" and len(schema.groups) > 1:
        raise InputError("a .npy file holds one kind of column and these are mixed: write .npz or .csv")
    if ending == ".png" and _picture(schema) is None:
        raise InputError("a .png shows pictures, or points of a plane, and these rows are neither: write .csv")
    _check_place(path)


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder where a file is to be written")
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent} to write {path.name} in")


def check_codes_writable(path: str | Path, blocks: int) -> None:
    """The same for codes of so many blocks."""
    path = Path(path)
    if path.suffix.lower() not in (".npy", ".npz"):
        raise InputError(f"codes are written as .npy or .npz, and {path.name!r} ends in neither")
    if path.suffix.lower() == ".npy" and blocks > 1:
        raise InputError(f"a .npy file holds one block of codes and these are {blocks}: write .npz")
    _check_place(path)


def write_codes(path: str | Path, blocks: Sequence[np.ndarray]) -> None:
    """Write codes: `.npy` for one block, `.npz` with the arrays h1, h2, … for any number of them."""
    check_codes_writable(path, len(blocks))
    named = {f"h{place}": block for place, block in enumerate(blocks, 1)}
    single = Path(path).suffix.lower() == ".npy"
    content = _bytes(np.save, blocks[0], allow_pickle=False) if single else _bytes(np.savez_compressed, **named)
    try:
        write_whole(Path(path), content)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None


def codes_csv(blocks: Sequence[np.ndarray]) -> str:
    """Codes as CSV, a column for each latent variable of each block."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([f"h{place}.{i + 1}" for place, block in enumerate(blocks, 1) for i in range(block.shape[1])])
    rows = zip(*(block.astype(int) if block.dtype == np.bool_ else block for block in blocks), strict=True)
    writer.writerows([_plain(value) for block in row for value in block.tolist()] for row in rows)
    return stream.getvalue()


def write_samples(path: str | Path, raw: Any, schema: Schema, spec: Spec) -> None:
    """Write raw rows, in the format that the ending says.

    `.npy` and `.npz` hold numbers: categories and bits as their codes, pictures as [n, height, width] or, where there
    are colours, [n, height, width, channels]; the `.npz` of a mixed table holds one array a column. `.csv` and `.txt`
    name columns and categories; text is one sample a line in `.txt`, with ⏎ where a line of its own ends.

    Args:
        path: the file; one that is there is replaced.
        raw: what `Run.sample` gives.
        schema: what the columns are.
        spec: what the model sees of them.
    """
    check_writable(path, schema)
    try:
        write_whole(Path(path), WRITERS[Path(path).suffix.lower()](raw, schema, spec))
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from None


def csv_text(raw: Any, schema: Schema, between: str = ",") -> str:
    """Rows as CSV with a header, in the source's words and units."""
    frame = schema.frame(raw)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=between, lineterminator="\n")
    writer.writerow(frame)
    writer.writerows(zip(*(map(_plain, values) for values in frame.values()), strict=True))
    return stream.getvalue()


def lines_text(raw: Any, schema: Schema) -> str:
    """Text as one sample a line; a table as columns between tabs."""
    if schema.text is None:
        return csv_text(raw, schema, between="\t")
    return "".join(sample.replace("\n", "⏎") + "\n" for sample in schema.frame(raw)["text"])


def _plain(value: Any) -> Any:
    """A number with the digits that a 32-bit float has, without the noise of 64."""
    return f"{value:.7g}" if isinstance(value, float) else value


def _shaped(raw: Any, schema: Schema) -> np.ndarray:
    array = np.asarray(raw)
    if schema.image is None:
        return array
    height, width, channels = schema.image
    return array.reshape(len(array), height, width, *([channels] if channels > 1 else []))


def _bytes(save: Callable[..., None], *arrays: Any, **named: Any) -> bytes:
    stream = io.BytesIO()
    save(stream, *arrays, **named)
    return stream.getvalue()


def _npy(raw: Any, schema: Schema, spec: Spec) -> bytes:
    return _bytes(np.save, _shaped(raw, schema), allow_pickle=False)


def _npz(raw: Any, schema: Schema, spec: Spec) -> bytes:
    if isinstance(raw, Mapping):
        columns = {name: np.asarray(values) for name, values in schema.frame(raw).items()}
        return _bytes(np.savez_compressed, **columns)
    return _bytes(np.savez_compressed, x=_shaped(raw, schema))


def _csv(raw: Any, schema: Schema, spec: Spec) -> bytes:
    return csv_text(raw, schema).encode()


def _txt(raw: Any, schema: Schema, spec: Spec) -> bytes:
    return lines_text(raw, schema).encode()


def _picture(schema: Schema) -> Callable[[Any, Schema, Spec], bytes] | None:
    """What draws rows of this schema, if anything does."""
    if schema.image is not None:
        return _grid
    places = {kind: len(columns) for kind, columns in schema.groups.items()}
    return _scatter if places == {"continuous": 2} else None


def _png(raw: Any, schema: Schema, spec: Spec) -> bytes:
    draw = _picture(schema)
    assert draw is not None, "check_writable has refused these"
    return draw(raw, schema, spec)


def _grid(raw: Any, schema: Schema, spec: Spec) -> bytes:
    from reverie.runs.pictures.canvas import SHARP, Canvas, styled
    from reverie.runs.pictures.samples import scale_of, tile
    from reverie.runs.pictures.views import images_of

    assert schema.image is not None
    height, width, _ = schema.image
    high = 1.0 if spec.kind == "binary" else float(schema.columns[0].high or 1)
    low = 0.0 if spec.kind == "binary" else min(0.0, float(schema.columns[0].low or 0))
    pictures, scale, gap = images_of(schema, raw, low, high), scale_of(height, width), 5
    most = max(1, (WIDEST - gap) // (width * scale + gap))
    columns = min(most, max(1, round(np.sqrt(len(pictures) * height / width))))
    rows = -(-len(pictures) // columns)
    with styled():
        canvas = Canvas(columns * (width * scale + gap) + gap, rows * (height * scale + gap) + gap)
        canvas.pixels(0, 0, tile(pictures, columns, rows, SHARP * scale, SHARP * gap))
        return canvas.png()


def _scatter(raw: Any, schema: Schema, spec: Spec) -> bytes:
    from reverie.runs.pictures.canvas import MODEL, Canvas, styled
    from reverie.runs.pictures.samples import frame_of, shape_of
    from reverie.runs.pictures.views import block_of, columns_of

    points = block_of(raw)
    frame = frame_of(points)
    tall = SIDE * shape_of(frame)
    with styled():
        canvas = Canvas(SIDE + 80, round(tall) + 70)
        axes = canvas.axes(60, 20, SIDE, tall)
        axes.scatter(points[:, 0], points[:, 1], s=np.clip(2500 / len(points), 2, 12), color=MODEL, linewidths=0)
        axes.set_xlim(frame[0], frame[1])
        axes.set_ylim(frame[2], frame[3])
        x, y = (column.name for column in columns_of(schema, raw))
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        return canvas.png()


WRITERS: dict[str, Callable[[Any, Schema, Spec], bytes]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".csv": _csv,
    ".png": _png,
    ".txt": _txt,
}
