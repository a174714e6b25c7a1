"""The borders of the house hold, and the guards that say so see each kind of crossing."""

import importlib
import inspect
import os
import pkgutil
import subprocess
import sys
from abc import abstractmethod
from pathlib import Path

import pytest

from tests.borders import inheritance, offences

SRC = Path(__file__).parents[1] / "src"
HEAVY = {"jax", "equinox", "numpyro", "optax", "sklearn", "scipy", "matplotlib"}

# Classes that others build on and that have no abstract member, each with its reason.
MIXINS = {
    "Capability": "the base of every capability, empty",
}
# Methods of abstract classes that answer for whoever has nothing to say: a constant, or the argument itself.
DEFAULTS = {
    "Direction.init": "nothing is remembered",
    "HasLogProb.log_prob_kind": "a density is what it says",
    "Kernel.begin": "a chain is its x alone",
    "Kernel.exactness_with": "no model has a say in it",
    "Measure.bound": "the likelihood stays exact",
    "Measure.log_density_correction": "no volume changes",
    "Measure.mask_to_model": "columns stay where they are",
    "Measure.random": "no key is used",
    "Part.unserving": "all models can be served",
    "Part.unsuited": "all data suit",
    "Part.usual_reader": "a perceptron reads rows of any kind",
    "Sampler.exactness_with": "no part has a say in it",
    "Sampler.init": "nothing persists",
}


def modules():
    for path in sorted((SRC / "reverie").rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        yield ".".join(part for part in parts if part != "__init__"), path


@pytest.mark.parametrize(("module", "path"), [pytest.param(m, p, id=m) for m, p in modules()])
def test_a_module_stays_within_its_borders(module, path):
    assert offences(module, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("reverie.models.vae", "from reverie.learners import JSA", "lies below learners"),
        ("reverie.models.vae", "import reverie.samplers.gibbs", "lies below samplers"),
        ("reverie.models.vae", "from reverie import directions", "lies below directions"),
        ("reverie.models.vae", "def f():\n    from reverie.loop import fit", "lies below loop"),
        ("reverie.models.vae", "if TYPE_CHECKING:\n    from reverie.runs import Run", "lies below runs"),
        ("reverie.models.vae", "importlib.import_module('reverie.runs')", "lies below runs"),
        ("reverie.loop", "from reverie.cli import main", "lies below cli"),
        ("reverie.data.sources", "from reverie.parts import Parts", "lies below parts"),
        ("reverie.errors", "from reverie.estimate import Estimate", "lies below estimate"),
        ("reverie.samplers.gibbs", "from reverie.models import RBM", "knows capabilities"),
        (
            "reverie.samplers.gibbs",
            "from reverie.inference.gaussian import GaussianPosterior",
            "knows capabilities",
        ),
        ("reverie.directions.elbo", "from reverie.models.vae import VAE", "knows capabilities"),
        ("reverie.models.vae", "from reverie.helpers import f", "no room"),
        ("reverie.helpers", "x = 1", "has no place"),
        ("reverie.models.vae", "from . import rbm", "written in full"),
        ("reverie.models.vae", "from reverie.parts import *", "hides"),
        ("reverie.inference.flow", "import flowjax.bijections", "in models only"),
        ("reverie.models.rbm", "from sklearn.cluster import KMeans", "sklearn is imported in"),
        ("reverie.directions.elbo", "import blackjax", "in samplers only"),
        ("reverie.runs.progress", "from rich.progress import Progress", "in cli only"),
        ("reverie.runs.report", "import matplotlib.pyplot as plt", "in runs.pictures only"),
        ("reverie.runs.pictures_of_mine", "import matplotlib", "in runs.pictures only"),
        ("reverie.loop", "from safetensors.numpy import save", "in runs only"),
        ("reverie.runs.pictures", "from PIL import Image", "in data only"),
        ("reverie.loop", "import torch", "not declared"),
        ("reverie.runs.folder", "import pickle", "runs what it reads"),
        ("reverie.runs.folder", "from joblib import load", "runs what it reads"),
        ("reverie.data.files", "np.load(path, allow_pickle=True)", "allow_pickle"),
        ("reverie.runs.folder", "x = eval('1')", "eval"),
        ("reverie.runs.folder", "builtins.exec('x = 1')", "exec"),
        ("reverie.models.vae", "hasattr(model, 'log_prob')", "hasattr"),
        ("reverie.models.vae", "raise NotImplementedError('no')", "NotImplementedError"),
    ],
)
def test_a_crossing_is_seen(module, source, said):
    (message,) = offences(module, source)
    assert said in message


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("reverie", "from reverie.learners import JSA\nfrom reverie.version import __version__"),
        ("reverie.learners.jsa", "from reverie.samplers import MetropolisIndependence\nimport numpy as np"),
        ("reverie.learners.em", "from reverie.models.mixture import GaussianMixture"),
        ("reverie.samplers.gibbs", "from reverie.capabilities import HasGibbs\nfrom reverie import noise"),
        (
            "reverie.runs.pictures",
            "from matplotlib.figure import Figure\nfrom reverie.runs.folder import Run",
        ),
        ("reverie.data.files", "import gzip\nimport re\nre.compile('x')\nnp.load(p, allow_pickle=False)"),
        (
            "reverie.cli.main",
            "import cyclopts\nfrom rich.progress import Progress\nfrom reverie import __version__",
        ),
    ],
)
def test_what_is_allowed_passes(module, source):
    assert offences(module, source) == []


def classes():
    import reverie

    for found in pkgutil.walk_packages(reverie.__path__, "reverie."):
        if not found.name.endswith("__main__"):
            module = importlib.import_module(found.name)
            yield from (cls for _, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == found.name)


def test_every_class_is_abstract_or_final():
    assert inheritance(classes(), MIXINS, DEFAULTS) == []


def test_inheritance_that_breaks_the_rule_is_seen():
    import equinox as eqx

    class Verb(eqx.Module):
        __module__ = "reverie.planted"

        @abstractmethod
        def act(self):
            """Do it."""

        def twice(self):
            return self.act() + self.act()

    class Good(Verb):
        __module__ = "reverie.planted"

        def act(self):
            return 1

    class Heir(Good):
        __module__ = "reverie.planted"

    class Overrider(Verb):
        __module__ = "reverie.planted"

        def act(self):
            return 1

        def twice(self):
            return 3

    assert inheritance([Verb, Good]) == []
    assert inheritance([Heir])[0].endswith("Good, which is concrete")
    assert inheritance([Heir], ["Good"]) == []
    assert ".twice overrides" in inheritance([Overrider])[0]
    assert inheritance([Overrider], defaults=["Verb.twice"]) == []


def imported_by(code):
    """The heavy libraries that a fresh interpreter has loaded after running `code`."""
    report = "import sys; print('LOADED', *sorted({name.split('.')[0] for name in sys.modules}))"
    command, env = [sys.executable, "-c", f"{code}\n{report}"], os.environ | {"PYTHONPATH": str(SRC)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
    return HEAVY & set(done.stdout.splitlines()[-1].split())


def test_the_guard_of_light_imports_sees_a_heavy_one():
    assert "scipy" in imported_by("import scipy")


def test_importing_reverie_loads_nothing_heavy():
    assert imported_by("import reverie; reverie.__version__") == set()


def test_the_command_says_its_version_without_jax():
    code = "import sys; sys.argv = ['reverie', '--version']\nfrom reverie.cli import main\n"
    assert imported_by(code + "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code") == set()
