"""Data that are wrong: tables, arrays, pictures, text, and names that mean nothing."""

import gzip
import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.cli.cases import GOOD, NUMBERS, TEXT, Case, fits, folder_of


def npy(array: Any, **changes: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **changes)
    return stream.getvalue()


def npy_of(header: str, data: bytes = b"", version: tuple[int, int] = (1, 0)) -> bytes:
    """A .npy file with a header of our own."""
    line = header.encode()
    line += b" " * (-(10 + len(line) + 1) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H", len(line)) + line + data


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def zipped(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def idx(shape: tuple[int, ...], data: bytes, kind: int = 8) -> bytes:
    return bytes([0, 0, kind, len(shape)]) + b"".join(struct.pack(">I", side) for side in shape) + data


def png(width: int = 8, height: int = 8) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (width, height), 7).save(stream, "PNG")
    return stream.getvalue()


def tables() -> Iterator[Case]:
    """CSV and TSV."""
    lines = GOOD.splitlines(keepends=True)
    bad = {
        "empty": "",
        "only-newlines": "\n\n\n",
        "only-spaces": "   \n  \n",
        "header-only": "a,b,c\n",
        "one-row": "a,b\n1,2\n",
        "row-too-long": "".join(lines[:9]) + "1,0,1,1\n" + "".join(lines[9:]),
        "row-too-short": "".join(lines[:9]) + "1,0\n" + "".join(lines[9:]),
        "nan": NUMBERS + "nan,1,2\n",
        "missing-cell": NUMBERS + ",1,2\n",
        "infinite": NUMBERS + "inf,1,2\n",
        "minus-infinite": NUMBERS + "-inf,1,2\n",
        "overflow": NUMBERS + "1e999,1,2\n",
        "huge": NUMBERS + "1e300,1,2\n",
        "text-in-numbers": NUMBERS + "hello,1,2\n",
        "constant": "a,b\n" + "3,4\n" * 30,
        "one-constant-column": "a\n" + "3\n" * 30,
        "duplicate-headers": GOOD.replace("a,b,c", "a,b,a", 1),
        "nul-byte": GOOD + "0,\0,1\n",
        "open-quote": GOOD + '"0,1,1\n0,1,1\n',
        "all-missing": "a,b\n" + ",\n" * 20,
        "one-column-missing": "a,b\n" + "".join(f",{i % 2}\n" for i in range(20)),
        "identifiers": "id\n" + "".join(f"person-{i}\n" for i in range(500)),
    }
    for name, content in bad.items():
        yield fits(f"csv-{name}", "t.csv", content)
    latin = b"name,b\n" + "caf\xe9,1\nth\xe9,0\n".encode("latin-1") * 9
    yield fits("csv-latin-1", "t.csv", latin)
    yield Case("csv-not-utf-8", ("fit", "t.csv"), {"t.csv": b"a,b\n\xff\xfe\xfa,1\n" * 5})
    yield Case("csv-utf-16", ("fit", "t.csv"), {"t.csv": GOOD.encode("utf-16")})
    yield Case("csv-binary", ("fit", "t.csv"), {"t.csv": bytes(range(256)) * 4})
    yield fits("tsv-empty", "t.tsv", "")
    yield fits("tsv-ragged", "t.tsv", "a\tb\n1\t2\n1\n2\t3\n")
    packed = gzip.compress(GOOD.encode())
    yield fits("gzip-truncated", "t.csv.gz", packed[: len(packed) // 2])
    yield fits("gzip-not", "t.csv.gz", GOOD)
    yield fits("gzip-empty", "t.csv.gz", b"")
    yield fits("gzip-broken", "t.csv.gz", packed[:20] + bytes(9) + packed[29:])
    yield fits("gzip-of-nothing", "t.csv.gz", gzip.compress(b""))
    yield fits("parquet-empty", "t.parquet", b"")
    yield fits("parquet-garbage", "t.parquet", b"PAR1" + bytes(100) + b"PAR1")
    yield fits("parquet-gzipped", "t.parquet.gz", packed)
    yield fits("label-unknown", "t.csv", GOOD, "--label", "zebra")
    yield fits("label-is-all", "t.csv", "a\n" + "1\n0\n" * 9, "--label", "a")


def arrays() -> Iterator[Case]:
    """NumPy and IDX files."""
    good = npy(np.arange(60.0).reshape(20, 3))
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (20, 3), }"
    bad: dict[str, bytes] = {
        "empty": b"",
        "wrong-magic": b"\x93NUMPZ" + good[6:],
        "header-truncated": good[:40],
        "data-truncated": good[:-17],
        "version": npy_of(header, bytes(480), (9, 0)),
        "objects": npy(np.array([[1, "a"], [2, None]], object), allow_pickle=True),
        "code-in-header": npy_of("{'descr': __import__('os').system('echo ran'), 'shape': (2,)}"),
        "header-no-shape": npy_of("{'descr': '<f8', 'fortran_order': False}"),
        "negative-shape": npy_of(header.replace("20", "-20"), bytes(480)),
        "enormous-shape": npy_of(header.replace("20", "99999999999999"), bytes(480)),
        "structured": npy(np.zeros(9, [("a", "f4"), ("b", "i4")])),
        "complex": npy(np.ones((9, 2), complex)),
        "dates": npy(np.zeros((9, 2), "datetime64[D]")),
        "words": npy(np.array([["a", "b"]] * 9)),
        "scalar": npy(np.array(3.0)),
        "no-rows": npy(np.zeros((0, 3))),
        "no-columns": npy(np.zeros((9, 0))),
        "one-row": npy(np.zeros((1, 3))),
        "nan": npy(np.full((9, 2), np.nan)),
        "infinite": npy(np.array([[1.0, np.inf]] * 9)),
        "constant": npy(np.ones((9, 2))),
        "huge": npy(np.array([[1e300, 1.0], [2.0, 3.0]] * 9)),
        "deep": npy(np.zeros((4, 2, 2, 2, 2))),
    }
    for name, content in bad.items():
        yield fits(f"npy-{name}", "a.npy", content)
    yield fits("npy-gzipped", "a.npy.gz", gzip.compress(good))
    packed = npz(x=np.arange(60.0).reshape(20, 3))
    archives: dict[str, bytes] = {
        "empty": b"",
        "not-a-zip": b"PK\3\4 and then nothing of the kind",
        "truncated": packed[:-40],
        "no-arrays": zipped(),
        "other-files": zipped(readme=b"hello"),
        "objects": npz(x=np.array([{}, {}], object)),
        "labels-of-other-length": npz(x=np.zeros((9, 2)), y=np.zeros(5, int)),
        "no-rows": npz(x=np.zeros((0, 3))),
        "arrays-disagree": npz(a=np.zeros(9), b=np.zeros(5)),
        "labels-nan": npz(x=np.eye(9), y=np.full(9, np.nan)),
        "labels-deep": npz(x=np.eye(9), y=np.zeros((9, 2, 2))),
    }
    for name, content in archives.items():
        yield fits(f"npz-{name}", "a.npz", content)
    pictures: dict[str, bytes] = {
        "empty": b"",
        "wrong-magic": b"\1\2\x08\3" + bytes(100),
        "unknown-kind": idx((4, 2, 2), bytes(16), kind=0x44),
        "header-truncated": idx((4, 2, 2), b"")[:9],
        "data-truncated": idx((40, 2, 2), bytes(20)),
        "data-left-over": idx((4, 2, 2), bytes(50)),
        "no-rows": idx((0, 2, 2), b""),
        "no-pixels": idx((9, 0, 2), b""),
        "enormous": idx((2**31, 2**31, 9), bytes(64)),
        "no-dimensions": bytes([0, 0, 8, 0, 3]),
        "constant": idx((9, 2, 2), bytes(36)),
    }
    for name, content in pictures.items():
        yield fits(f"idx-{name}", "train-images-idx3-ubyte", content)
    whole = gzip.compress(idx((9, 2, 2), bytes(range(36))))
    yield fits("idx-gzip-truncated", "images-idx3-ubyte.gz", whole[:25])


def places() -> Iterator[Case]:
    """Names, paths, folders of pictures, and text."""
    unread = ("zebra", "digit", "", "no-such.csv", "some.xyz", "/", "/dev/null", "x" * 5000, "nul\0byte.csv", "~", ".")
    for place, name in enumerate(unread):
        yield Case(f"source-{place}-{name[:12].encode('unicode_escape').decode()}", ("fit", name), {"some.xyz": "1,2"})
    yield Case("source-surrogate", ("fit", "\udcff.csv"))
    yield Case("source-is-a-folder", ("fit", "d.csv"), set_up=lambda at: (at / "d.csv").mkdir())
    yield Case("source-dangling", ("fit", "l.csv"), set_up=lambda at: (at / "l.csv").symlink_to("gone"))
    for name in ("mnist", "binarized-mnist", "ptb", "tinyshakespeare"):
        yield Case(f"{name}-nowhere", ("fit", name), environment={"REVERIE_DATA": ""})
        yield Case(f"{name}-not-there", ("fit", name), environment={"REVERIE_DATA": "."})
    yield Case("mnist-no-folder", ("fit", "mnist"), environment={"REVERIE_DATA": "gone"})
    here = {"REVERIE_DATA": "."}
    yield Case("shakespeare-broken", ("fit", "tinyshakespeare"), {"tinyshakespeare.txt.gz": b"no"}, environment=here)
    yield Case("ptb-broken", ("fit", "ptb"), {"ptb.zip": b"no"}, environment=here)
    whole = png()
    folders: dict[str, dict[str, bytes]] = {
        "empty": {},
        "no-pictures": {"a.md": b"hello"},
        "garbage": {"a.png": b"not a picture", "b.png": whole},
        "zero-bytes": {"a.png": b"", "b.png": whole},
        "truncated": {"a.png": whole[:40], "b.png": whole},
        "sizes": {"a.png": whole, "b.png": png(9, 8), "c.png": whole},
        "one": {"a.png": whole},
        "all-equal": {"a.png": whole, "b.png": whole, "c.png": whole, "d.png": whole},
        "not-the-kind": {"a.jpg": b"GIF89a", "b.jpg": whole},
    }
    for name, files in folders.items():
        yield Case(f"pictures-{name}", ("fit", "p"), set_up=folder_of(files))
    texts = {"empty": "", "one-letter": "a" * 900, "short": "abc", "spaces": " \n" * 2}
    for name, text in texts.items():
        yield fits(f"text-{name}", "t.txt", text)
    yield Case("text-not-utf-8", ("fit", "t.txt"), {"t.txt": b"\xff\xfe\xfa" * 99})
    for length in ("0", "-1", "100000", "x", "1.5"):
        yield fits(f"text-length-{length}", "t.txt", TEXT, "--length", length)
    yield fits("text-tokens", "t.txt", TEXT, "--tokens", "syllables")


def all_cases() -> Iterator[Case]:
    """All of these."""
    yield from tables()
    yield from arrays()
    yield from places()
