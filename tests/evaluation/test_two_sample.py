"""Two-sample figures: zero under the null, closed forms away from it, and errors that are honest in both places."""

import json
import math

import numpy as np
import pytest
import scipy.spatial.distance
import scipy.stats

from reverie.errors import InputError
from reverie.evaluation import two_sample
from reverie.networks.features import Layout, layouts
from tests import measuring, worlds

LINE = (Layout("continuous", 1, ()),)
PLANE = (Layout("continuous", 2, ()),)
BITS = (Layout("binary", 6, ()),)


def normal(seed, n, shift=0.0, columns=2):
    return (np.random.default_rng(seed).normal(size=(n, columns)) + shift).astype(np.float32)


def test_equal_distributions_differ_by_nothing_and_by_no_more_than_the_error_says():
    found = [two_sample(normal((1, s), 40), normal((2, s), 60), PLANE, seed=s) for s in range(60)]
    off = np.array([one.mmd2.value / one.mmd2.se for one in found])
    values = np.array([one.mmd2.value for one in found])
    assert {one.mmd2.kind for one in found} == {"unbiased"}
    assert measuring.errors_off(values, 0.0) < 4
    assert values.min() < 0 < values.max()
    assert 0.5 < np.std(off) < 1.3
    assert scipy.stats.kstest([one.p_value for one in found], "uniform").pvalue > 0.01
    accuracy = np.array([one.accuracy.value for one in found])
    assert measuring.errors_off(accuracy, 39 / 79) < 4
    assert 0.6 < np.std([(one.accuracy.value - 0.5) / one.accuracy.se for one in found]) < 1.4


def test_the_discrepancy_of_two_normals_is_their_closed_form():
    """With k(a, b) = exp(−(a − b)² / 2s), N(0, 1) and N(μ, 1): MMD² = 2 √(s / (s + 2)) (1 − exp(−μ² / (2s + 4)))."""
    shift, off = 2.0, []
    for seed in range(20):
        x, y = normal((3, seed), 150, shift, 1), normal((4, seed), 250, 0.0, 1)
        s = np.median(scipy.spatial.distance.pdist(y, "sqeuclidean"))
        truth = 2 * math.sqrt(s / (s + 2)) * (1 - math.exp(-(shift**2) / (2 * s + 4)))
        found = two_sample(x, y, LINE, seed=seed)
        off.append((found.mmd2.value - truth) / found.mmd2.se)
        assert found.p_value == pytest.approx(1 / 500)
        assert found.mmd2.n == 400
    assert np.abs(off).max() < 4
    assert abs(np.mean(off)) < 4 / math.sqrt(20)
    assert 0.5 < np.std(off) < 1.5


def test_a_nearest_neighbour_tells_what_can_be_told():
    apart = two_sample(normal(1, 50, 9.0), normal(2, 80), PLANE)
    assert apart.accuracy.value == 1.0
    assert apart.accuracy.n == 100
    # Far left or right of each other half of the time: (3/4 of the pooled neighbours are one's own).
    x, y = normal(3, 400), normal(4, 400)
    x[:200] += 50.0
    y[200:] -= 50.0
    found = two_sample(x, y, PLANE)
    assert found.accuracy.value == pytest.approx(0.75, abs=4 * found.accuracy.se)


def test_ties_are_shared_so_that_bits_are_not_told_from_bits():
    def draw(seed):
        return np.random.default_rng(seed).random((60, 6)) < 0.3

    accuracy = [two_sample(draw((1, s)), draw((2, s)), BITS).accuracy.value for s in range(40)]
    assert measuring.errors_off(np.array(accuracy), 59 / 119) < 4


def test_draws_that_are_all_alike_are_seen():
    rows = normal(1, 200)
    found = two_sample(np.repeat(rows[:1], 200, axis=0), rows, PLANE)
    assert found.p_value < 0.01
    assert found.mmd2.value > 10 * found.mmd2.se
    alike = two_sample(np.full((5, 2), 0.1, np.float32), np.full((7, 2), 0.1, np.float32), PLANE)
    assert alike.mmd2.value == 0.0
    assert alike.p_value == 1.0
    # Each of five has nine neighbours at the same distance, four of them its own.
    assert alike.accuracy.value == pytest.approx(4 / 9)


def test_one_row_far_away_hides_nothing():
    x, y = normal(1, 100, 3.0), normal(2, 100)
    y[7] = 1e6
    found = two_sample(x, y, PLANE)
    assert found.p_value < 0.01
    assert found.accuracy.value > 0.9


def test_neighbours_are_taken_from_all_of_the_longer_side():
    """Half of the rows lie where no draw does, and they come last."""
    rows = np.concatenate([normal(1, 300), normal(2, 300, 50.0)])
    found = two_sample(normal(3, 300), rows, PLANE)
    assert found.accuracy.value == pytest.approx(0.66, abs=0.1)


def test_rows_of_several_kinds_are_compared_by_their_features():
    shape = layouts(worlds.MIXED)

    def rows(seed, p):
        rng = np.random.default_rng(seed)
        return {
            "binary": rng.random((150, 2)) < 0.5,
            "categorical": np.stack([rng.choice(3, 150, p=p), rng.integers(0, 2, 150)], 1),
            "continuous": rng.normal(size=(150, 2)).astype(np.float32),
        }

    assert two_sample(rows(1, [0.6, 0.3, 0.1]), rows(2, [0.6, 0.3, 0.1]), shape).p_value > 0.05
    # Only which level is which differs: numbers that read the level as a size would be closer.
    assert two_sample(rows(1, [0.1, 0.8, 0.1]), rows(2, [0.45, 0.1, 0.45]), shape).p_value < 0.01


def test_the_seed_decides_and_no_more_than_the_most_is_used():
    x, y = normal(1, 90, 0.3), normal(2, 70)
    one, again, other = (two_sample(x, y, PLANE, seed=seed, most=50) for seed in (1, 1, 2))
    assert one == again
    assert one.mmd2.value != other.mmd2.value
    assert one.mmd2.n == 100


def test_it_is_json_whether_it_holds_or_failed():
    good = two_sample(normal(1, 9), normal(2, 9), PLANE).to_dict()
    assert json.loads(json.dumps(good, allow_nan=False)) == good
    assert set(good) == {"mmd2", "p_value", "accuracy"}
    assert good["accuracy"]["unit"] == "share"
    broken = normal(1, 9)
    broken[2, 0] = np.inf
    bad = two_sample(broken, normal(2, 9), PLANE)
    assert bad.mmd2.failed
    assert bad.mmd2.warnings == ("1 draws and 0 rows hold values that are not finite",)
    told = json.loads(json.dumps(bad.to_dict(), allow_nan=False))
    assert told["p_value"] is None
    assert told["accuracy"]["kind"] == "failed"


def test_one_row_is_no_sample():
    with pytest.raises(InputError, match="at least two draws and two rows"):
        two_sample(normal(1, 9), normal(2, 1), PLANE)


@pytest.mark.parametrize("columns", [0, 2])
def test_categories_count_as_their_one_hot_vectors_do(columns):
    """With numbers beside them and alone; the one-hot vectors are never made."""
    rng = np.random.default_rng(0)
    first, second = (rng.integers(0, 3 + shift, size=(50, 4)).astype(np.int32) for shift in (0, 1))
    left, right = (normal((1, shift), 50, shift, columns) for shift in (0, 1))

    def hot(codes, numbers):
        return np.concatenate([np.eye(4)[codes].reshape(50, -1), numbers], axis=1).astype(np.float32)

    wide = two_sample(hot(first, left), hot(second, right), (Layout("continuous", 16 + columns, ()),))
    category = Layout("categorical", 4, (10**6,) * 4)
    if columns:
        pieces = {"categorical": first, "continuous": left}, {"categorical": second, "continuous": right}
        found = two_sample(pieces[0], pieces[1], (category, Layout("continuous", columns, ())))
    else:
        found = two_sample(first, second, (category,))
    assert found.mmd2.value == pytest.approx(wide.mmd2.value, rel=1e-6)
    assert found.accuracy.value == pytest.approx(wide.accuracy.value, rel=1e-6)
    assert found.p_value == wide.p_value
