"""Samples in files: read again, they are what was written; what cannot be written is refused before."""

import numpy as np
import pytest

from reverie.data import Column, Leaf, Schema, Spec, Text, load, read_rows
from reverie.errors import InputError
from reverie.runs.writing import check_writable, codes_csv, write_codes, write_samples

PICTURES = Schema((Column("pixel", "integer", high=16.0),), image=(2, 3, 1))
COLOURS = Schema((Column("pixel", "integer", high=255.0),), image=(2, 2, 3))
PLANE = Schema((Column("x", "continuous"), Column("y", "continuous")))
MIXED = Schema(
    (
        Column("colour", "categorical", levels=("red", "green", "blue")),
        Column("left", "constant", levels=(7,)),
        Column("size", "continuous"),
        Column("alive", "binary", levels=("no", "yes")),
    )
)
WORDS = Schema(text=Text(("a", "\n", "é"), 4))


def spec_of(kind, size):
    return Spec({kind: Leaf(kind, size)})


@pytest.fixture
def mixed(rng):
    return {
        "binary": rng.integers(0, 2, (9, 1)).astype(np.uint8),
        "categorical": rng.integers(0, 3, (9, 1)).astype(np.int32),
        "continuous": rng.normal(size=(9, 1)).astype(np.float32),
    }


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv"])
def test_numbers_are_read_again_as_they_were(ending, tmp_path, rng):
    raw = rng.normal(size=(50, 2)).astype(np.float32)
    path = tmp_path / f"s{ending}"
    write_samples(path, raw, PLANE, spec_of("continuous", 2))
    known = PLANE if ending == ".csv" else load(raw).schema
    np.testing.assert_allclose(read_rows(path, known).raw, raw, rtol=1e-6)


def test_a_mixed_table_keeps_its_words_and_its_order(tmp_path, mixed):
    path = tmp_path / "s.csv"
    write_samples(path, mixed, MIXED, spec_of("binary", 1))
    header, first, *_ = path.read_text().splitlines()
    assert header == "colour,left,size,alive"
    colour = MIXED.columns[0].levels[mixed["categorical"][0, 0]]
    assert first.startswith(f"{colour},7,")
    again = read_rows(path, MIXED).raw
    assert set(again) == set(mixed)
    for kind, block in mixed.items():
        np.testing.assert_allclose(again[kind], block, rtol=1e-6)


def test_a_mixed_table_as_npz_has_an_array_a_column(tmp_path, mixed):
    write_samples(tmp_path / "s.npz", mixed, MIXED, spec_of("binary", 1))
    with np.load(tmp_path / "s.npz", allow_pickle=False) as archive:
        assert set(archive) == {"colour", "left", "size", "alive"}
        np.testing.assert_array_equal(archive["size"], mixed["continuous"][:, 0])


def test_several_blocks_of_codes_are_one_file(tmp_path, rng):
    blocks = (rng.random((4, 2)) < 0.5, rng.normal(size=(4, 1)).astype(np.float32))
    write_codes(tmp_path / "c.npz", blocks)
    with np.load(tmp_path / "c.npz") as found:
        assert [np.array_equal(found[name], block) for name, block in zip(("h1", "h2"), blocks, strict=True)] == [
            True
        ] * 2
    with pytest.raises(InputError, match="one block of codes and these are 2"):
        write_codes(tmp_path / "c.npy", blocks)
    assert codes_csv(blocks).startswith("h1.1,h1.2,h2.1\n")


def test_pictures_have_their_shape(tmp_path, rng):
    raw = rng.integers(0, 17, (5, 6)).astype(np.uint8)
    write_samples(tmp_path / "s.npy", raw, PICTURES, spec_of("categorical", 6))
    np.testing.assert_array_equal(np.load(tmp_path / "s.npy"), raw.reshape(5, 2, 3))
    colours = rng.integers(0, 256, (5, 12)).astype(np.uint8)
    write_samples(tmp_path / "c.npz", colours, COLOURS, spec_of("categorical", 12))
    assert np.load(tmp_path / "c.npz")["x"].shape == (5, 2, 2, 3)


def test_a_picture_shows_each_pixel(tmp_path):
    """One white pixel in the second picture, found where it belongs."""
    from PIL import Image

    raw = np.zeros((4, 6), np.uint8)
    raw[1, 5] = 16
    write_samples(tmp_path / "s.png", raw, PICTURES, spec_of("categorical", 6))
    grey = np.asarray(Image.open(tmp_path / "s.png").convert("L"))
    white = np.argwhere(grey == 255)
    rows, columns = np.unique(white[:, 0]), np.unique(white[:, 1])
    assert len(white) == len(rows) * len(columns)  # one square
    assert len(rows) == len(columns)
    middle = np.array(grey.shape) / 2
    assert rows.mean() < middle[0] < middle[1]
    assert columns.mean() > middle[1]


def test_bits_are_black_and_white(tmp_path):
    from PIL import Image

    raw = np.ones((1, 6), np.uint8)
    write_samples(tmp_path / "s.png", raw, PICTURES, spec_of("binary", 6))
    assert np.mean(np.asarray(Image.open(tmp_path / "s.png").convert("L")) == 255) > 0.5


def test_points_are_drawn_where_they_are(tmp_path, rng):
    from PIL import Image

    raw = np.concatenate([rng.normal(-5, 0.1, (500, 2)), rng.normal(5, 0.1, (5, 2))]).astype(np.float32)
    write_samples(tmp_path / "s.png", raw, PLANE, spec_of("continuous", 2))
    picture = np.asarray(Image.open(tmp_path / "s.png").convert("RGB")).astype(int)
    blue = np.argwhere(picture[:, :, 2] - picture[:, :, 0] > 100)
    low, left = blue.mean(axis=0) / picture.shape[:2]
    assert low > 0.5
    assert left < 0.5


def test_text_is_a_line_a_sample(tmp_path):
    raw = np.array([[0, 1, 2, 0], [0, 0, 0, 0]])
    write_samples(tmp_path / "s.txt", raw, WORDS, spec_of("categorical", 4))
    assert (tmp_path / "s.txt").read_text(encoding="utf-8") == "a⏎éa\naaaa\n"


def test_a_table_as_text_has_tabs(tmp_path):
    write_samples(tmp_path / "s.txt", np.array([[1.5, -2.0]], np.float32), PLANE, spec_of("continuous", 2))
    assert (tmp_path / "s.txt").read_text() == "x\ty\n1.5\t-2\n"


@pytest.mark.parametrize(
    ("name", "schema", "said"),
    [
        ("s.zip", PLANE, "ends in none"),
        ("s", PLANE, "ends in none"),
        ("s.npy", MIXED, "mixed"),
        ("s.png", MIXED, "neither"),
        ("s.png", WORDS, "neither"),
        ("gone/s.csv", PLANE, "no folder"),
        ("d.csv", PLANE, "is a folder"),
    ],
)
def test_what_cannot_be_written_is_refused(name, schema, said, tmp_path):
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(InputError, match=said):
        check_writable(tmp_path / name, schema)
    assert [path.name for path in tmp_path.iterdir()] == ["d.csv"]
