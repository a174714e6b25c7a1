"""Every unit has a row in its registry, a docstring that says where it comes from, and examples that run."""

import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest

import reverie
from reverie import auxiliaries, directions, inference, learners, models, samplers
from reverie.auxiliaries import AUXILIARIES
from reverie.capabilities import Capability
from reverie.capabilities.capability import capabilities
from reverie.directions import DIRECTIONS, Direction
from reverie.inference import INFERENCE
from reverie.learners import LEARNERS
from reverie.models import MODELS
from reverie.parts import Part
from reverie.samplers import SAMPLERS, Sampler

REGISTRIES: dict[str, tuple[ModuleType, type, set[type]]] = {
    "models": (models, Part, set(MODELS.values())),
    "inference": (inference, Part, set(INFERENCE.values())),
    "auxiliaries": (auxiliaries, Part, {cls for registry in AUXILIARIES.values() for cls in registry.values()}),
    "samplers": (samplers, Sampler, set(SAMPLERS)),
    "directions": (directions, Direction, set(DIRECTIONS)),
}
UNITS = [unit for _, _, rows in REGISTRIES.values() for unit in sorted(rows, key=lambda cls: cls.__name__)]
SOURCE = re.compile(r"Reference: |Ou 2019, (Alg|Eq|§)")


def modules_of(package):
    """A package and all its modules."""
    names = [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return [package, *(importlib.import_module(name) for name in names)]


def concrete(package, base):
    """The classes of a package that are units: of that base, public, with nothing left abstract."""
    return {
        cls
        for module in modules_of(package)
        for name, cls in inspect.getmembers(module, inspect.isclass)
        if cls.__module__ == module.__name__ and issubclass(cls, base) and not inspect.isabstract(cls)
        if not name.startswith("_") and cls is not base
    }


@pytest.mark.parametrize("room", REGISTRIES)
def test_every_public_unit_has_a_row(room):
    package, base, rows = REGISTRIES[room]
    assert concrete(package, base) == rows
    assert {cls.__name__ for cls in rows} <= set(package.__all__)


def test_every_assembly_has_a_row():
    public = {
        name: function
        for module in modules_of(learners)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and inspect.signature(function).return_annotation is learners.Learner
    }
    assert set(public.values()) == set(LEARNERS.values())
    assert set(public) <= set(learners.__all__)


def test_a_unit_without_a_row_is_seen(monkeypatch):
    class Forgotten(Sampler):
        gives = ()
        exactness = "exact"

        def draw(self, tick, parts, batch, chain):
            return {}, chain, {}

    assert not inspect.isabstract(Forgotten)
    Forgotten.__module__ = samplers.__name__
    monkeypatch.setattr(samplers, "Forgotten", Forgotten, raising=False)
    assert concrete(samplers, Sampler) - set(SAMPLERS) == {Forgotten}


def test_capabilities_are_abstract_and_empty():
    found = list(capabilities())
    assert len(found) > 20
    assert Capability not in found
    for capability in found:
        assert inspect.isabstract(capability), capability
        assert capability.__doc__


@pytest.mark.parametrize("unit", [*UNITS, *LEARNERS.values()], ids=lambda unit: unit.__name__)
def test_a_docstring_says_where_a_unit_comes_from_and_shows_it(unit):
    doc = inspect.getdoc(unit) or ""
    assert doc.splitlines()[0].endswith(".")
    assert SOURCE.search(doc), "no reference"
    assert ">>> " in doc, "no example"
    options = [name for name in inspect.signature(unit).parameters if name not in learned(unit)]
    for name in options:
        assert re.search(rf"^ +{name}: ", doc, re.MULTILINE), f"the argument {name} is not described"


def learned(unit):
    """The fields that no person sets."""
    fields = dataclasses.fields(unit) if dataclasses.is_dataclass(unit) else ()
    return {field.name for field in fields if field.metadata.get("reverie-role") in ("learned", "known")}


SOURCES = Path(reverie.__file__).parent
# Rooms whose examples fit, read or write: their own tests run them.
HEAVY = {"runs", "bakeoff", "cli", "estimators", "studio"}
SHOWING = [
    path
    for path in sorted(SOURCES.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8") and path.relative_to(SOURCES).parts[0] not in HEAVY
]


@pytest.mark.parametrize("path", SHOWING, ids=lambda path: path.relative_to(SOURCES).as_posix())
def test_examples_run(path):
    names = path.relative_to(SOURCES.parent).with_suffix("").parts
    module = importlib.import_module(".".join(name for name in names if name != "__init__"))
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
