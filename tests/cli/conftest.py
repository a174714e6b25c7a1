"""Small runs that the tests of the command line share."""

from typing import Any

import pytest

from tests.cli.cases import GOOD, NUMBERS


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory):
    """Runs of a few steps by name, and the files that they were fitted on."""
    import reverie as rv

    home = tmp_path_factory.mktemp("runs")
    files = {"data": home / "bits.csv", "numbers": home / "numbers.csv"}
    files["data"].write_text(GOOD)
    files["numbers"].write_text(NUMBERS)
    settings: dict[str, Any] = {"steps": 2, "pictures": False}
    pairs: dict[str, tuple[str, Any, str]] = {
        "run": ("data", rv.models.SigmoidBeliefNet((2,)), "jsa"),
        "table": ("numbers", rv.models.GaussianMixture(2), "em"),
        "machine": ("data", rv.models.RBM(2), "cd"),
        "implicit": ("numbers", rv.models.Generator(hidden=(4,)), "gan"),
    }
    made = {
        name: rv.fit(files[data], model, learner, out=home / name, **settings)
        for name, (data, model, learner) in pairs.items()
    }
    return {name: run.path for name, run in made.items()} | files


@pytest.fixture
def at(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
