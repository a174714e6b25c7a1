"""Numbers with their standard errors and kinds."""

import json
import math

import numpy as np
import pytest

from reverie.estimate import KINDS, Estimate, failed, mean_of


def test_a_mean_of_rows_has_the_standard_error_of_the_mean():
    rows = np.array([1.0, 4.0, 2.0, -3.0, 6.0])
    estimate = mean_of(rows, "exact")
    assert estimate.value == pytest.approx(2.0)
    assert estimate.se == pytest.approx(np.std(rows, ddof=1) / np.sqrt(5))
    assert (estimate.kind, estimate.unit, estimate.n, estimate.ess, estimate.warnings) == ("exact", "nats", 5, None, ())


def test_standard_errors_cover_the_truth_as_often_as_they_should():
    """Of a skewed distribution, within two standard errors: 95 % of the time, less a little for the skew."""
    rng = np.random.default_rng(0)
    estimates = [mean_of(rng.gamma(2.0, size=200), "unbiased") for _ in range(2000)]
    covered = np.mean([abs(one.value - 2.0) < 1.96 * one.se for one in estimates])
    assert 0.93 < covered < 0.96


def test_one_row_has_no_spread():
    assert mean_of([3.0], "exact")[:2] == (3.0, 0.0)


def test_a_mean_over_rows_that_are_not_finite_has_failed():
    estimate = mean_of([1.0, math.nan, math.inf, 2.0], "lower bound")
    assert estimate.failed
    assert math.isnan(estimate.value)
    assert estimate.warnings == ("2 of 4 rows have no finite value",)
    assert estimate.n == 4


def test_a_failure_says_why():
    estimate = failed("ESS 1.3 of 1000: do not trust this", n=7, ess=1.3)
    assert estimate.failed
    assert str(estimate) == "failed: ESS 1.3 of 1000: do not trust this"
    assert (estimate.n, estimate.ess) == (7, 1.3)
    assert not Estimate(1.0, 0.1, "exact").failed
    assert "failed" in KINDS


def test_an_estimate_reads_with_its_error_unit_and_kind():
    assert str(Estimate(-18.7234, 0.1278, "lower bound")) == "-18.723 ± 0.128 nats (lower bound)"


@pytest.mark.parametrize(
    ("estimate", "value", "se", "ess"),
    [
        (Estimate(np.float64(1.5), np.float64(0.25), "exact"), 1.5, 0.25, None),
        (Estimate(math.inf, math.nan, "unbiased", ess=-math.inf), None, None, None),
        (failed("why", ess=2.0), None, None, 2.0),
    ],
)
def test_as_json_it_has_seven_fields_and_no_number_that_json_does_not_know(estimate, value, se, ess):
    told = json.loads(json.dumps(estimate.to_dict(), allow_nan=False))
    assert list(told) == ["value", "se", "kind", "unit", "n", "ess", "warnings"]
    assert (told["value"], told["se"], told["ess"]) == (value, se, ess)
    assert told["warnings"] == list(estimate.warnings)


@pytest.mark.parametrize(
    ("kind", "turned"),
    [("lower bound", "upper bound"), ("upper bound", "lower bound"), ("exact", "exact"), ("unbiased", "unbiased")],
)
def test_a_change_of_sign_turns_a_bound_over(kind, turned):
    estimate = Estimate(-10.0, 0.5, kind, n=3, ess=2.0, warnings=("w",))
    assert estimate.scaled(2.0, "bits") == Estimate(-20.0, 1.0, kind, "bits", 3, 2.0, ("w",))
    assert estimate.scaled(-2.0, "bits") == Estimate(20.0, 1.0, turned, "bits", 3, 2.0, ("w",))


@pytest.mark.parametrize(("kind", "turned"), [("optimistic", "optimistic"), ("pessimistic", "pessimistic")])
def test_what_flatters_a_model_flatters_it_in_any_unit(kind, turned):
    """These kinds say which way the model is made to look, so that a change of sign keeps them."""
    assert Estimate(-10.0, 0.5, kind).scaled(-1.0, "bits/dim").kind == turned


def test_bits_per_dimension():
    """64 fair coins cost one bit each."""
    estimate = Estimate(-64 * math.log(2.0), 64 * math.log(2.0) / 100, "lower bound").bits_per_dim(64)
    assert estimate.value == pytest.approx(1.0)
    assert estimate.se == pytest.approx(0.01)
    assert (estimate.unit, estimate.kind) == ("bits/dim", "upper bound")
