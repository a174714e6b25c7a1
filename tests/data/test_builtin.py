"""Data by name: what ships, the toys against their formulae, and the folder of REVERIE_DATA."""

import struct
import zipfile

import numpy as np
import pytest

from reverie.data import load, toys
from reverie.data.builtin import NAMES
from reverie.errors import InputError


@pytest.mark.parametrize(
    ("name", "rows", "columns", "classes"), [("iris", 150, 4, 3), ("wine", 178, 13, 3), ("breast_cancer", 569, 30, 2)]
)
def test_tables_that_ship(name, rows, columns, classes):
    data = load(name)
    assert len(data.train) + len(data.valid) + len(data.test) == rows
    assert (data.spec.kind, data.spec.size, len(data.class_names or ())) == ("continuous", columns, classes)
    assert load(name.replace("_", "-")).fingerprint == data.fingerprint


@pytest.mark.parametrize("name", toys.TOYS)
def test_toys_are_made_from_their_seed(name):
    data = load(name, seed=1)
    assert len(data.train) + len(data.valid) + len(data.test) == 2000
    assert (data.spec.kind, data.spec.size) == ("continuous", 2)
    assert data.fingerprint == load(name, seed=1).fingerprint != load(name, seed=2).fingerprint


def radius(points):
    return np.hypot(points[:, 0], points[:, 1])


def within(values, mean, std):
    """The sample's mean lies within four standard errors."""
    return abs(np.mean(values) - mean) < 4 * std / np.sqrt(len(values))


def test_moons_lie_on_their_arcs():
    points, which = toys.make("moons", 20_000, 3)
    for k, (centre, height) in enumerate([((0, 0), 2 / np.pi), ((1, 0.5), 0.5 - 2 / np.pi)]):
        mine = points[which == k]
        assert within(radius(mine - centre) ** 2, 1 + 2 * 0.1**2, 0.21)
        assert within(mine[:, 1], height, np.sqrt(0.5 - (2 / np.pi) ** 2 + 0.01))


@pytest.mark.parametrize(("name", "radii"), [("circles", (1, 0.5)), ("rings", (1, 2, 3, 4))])
def test_circles_and_rings_have_their_radii(name, radii):
    points, which = toys.make(name, 20_000, 3)
    for k, r in enumerate(radii):
        mine = points[which == k]
        assert within(radius(mine) ** 2, r**2 + 2 * 0.08**2, 2 * 0.081 * r)
        assert within(which == k, 1 / len(radii), 0.5)


def test_spiral_arms_mirror_each_other_and_fill_their_length_evenly():
    points, which = toys.make("spirals", 20_000, 3)
    assert which is not None
    turned = np.where(which[:, None] == 0, points, -points)
    t2 = (3 * radius(turned)) ** 2
    assert within(t2, (3 * np.pi) ** 2 / 2 + 9 * 0.02, (3 * np.pi) ** 2 / np.sqrt(12) + 5)
    on_arm = turned[radius(turned) > 1]
    angle = np.arctan2(on_arm[:, 1], -on_arm[:, 0])
    drift = (angle - 3 * radius(on_arm) + np.pi) % (2 * np.pi) - np.pi
    assert abs(drift.mean()) < 0.03


def test_pinwheel_arms_are_one_arm_turned():
    points, which = toys.make("pinwheel", 20_000, 3)
    assert within((radius(points) / 2) ** 2, 1 + 0.3**2 + 0.05**2, 0.65)
    angles = [np.angle(np.mean(points[which == k] @ [1, 1j])) for k in range(5)]
    gaps = np.diff(np.unwrap(angles))
    np.testing.assert_allclose(gaps, 2 * np.pi / 5, atol=0.05)


def test_checkerboard_is_uniform_on_its_dark_fields():
    points, _ = toys.make("checkerboard", 20_000, 3)
    field = np.floor((points + 4) / 2).astype(int)
    assert field.min() == 0
    assert field.max() == 3
    assert np.all(field.sum(axis=1) % 2 == 0)
    for column in range(4):
        for row in range(4):
            if (column + row) % 2 == 0:
                assert within(np.all(field == (column, row), axis=1), 1 / 8, np.sqrt(7) / 8)
    assert within(((points + 4) / 2) % 1, 0.5, np.sqrt(1 / 12))


def test_eight_gaussians_and_swiss_roll_have_their_moments():
    points, which = toys.make("eight-gaussians", 40_000, 3)
    assert within(points[which == 2, 1], 4 / np.sqrt(2), 0.5 / np.sqrt(2))
    assert within(points[which == 2, 0], 0, 0.5 / np.sqrt(2))
    roll, _ = toys.make("swiss-roll", 40_000, 3)
    t2 = (1.5 * np.pi) ** 2 * 13 / 3
    assert within(25 * radius(roll) ** 2, t2 + 25 * 0.02, 70)


@pytest.mark.parametrize("name", ["mnist", "binarized-mnist", "ptb", "tinyshakespeare"])
def test_names_of_the_folder_say_what_to_set(name, monkeypatch, tmp_path):
    monkeypatch.delenv("REVERIE_DATA", raising=False)
    with pytest.raises(InputError, match="set REVERIE_DATA"):
        load(name)
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path / "none"))
    with pytest.raises(InputError, match="is no folder"):
        load(name)
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    with pytest.raises(InputError, match="which lacks it"):
        load(name)


def test_mnist_is_read_from_its_four_files(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    rng = np.random.default_rng(0)
    pixels = {}
    for prefix, n in (("train", 30), ("t10k", 8)):
        pixels[prefix] = rng.integers(0, 256, (n, 28, 28)).astype(np.uint8)
        images = struct.pack(">4B3I", 0, 0, 8, 3, n, 28, 28) + pixels[prefix].tobytes()
        (tmp_path / "mnist" / f"{prefix}-images-idx3-ubyte").write_bytes(images)
        (tmp_path / "mnist" / f"{prefix}-labels-idx1-ubyte").write_bytes(
            struct.pack(">4BI", 0, 0, 8, 1, n) + bytes(i % 10 for i in range(n))
        )
    data = load("mnist", valid=6)
    assert (len(data.train), len(data.valid), len(data.test)) == (24, 6, 8)
    np.testing.assert_array_equal(data.test.raw, pixels["t10k"].reshape(8, -1))
    assert data.spec.image == (28, 28, 1)
    assert data.measure.reference == "bits: raw > 127"
    assert np.asarray(data.test.y).tolist() == list(range(8))


def test_binarized_mnist_unpacks_its_bits(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    bits = np.random.default_rng(0).integers(0, 2, (30, 784)).astype(np.uint8)
    packed = np.packbits(bits, axis=1)
    np.savez(tmp_path / "binarized_mnist.npz", train=packed[:20], valid=packed[20:25], test=packed[25:])
    data = load("binarized-mnist")
    np.testing.assert_array_equal(data.train.raw, bits[:20])
    np.testing.assert_array_equal(data.test.raw, bits[25:])
    assert data.measure.reference == "mass on 0..1"
    assert data.spec.image == (28, 28, 1)


def test_ptb_and_tinyshakespeare_and_files_of_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    texts = {"train": "the cat sat\n" * 9, "valid": "a cat sat\n" * 3, "test": "the mat sat\n" * 4}
    with zipfile.ZipFile(tmp_path / "ptb.zip", "w") as archive:
        for part, text in texts.items():
            archive.writestr(f"ptb/{part}.txt", text)
    data = load("ptb", tokens="words", length=3)
    assert (len(data.train), len(data.valid), len(data.test)) == (9, 3, 4)
    assert data.schema.frame(data.test.raw)["text"] == ["the mat sat"] * 4
    (tmp_path / "tinyshakespeare.txt").write_text("To be, or not to be. " * 50)
    assert load("tinyshakespeare").spec.text
    (tmp_path / "mine.csv").write_text("a,b\n" + "1.5,2.5\n2.5,0.5\n" * 10)
    assert load("mine.csv").spec.size == 2


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'digits'"):
        load("digit")
    with pytest.raises(InputError, match="the names are digits, iris"):
        load("zzzz")
    assert len(set(NAMES)) == len(NAMES)
