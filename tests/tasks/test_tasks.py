"""Rows are filled in and cleaned as the sum over all states, or a closed form, says; scores tell what they tell."""

from typing import Any

import numpy as np
import pytest
import sklearn.metrics

import reverie as rv
from reverie import noise
from reverie.data import Standardise
from reverie.errors import InputError
from reverie.evaluation.walks import Known
from reverie.models import RBM, Ising
from reverie.tasks import conditional, denoise, impute, roc_area, separation
from reverie.tasks.denoising import _precision
from reverie.tasks.outliers import potentials
from tests import measuring, worlds

BITS = "a,b,c\n" + "".join(f"{i % 2},{i // 2 % 2},{int(i % 7 < 3)}\n" for i in range(60))


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A run whose RBM of three bits has couplings that matter."""
    home = tmp_path_factory.mktemp("tasks")
    (home / "bits.csv").write_text(BITS)
    run = rv.fit(home / "bits.csv", RBM(2), "cd", steps=2, out=home / "r", pictures=False)
    rng = np.random.default_rng(4)
    run.parts["model"] = RBM.from_arrays(
        weights=rng.normal(0, 1.5, (3, 2)), visible_bias=[0.3, -0.5, 0.8], hidden_bias=[0.2, -0.4]
    )
    return run


@pytest.fixture(scope="module")
def gaussian(tmp_path_factory):
    """A run of one Gaussian of three columns."""
    home, rng = tmp_path_factory.mktemp("tasks"), np.random.default_rng(5)
    x = rng.normal(size=(400, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.7, -0.5], [0.0, 0.0, 2.0]]) + [3.0, -1.0, 10.0]
    np.savetxt(home / "x.csv", x, delimiter=",", header="u,v,w", comments="")
    return rv.fit(home / "x.csv", rv.models.GaussianMixture(1), "em", steps=2, out=home / "g", pictures=False)


def probabilities(model, pull=0.0):
    states = worlds.states(3)
    u = np.array([float(model.potential(state)) for state in states]) + states @ np.broadcast_to(pull, 3)
    return states, np.exp(u - np.logaddexp.reduce(u))


def test_missing_bits_are_drawn_from_what_is_left_of_the_machine(machine, tmp_path):
    (tmp_path / "gaps.csv").write_text("a,b,c\n" + "1,,\n" * 1500)
    found = impute(machine, tmp_path / "gaps.csv", seed=1)
    assert (found.raw[:, 0] == 1).all()
    assert (found.open == [[False, True, True]]).all()
    assert found.warnings == ()
    states, p = probabilities(machine.parts["model"])
    kept = states[:, 0]
    place = 2 * found.raw[:, 1].astype(int) + found.raw[:, 2]
    of_states = 2 * states[kept, 1].astype(int) + states[kept, 2]
    expected = np.log(np.bincount(of_states, p[kept] / p[kept].sum()))
    assert measuring.surprise(place, expected) > 1e-3


def test_given_columns_a_mask_and_several_draws(machine, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,c\n1,0,1\n0,1,1\n")
    by_name = impute(machine, tmp_path / "rows.csv", given=("b", "c"), draws=8)
    by_mask = impute(machine, tmp_path / "rows.csv", mask=[[False, True, True]] * 2, draws=8)
    assert by_name.raw.shape == (16, 3)
    assert np.array_equal(by_name.raw, by_mask.raw)
    assert (by_name.raw[::2, 1:] == [0, 1]).all()
    assert len(np.unique(by_name.raw[:, 0])) == 2
    states, p = probabilities(machine.parts["model"])
    likely = [p[(states == [one, *rest]).all(1)].item() for rest in ([0, 1], [1, 1]) for one in (0, 1)]
    mean = impute(machine, tmp_path / "rows.csv", given=("b", "c"), how="mean")
    assert mean.raw[:, 0].tolist() == [int(likely[1] > likely[0]), int(likely[3] > likely[2])]


def test_flipped_bits_are_cleaned_by_the_posterior(machine, tmp_path):
    (tmp_path / "noisy.csv").write_text("a,b,c\n" + "1,1,0\n" * 300)
    found = denoise(machine, tmp_path / "noisy.csv", flips=0.2)
    odds = np.log(0.8 / 0.2)
    states, p = probabilities(machine.parts["model"], [odds, odds, -odds])
    assert measuring.errors_off(found.chains.mean, p @ states) < 4
    assert found.raw[0].tolist() == [int(one > 0.5) for one in p @ states]
    drawn = denoise(machine, tmp_path / "noisy.csv", flips=0.2, how="draw").raw
    assert measuring.surprise(worlds.place(drawn.astype(bool)), np.log(p)) > 1e-3


def test_noise_on_reals_is_told_in_the_units_of_the_data(gaussian):
    """The chains that it pulls are measured in tests of walks."""
    assert isinstance(gaussian.measure, Standardise)
    found = _precision(gaussian, 0.6, (4, 3))
    assert found.shape == (4, 3)
    # A column's noise in the model's units is σ over the column's deviation.
    assert found[0] == pytest.approx((np.array(gaussian.measure.std) / 0.6) ** 2)


def test_chains_that_disagree_are_said_to():
    """With one corner held up, chains that begin with all others down stay there for long, at a lower potential."""
    known = Known(np.ones((3, 16), bool), np.eye(16, dtype=bool)[[0, 0, 0]])
    strong, mild = (conditional(Ising.grid(4, 4, coupling=j), noise.make_key(0), known, moves=100) for j in (3.0, 0.3))
    assert strong.ends[..., 0].all()
    assert (strong.r_hat > 1.2).all()
    assert strong.warnings[0].startswith("the chains of 3 of 3 rows do not agree (R-hat beyond 1.2)")
    assert mild.warnings == ()
    assert (mild.r_hat < 1.2).all()


def test_the_area_is_that_of_sklearn_and_its_error_that_of_the_bootstrap():
    rng = np.random.default_rng(6)
    own, other = np.round(rng.normal(1.0, 1.0, 80), 1), np.round(rng.normal(0.0, 1.5, 50), 1)  # with ties
    found = roc_area(own, other)
    labels = np.repeat([1, 0], [80, 50])
    assert found.value == pytest.approx(sklearn.metrics.roc_auc_score(labels, np.concatenate([own, other])))
    again = [roc_area(rng.choice(own, 80), rng.choice(other, 50)).value for _ in range(1000)]
    assert found.se == pytest.approx(np.std(again), rel=0.15)
    assert roc_area([1.0, 2.0], [-np.inf, 0.0]).value == 1.0
    assert roc_area([1.0, np.nan], [0.0, 1.0]).failed
    with pytest.raises(InputError, match="at least 2 rows of either kind, and there are 1 and 2"):
        roc_area([1.0], [0.0, 1.0])


def test_potentials_tell_rows_apart_as_likelihoods_do(machine, gaussian, tmp_path):
    (tmp_path / "own.csv").write_text(BITS)
    (tmp_path / "other.csv").write_text("a,b,c\n" + "0,1,0\n" * 20)
    u = potentials(machine, tmp_path / "own.csv")
    scores = machine.score(tmp_path / "own.csv").values
    assert np.ptp(u - scores) < 1e-4
    found = separation(machine, tmp_path / "own.csv", tmp_path / "other.csv")
    assert found.score == "potential"
    assert found.area == roc_area(found.own, found.other)
    run = gaussian
    far = np.full((5, 3), 60.0)
    np.savetxt(tmp_path / "far.csv", far, delimiter=",", header="u,v,w", comments="")
    found = separation(run, run.sample(40), tmp_path / "far.csv")
    assert (found.score, found.area.value) == ("log-likelihood", 1.0)
    with pytest.raises(InputError, match="gaussian-mixture has no potential"):
        potentials(run, tmp_path / "far.csv")


def test_what_cannot_be_done_is_refused(machine, gaussian, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b,c\n1,0,1\n0,1,1\n")
    (tmp_path / "gaps.csv").write_text("a,b,c\n1,0,\n0,1,1\n")
    unknown: Any = "best"
    rows, gaps, run = tmp_path / "rows.csv", tmp_path / "gaps.csv", gaussian
    wrong = {
        "nothing to fill in": lambda: impute(machine, rows),
        "'zebra' is no column": lambda: impute(machine, rows, given=("a", "zebra")),
        "the mask has the shape": lambda: impute(machine, rows, mask=np.ones(3, bool)),
        "how must be": lambda: impute(machine, gaps, how=unknown),
        "draws must be": lambda: impute(machine, gaps, draws=9),
        "at least 2 chains and 4 moves": lambda: impute(machine, gaps, moves=3),
        "either noise": lambda: denoise(machine, rows),
        "say flips": lambda: denoise(machine, rows, noise=1.0),
        "flips is a probability": lambda: denoise(machine, rows, flips=0.0),
        "fill them in first": lambda: denoise(machine, gaps, flips=0.1),
        "say noise": lambda: denoise(run, run.sample(3), flips=0.1),
        "positive and finite": lambda: denoise(run, run.sample(3), noise=float("inf")),
    }
    for words, call in wrong.items():
        with pytest.raises(InputError, match=words):
            call()
    run.parts["model"], kept = rv.models.VAE(), run.parts["model"]
    with pytest.raises(InputError, match="gaussian-mixture cannot be conditioned on values of x"):
        impute(run, run.read(np.zeros((2, 3))), given=("u",))
    run.parts["model"] = kept
