"""Tables: CSV and TSV (plain or gzipped), Parquet, data frames and dicts of columns."""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reverie.data.found import MISSING, Found, Values, cells, column, is_number, why
from reverie.errors import InputError

DELIMITERS = ",;\t|"


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked if it is gzipped."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise InputError(f"{str(path)!r} is not a whole gzip file: {error}") from error
    if not content:
        raise InputError(f"{str(path)!r} is empty")
    return content


def read_text(path: Path) -> str:
    """The content of a UTF-8 file, unpacked if it is gzipped."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(f"{str(path)!r} is not UTF-8 (line {line}): save it as UTF-8") from error


def read_csv(path: Path) -> Found:
    """A table from delimited text.

    The delimiter is a tab for .tsv, and otherwise whichever of comma, semicolon, tab and bar the first line
    has most of. The first line is a header if none of its cells is a number and either some cell below one
    is, or none of its cells is seen again in its column. Blank lines and blanks around cells are ignored.
    """
    text = read_text(path)
    if "\0" in text:
        raise InputError(f"{str(path)!r} has zero bytes: it is not a table of text")
    start = next((line for line in text[:100_000].splitlines() if line.strip()), "")
    if not start:
        raise InputError(f"{str(path)!r} is empty")
    tab = path.name.lower().removesuffix(".gz").endswith(".tsv")
    delimiter = "\t" if tab else max(DELIMITERS, key=start.count)
    top = _rows(path, io.StringIO(text[:100_000]), delimiter, most=100)
    fast = None
    if len(top) > 2 and all(is_number(cell) for row in top[1:-1] for cell in row):
        fast = _all_numbers(text, delimiter, len(top[0]), skip=not all(is_number(cell) for cell in top[0]))
    if text.count('"') % 2:
        _refuse_open_quote(path, text, delimiter)
    rows = top if fast is not None else _rows(path, io.StringIO(text), delimiter)
    header = [cell.strip() for cell in rows[0]]
    named = _is_header(header, rows[1:])
    if named and len(rows) == 1:
        raise InputError(f"{str(path)!r} has a header and no rows")
    names = header if named else [f"x{j + 1}" for j in range(len(header))]
    _refuse_duplicates(names, str(path))
    if fast is not None:
        missing = np.isnan(fast)
        columns = {name: Values(fast[:, j], missing[:, j]) for j, name in enumerate(names)}
    else:
        columns = {name: cells(row[j] for row in rows[int(named) :]) for j, name in enumerate(names)}
    return Found(path.name, columns=columns, named=named)


def _rows(path: Path, stream: io.StringIO, delimiter: str, most: int = sys.maxsize) -> list[list[str]]:
    """The first rows, all of one length; the last of a stream that was cut short is not looked at."""
    rows: list[list[str]] = []
    reader = csv.reader(stream, delimiter=delimiter, skipinitialspace=True)
    try:
        for row in reader:
            if len(rows) == most:
                break
            if not row or (len(row) == 1 and not row[0].strip()):
                continue
            if rows and len(row) != len(rows[0]):
                if most != sys.maxsize:
                    break
                raise InputError(
                    f"{str(path)!r} is ragged: line {reader.line_num} has {len(row)} cells, "
                    f"the first has {len(rows[0])}"
                )
            rows.append(row)
    except csv.Error as error:
        if most != sys.maxsize:
            return rows
        raise InputError(f"{str(path)!r} cannot be read as a table (line {reader.line_num}): {error}") from error
    return rows


def _refuse_open_quote(path: Path, text: str, delimiter: str) -> None:
    """A quote that is opened and not closed would swallow the rest of the file in silence."""
    reader, line = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True, strict=True), 0
    try:
        for _ in reader:
            line = reader.line_num
    except csv.Error as error:
        if "end of data" in str(error):
            raise InputError(f"{str(path)!r} opens a quote in line {line + 1} that is never closed") from error


def _all_numbers(text: str, delimiter: str, width: int, *, skip: bool) -> np.ndarray | None:
    """A table of nothing but numbers, ten times as fast as cell by cell; None where it is something else."""
    body = text.lstrip().split("\n", 1)[1] if skip and "\n" in text.lstrip() else text
    try:
        read = np.loadtxt(io.StringIO(body), delimiter=delimiter, dtype=np.float64, comments=None, ndmin=2)
    except ValueError:
        return None
    return read if read.shape[1] == width else None


def _is_header(first: list[str], rows: list[list[str]]) -> bool:
    if any(is_number(cell) for cell in first) or all(cell.lower() in MISSING for cell in first):
        return False
    if not rows:
        return True
    below = rows[:100]
    if any(is_number(cell) for row in below for cell in row):
        return True
    return not any(row[j].strip() == cell for row in rows for j, cell in enumerate(first) if cell)


def _refuse_duplicates(names: list[str], what: str) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(
            f"{what} has {names.count(twice[0])} columns named {twice[0]!r}: every column needs its own name"
        )


def read_parquet(path: Path) -> Found:
    """A table from a Parquet file, through pyarrow."""
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError("reading Parquet needs pyarrow: pip install 'reverie[parquet]'") from error
    try:
        read = parquet.read_table(path)
        lists = [read.column(j).to_pylist() for j in range(read.num_columns)]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{str(path)!r} cannot be read as Parquet: {why(error)}") from error
    names = [str(name) for name in read.column_names]
    _refuse_duplicates(names, str(path))
    columns = {name: column(values, name) for name, values in zip(names, lists, strict=True)}
    return _from_columns(columns, path.name)


def is_frame(source: Any) -> bool:
    """Whether this is a data frame of pandas or polars, without importing either."""
    for library in ("pandas", "polars"):
        module = sys.modules.get(library)
        if module is not None and isinstance(source, module.DataFrame):
            return True
    return False


def from_frame(source: Any) -> Found:
    """A table from a data frame of pandas or polars; the index of a pandas frame is ignored."""
    names = [str(name) for name in source.columns]
    _refuse_duplicates(names, "the data frame")
    if len(source) == 0 or not names:
        raise InputError(f"the data frame has {len(source)} rows and {len(names)} columns")
    columns = {}
    for given, name in zip(source.columns, names, strict=True):
        values = source[given]
        columns[name] = column(_plain(values), name)
    return _from_columns(columns, "frame")


def _plain(series: Any) -> Any:
    array = series.to_numpy()
    return array if array.dtype.kind in "buifcmM" else series.to_list()


def from_mapping(source: Mapping[Any, Any]) -> Found:
    """A table from a dict of columns."""
    names = [str(name) for name in source]
    _refuse_duplicates(names, "the dict of columns")
    return _from_columns({str(name): column(values, str(name)) for name, values in source.items()}, "columns")


def _from_columns(columns: dict[str, Values], name: str) -> Found:
    if not columns:
        raise InputError(f"{name} has no columns")
    lengths = {key: len(values.values) for key, values in columns.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        raise InputError(f"column {short!r} has {lengths[short]} values and column {long!r} has {lengths[long]}")
    if next(iter(lengths.values())) == 0:
        raise InputError(f"{name} has no rows")
    return Found(name, columns=columns, named=True)


def codes_of(labels: Any, what: str = "the labels") -> tuple[np.ndarray, tuple[Any, ...]]:
    """Class codes and class names from labels: whole numbers or words."""
    values = labels if isinstance(labels, Values) else column(labels, "label")
    known = values.present
    if not len(known):
        raise InputError(f"{what} are all missing")
    if not values.words and np.any(known != np.floor(known)):
        raise InputError(f"{what} hold {known[known != np.floor(known)][0]:g}: labels must be whole numbers or words")
    levels = np.unique(known)
    codes = np.zeros(len(values.values), np.int32)
    codes[~values.missing] = np.searchsorted(levels, known)
    return codes, tuple(str(v) if values.words else int(v) for v in levels)
