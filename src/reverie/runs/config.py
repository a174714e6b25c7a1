"""`config.json`: every setting of a run, enough to build the model again and to go on."""

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import msgspec

from reverie.data import Measure, Schema, Spec, measure_from_config
from reverie.errors import InputError
from reverie.learners import Learner
from reverie.pairing import make_learner, make_part
from reverie.parts import Optimiser, Part
from reverie.version import __version__

FORMAT = 1
PACKAGES = ("jax", "jaxlib", "numpy", "equinox", "optax", "numpyro", "flowjax", "scikit-learn")


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part or a learner: its name in the registry and its options."""

    name: str
    options: dict[str, Any]


class DataRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which data a run was fitted on.

    Attributes:
        name: the source's name.
        fingerprint: SHA-256 of the content.
        rows: how many rows each split has.
        recipe: the arguments of `load` that give the data again; `None` where they came from memory.
        schema: what the raw columns are.
        spec: what the model knows of them.
        measure: how a raw row becomes the model's.
    """

    name: str
    fingerprint: str
    rows: dict[str, int]
    recipe: dict[str, Any] | None
    schema: Schema
    spec: Spec
    measure: dict[str, Any]


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a run.

    Attributes:
        parts: each part's name and options, the model's under `model`.
        learner: likewise.
        data: which data.
        optimisers: each moved part's optimiser, in full.
        batch: rows a step.
        steps: the step to end at, where one was set.
        seconds: the budget in seconds, where one was set.
        average: the decay of the moving average of the parameters, if any.
        patience: validations without a gain after which the run stops; `None` never stops early.
        every: steps between reports.
        validate_every: steps between validations.
        seed: of everything.
        prng: the generator of bulk noise.
        created: when, in UTC.
        versions: of Reverie, Python and the packages that decide the last bits.
        device: what it ran on.
        format: of this file.
    """

    parts: dict[str, Unit]
    learner: Unit
    data: DataRecord
    optimisers: dict[str, Optimiser]
    batch: int
    steps: int | None
    seconds: float | None
    average: float | None
    patience: int | None
    every: int
    validate_every: int
    seed: int
    prng: str
    created: str
    versions: dict[str, str]
    device: str
    format: int = FORMAT

    def blank_parts(self) -> dict[str, Part]:
        """The parts without their arrays."""
        return {role: make_part(role, unit.name, unit.options) for role, unit in self.parts.items()}

    def make_learner(self) -> Learner:
        """The learner."""
        return make_learner(self.learner.name, self.learner.options)

    def make_measure(self) -> Measure:
        """The measure."""
        return measure_from_config(self.data.measure)


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    found = {"reverie": __version__, "python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in PACKAGES}


def device_name() -> str:
    """The device that arrays live on."""
    device = jax.devices()[0]
    return f"{device.device_kind} x {jax.device_count()}"


def encode_config(config: Config) -> bytes:
    """As readable JSON."""
    return msgspec.json.format(msgspec.json.encode(config), indent=2)


def read_config(path: Path) -> Config:
    """The configuration of a run folder; anything that is not one is refused in one sentence."""
    file = path / "config.json"
    if not file.is_file():
        raise InputError(f"{path} is not a run folder: it has no config.json")
    try:
        config = msgspec.json.decode(file.read_bytes(), type=Config)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file} is not a configuration that this version can read: {error}") from None
    if "model" not in config.parts:
        raise InputError(f"{file} describes no model")
    if not config.data.spec.leaves:
        raise InputError(f"{file} describes rows without columns")
    for leaf in config.data.spec.leaves.values():
        if leaf.kind != "categorical" and not len(leaf.mean) == len(leaf.std) == leaf.size:
            raise InputError(f"{file}: {leaf.size} {leaf.kind} columns have {len(leaf.mean)} means")
    config.make_measure()
    if config.format != FORMAT:
        raise InputError(f"{file} has format {config.format} and this version reads {FORMAT}")
    return config


def as_json(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as JSON knows them."""
    return msgspec.json.decode(msgspec.json.encode(dict(options)), type=dict[str, Any])
