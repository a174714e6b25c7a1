"""Measures: Jacobians against autodiff, masses against closed forms, round trips, references, configs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from reverie.data import (
    Binarise,
    BinariseDynamic,
    Composed,
    Dequantise,
    Identity,
    Levels,
    Logit,
    OneHot,
    PerLeaf,
    Standardise,
    measure_from_config,
)
from reverie.errors import InputError

SHIFT = Standardise((1.0, -2.0, 0.3), (0.5, 3.0, 1.7))
PIXELS = np.array([0, 7, 16], np.uint8)
REALS = np.array([0.1, 0.45, 0.97], np.float32)
MIXED = PerLeaf(
    {"binary": Identity("binary"), "categorical": OneHot((3, 2)), "continuous": SHIFT},
    (("binary", 2), ("categorical", 5), ("continuous", 3)),
)
MIXED_ROW: dict[str, Any] = {
    "binary": np.array([0, 1], np.uint8),
    "categorical": np.array([2, 0], np.int32),
    "continuous": np.array([4.0, -1.0, 0.2], np.float32),
}
CASES = {
    "identity bits": (Identity("binary"), np.array([0, 1, 1], np.uint8)),
    "identity reals": (Identity("continuous"), REALS),
    "levels": (Levels(17), PIXELS.astype(np.int32)),
    "one-hot": (OneHot((3, 2, 4)), np.array([2, 0, 3], np.int32)),
    "dequantise": (Dequantise(17), PIXELS),
    "dequantise wide": (Dequantise(1000), np.array([0, 999, 500], np.int32)),
    "logit": (Logit(0.05), REALS),
    "standardise": (SHIFT, REALS),
    "dequantise+logit": (Composed((Dequantise(17), Logit(0.01))), PIXELS),
    "dequantise+standardise": (Composed((Dequantise(17), SHIFT)), PIXELS),
    "dequantise+logit+standardise": (Composed((Dequantise(17), Logit(0.05), SHIFT)), PIXELS),
    "mixed": (MIXED, MIXED_ROW),
}
SMOOTH = [name for name, (measure, _) in CASES.items() if measure.kind == "continuous"]


@pytest.mark.parametrize("name", SMOOTH)
def test_the_correction_is_the_log_determinant_of_the_jacobian(name, key):
    measure, raw = CASES[name]
    raw = jnp.asarray(raw, jnp.float32)
    _, expected = np.linalg.slogdet(np.asarray(jax.jacfwd(lambda r: measure.to_model(key, r))(raw)))
    np.testing.assert_allclose(measure.log_density_correction(key, raw), expected, rtol=2e-5, atol=2e-5)


def test_the_correction_of_a_mixed_row_is_that_of_its_continuous_leaf(key):
    expected = SHIFT.log_density_correction(None, MIXED_ROW["continuous"])
    assert MIXED.log_density_correction(key, MIXED_ROW) == pytest.approx(float(expected), abs=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_a_row_comes_back_from_the_model(name, key):
    measure, raw = CASES[name]
    back = measure.from_model(measure.to_model(key, raw))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), {"r": back}, {"r": raw})


@pytest.mark.parametrize(
    ("measure", "low", "high"),
    [
        (Logit(0.05), -0.05 / 0.9, 0.95 / 0.9),
        (Standardise((2.0,), (0.4,)), -4.0, 8.0),
        (Composed((Standardise((2.0,), (0.4,)), Standardise((-1.0,), (2.5,)))), -8.0, 16.0),
    ],
)
def test_a_density_of_the_model_integrates_to_one_in_raw_space(measure, low, high):
    grid = np.linspace(low, high, 40_001)[1:-1]

    def density(r):
        x = measure.to_model(None, r[None])
        base = jax.scipy.stats.norm.logpdf(x, 0.7, 0.6).sum()
        return jnp.exp(base + measure.log_density_correction(None, r[None]))

    total = np.trapezoid(np.asarray(jax.vmap(density)(jnp.asarray(grid, jnp.float32))), grid)
    assert total == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize("links", [(), (Logit(0.05),), (Standardise((0.4,), (0.2,)),)])
def test_dequantised_density_is_an_unbiased_mass_and_its_log_a_lower_bound(links):
    measure = Composed((Dequantise(5), *links))
    base = stats.norm(0.7, 0.6)

    def edge(cell):
        x = np.array([cell / 5])
        for link in links:
            x = np.asarray(link.to_model(None, x))
        return float(x[0])

    keys = jax.random.split(jax.random.key(3), 4000)
    for cell in range(5):
        raw = np.array([cell], np.uint8)

        def log_mass(k, raw=raw):
            x = measure.to_model(k, raw)
            return jax.scipy.stats.norm.logpdf(x, 0.7, 0.6).sum() + measure.log_density_correction(k, raw)

        logs = np.asarray(jax.vmap(log_mass)(keys), np.float64)
        exact = base.cdf(edge(cell + 1)) - base.cdf(edge(cell))
        masses = np.exp(logs)
        assert abs(masses.mean() - exact) < 4 * masses.std() / np.sqrt(len(keys)) + 1e-6
        assert logs.mean() < np.log(exact) + 4 * logs.std() / np.sqrt(len(keys))


def test_a_logit_row_that_no_x_maps_to_has_density_zero():
    assert Logit(0.05).log_density_correction(None, np.array([0.5, 1.2])) == -np.inf
    assert np.isfinite(Logit(0.05).to_model(None, np.array([0.5, 1.2]))).all()


def test_dynamic_bits_have_the_frequency_of_their_pixels():
    raw = np.array([0, 3, 11, 16], np.uint8)
    keys = jax.random.split(jax.random.key(8), 4000)
    bits = np.asarray(jax.vmap(lambda k: BinariseDynamic(16).to_model(k, raw))(keys))
    p = raw / 16
    assert bits.dtype == bool
    assert np.all(np.abs(bits.mean(axis=0) - p) <= 4 * np.sqrt(p * (1 - p) / len(keys)))


def test_binarise_keeps_what_exceeds_the_threshold():
    bits = Binarise(7).to_model(None, np.array([6, 7, 8, 255], np.uint8))
    assert np.asarray(bits).tolist() == [False, False, True, True]
    assert np.asarray(Binarise(7).from_model(bits)).tolist() == [0, 0, 1, 1]


def test_samples_beyond_the_range_go_to_the_nearest_value():
    assert np.asarray(Dequantise(17).from_model(np.array([-3.0, 0.999, 40.0]))).tolist() == [0, 16, 16]
    np.testing.assert_allclose(Logit(0.05).from_model(np.array([-50.0, 50.0])), [0, 1])


def test_an_empty_block_of_a_one_hot_sample_is_code_zero():
    assert np.asarray(OneHot((3, 2)).from_model(np.array([0, 0, 0, 0, 1]))).tolist() == [0, 1]


def test_references_agree_exactly_where_likelihoods_may_be_compared():
    mass = {CASES[n][0].reference for n in ("levels", "dequantise", "dequantise+logit", "dequantise+standardise")}
    assert mass == {"mass on 0..16"}
    assert OneHot((17, 17), 17).reference == "mass on 0..16"
    assert Dequantise(2).reference == Identity("binary").reference == "mass on 0..1"
    assert SHIFT.reference == Logit().reference == Identity("continuous").reference == "density in raw units"
    assert Binarise(7).reference == "bits: raw > 7"
    assert Binarise(7).reference != Binarise(8).reference != BinariseDynamic(16).reference
    assert Levels().reference != Levels(17).reference


def test_only_dequantising_makes_a_bound_and_only_noise_is_random():
    for measure, _ in CASES.values():
        dequantises = "dequantise" in str(measure.to_config())
        assert measure.bound == dequantises
        assert measure.random == dequantises
    assert BinariseDynamic(16).random
    assert not BinariseDynamic(16).bound


@pytest.mark.parametrize("name", [*CASES, "binarise", "binarise-dynamic"])
def test_a_measure_is_rebuilt_from_its_config(name):
    import msgspec

    extra = {"binarise": Binarise(7), "binarise-dynamic": BinariseDynamic(16)}
    measure = extra[name] if name in extra else CASES[name][0]
    again = measure_from_config(msgspec.json.decode(msgspec.json.encode(measure.to_config())))
    assert again == measure
    assert again.reference == measure.reference


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"measure": "wavelet"},
        {"measure": "binarise"},
        {"measure": "binarise", "threshold": "high"},
        {"measure": "binarise", "threshold": 7, "wat": 1},
        {"measure": "dequantise", "levels": 1},
        {"measure": "logit", "alpha": 0.7},
        {"measure": "standardise", "mean": [0, 1], "std": [1]},
        {"measure": "standardise", "mean": [0], "std": [0]},
        {"measure": "one-hot", "counts": []},
        {"measure": "composed"},
        {"measure": "composed", "measures": []},
        {"measure": "composed", "measures": [{"measure": "logit"}, {"measure": "binarise", "threshold": 1}]},
        {"measure": "per-leaf", "measures": {"binary": {"measure": "identity", "of": "binary"}}, "widths": {}},
        {"measure": "identity", "of": "words"},
        {"measure": "binarise-dynamic", "high": 0},
        [],
    ],
)
def test_a_config_that_does_not_fit_is_refused_in_one_line(config):
    with pytest.raises(InputError) as caught:
        measure_from_config(config)
    assert "\n" not in str(caught.value)


def test_leaves_of_one_kind_are_laid_end_to_end(key):
    x = MIXED.to_model(key, MIXED_ROW)
    assert set(x) == {"binary", "continuous"}
    assert np.asarray(x["binary"]).tolist() == [False, True, False, False, True, True, False]
    bits = PerLeaf({"binary": Identity("binary"), "categorical": OneHot((3,))}, (("binary", 1), ("categorical", 3)))
    row = {"binary": np.array([1], np.uint8), "categorical": np.array([1], np.int32)}
    assert np.asarray(bits.to_model(key, row)).tolist() == [True, False, True, False]
    assert bits.kind == "binary"
    back = bits.from_model(bits.to_model(key, row))
    assert {kind: np.asarray(a).tolist() for kind, a in back.items()} == {"binary": [1], "categorical": [1]}


def test_random_leaves_draw_apart_and_the_correction_uses_the_same_draws(key):
    deq = Composed((Dequantise(4), Logit(0.05)))
    both = PerLeaf({"binary": deq, "integer": deq}, (("binary", 2), ("integer", 2)))
    row = {"binary": np.array([1, 2], np.uint8), "integer": np.array([1, 2], np.uint8)}
    x = np.asarray(both.to_model(key, row))
    assert not np.allclose(x[:2], x[2:])
    row["integer"] = np.array([3, 0], np.uint8)
    flat = jnp.asarray([1, 2, 3, 0], jnp.float32)
    jacobian = jax.jacfwd(lambda r: both.to_model(key, {"binary": r[:2], "integer": r[2:]}))(flat)
    expected = np.linalg.slogdet(np.asarray(jacobian))[1]
    np.testing.assert_allclose(both.log_density_correction(key, row), expected, rtol=1e-5)


def test_a_mask_follows_its_values_to_the_model():
    mask = {"binary": [True, False], "categorical": [False, True], "continuous": [True, True, False]}
    seen = MIXED.mask_to_model({kind: np.array(m) for kind, m in mask.items()})
    assert np.asarray(seen["binary"]).tolist() == [True, False, False, False, False, True, True]
    assert np.asarray(seen["continuous"]).tolist() == [True, True, False]
