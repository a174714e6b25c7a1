"""Small runs that the tests of the command line share."""

import pytest

from tests.cli.malformed import GOOD, NUMBERS


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory):
    """Runs of a few steps by name, and the files that they were fitted on."""
    import reverie as rv

    home = tmp_path_factory.mktemp("runs")
    files = {"data": home / "bits.csv", "numbers": home / "numbers.csv", "mixture": home / "mixed.csv"}
    files["data"].write_text(GOOD)
    files["numbers"].write_text(NUMBERS)
    words = "".join(f"{'abc'[i % 3]},{i * i % 11 * 0.3:.2f}\n" for i in range(40))
    files["mixture"].write_text("word,number\n" + words)
    settings = {"steps": 2, "batch": 10}
    made = {
        "run": rv.fit(files["data"], rv.models.SigmoidBeliefNet((2,)), "jsa", out=home / "bits", **settings),
        "table": rv.fit(files["numbers"], rv.models.RealNVP(), "mle", out=home / "table", **settings),
        "implicit": rv.fit(files["numbers"], rv.models.Generator(), "gan", out=home / "implicit", **settings),
        "mixed": rv.fit(files["mixture"], rv.models.VAE(hidden=(3,)), "elbo", out=home / "mixed", **settings),
    }
    return {name: run.path for name, run in made.items()} | files
