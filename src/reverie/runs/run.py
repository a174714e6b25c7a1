"""A fitted pair: a folder, and what can be asked of it."""

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from reverie import noise
from reverie.capabilities import (
    ConditionsOnClass,
    Decodes,
    GuidesClasses,
    HasPotential,
    HasPotentialBound,
    Speaks,
    SplitsColumns,
)
from reverie.data import Binarise, BinariseDynamic, Measure, Rows, Schema, Spec, read_rows
from reverie.errors import InputError
from reverie.estimate import Estimate
from reverie.evaluation import (
    Scores,
    class_normalisers,
    classes_of,
    decoded,
    encoded,
    log_normaliser,
    reference_of,
    retold,
    samples_of,
    score,
    to_raw,
    uncoded,
)
from reverie.evaluation.recoding import How as Coding
from reverie.evaluation.told import How
from reverie.pairing import fill
from reverie.parts import Parts
from reverie.runs.arrays import decode, encode, restore
from reverie.runs.config import Config, read_config
from reverie.runs.files import write_whole

MODEL_FILE = "model.safetensors"
RESULT_FILE = "result.json"


class Result(msgspec.Struct, forbid_unknown_fields=True):
    """`result.json`: how a run stands.

    Attributes:
        status: `finished`, `interrupted` or `failed`.
        why: what ended it, in words.
        step: steps done.
        best_step: the step whose parameters were kept.
        seconds: seconds of training.
        parameters: how many numbers were learned.
        log_likelihood: on the held-out rows, where there is one.
        log_normaliser: log Z, for models that have one.
    """

    status: str
    why: str
    step: int
    best_step: int
    seconds: float
    parameters: int
    log_likelihood: Estimate | None = None
    log_normaliser: Estimate | None = None


class Run:
    """A run folder, opened. Nothing in the folder is ever executed.

    Args:
        path: the folder.
        config: its settings.
        parts: the parts with their arrays, as `sample`, `score` and `evaluate` use them.
        result: how it stands.
    """

    def __init__(self, path: Path, config: Config, parts: Parts, result: Result) -> None:
        self.path, self.config, self.parts, self.result = path, config, parts, result

    @property
    def model(self) -> str:
        """The model's name."""
        return self.config.parts["model"].name

    @property
    def learner(self) -> str:
        """The learner's name."""
        return self.config.learner.name

    @property
    def seed(self) -> int:
        """The seed of everything."""
        return self.config.seed

    @property
    def status(self) -> str:
        """`finished`, `interrupted` or `failed`."""
        return self.result.status

    @property
    def step(self) -> int:
        """Steps done."""
        return self.result.step

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return self.result.seconds

    @property
    def parameters(self) -> int:
        """How many numbers were learned."""
        return self.result.parameters

    @property
    def log_likelihood(self) -> Estimate | None:
        """On the held-out rows, as it was when the run ended."""
        return self.result.log_likelihood

    @property
    def spec(self) -> Spec:
        """What the model knows of its data."""
        return self.config.data.spec

    @property
    def schema(self) -> Schema:
        """What the raw columns are."""
        return self.config.data.schema

    @cached_property
    def measure(self) -> Measure:
        """How a raw row becomes the model's."""
        return self.config.make_measure()

    @property
    def reference(self) -> str:
        """The space and base measure of its likelihood, and which columns it is of where not of whole rows."""
        return reference_of(self.parts["model"], self.measure)

    @cached_property
    def log_z(self) -> Estimate | None:
        """log Z of an unnormalised model, computed once for a run."""
        if not isinstance(self.parts["model"], HasPotential | HasPotentialBound):
            return None
        return self.result.log_normaliser or log_normaliser(self.parts["model"], seed=self.seed)

    @cached_property
    def class_log_z(self) -> tuple[Estimate, ...] | None:
        """log Z of each class of a model of rows given a class, computed once for an opened run."""
        model = self.parts["model"]
        return class_normalisers(model, seed=self.seed) if isinstance(model, ConditionsOnClass) else None

    def read(self, source: Any, *, missing: str = "refuse") -> Rows:
        """New rows of the run's schema.

        A model of binarised pixels draws bits. Rows that hold nothing but 0 and 1 are therefore read as such bits, so
        that a run can score what it has drawn; as pixels of the original range they would all be blank.
        """
        rows = read_rows(source, self.schema, missing=missing)
        high = max((column.high or 0.0 for column in self.schema.columns if column.kind == "integer"), default=0.0)
        binarised = isinstance(self.measure, Binarise | BinariseDynamic)
        if not (binarised and high > 1 and isinstance(rows.raw, np.ndarray) and rows.raw.max() <= 1):
            return rows
        return dataclasses.replace(rows, raw=(rows.raw * high).astype(rows.raw.dtype))

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        label: int | str | None = None,
        guidance: float = 1.0,
        temperature: float = 1.0,
    ) -> Any:
        """`n` draws in raw space: an array [n, columns], or a dict of them for a mixed table.

        Args:
            n: how many.
            seed: of the draws.
            label: draw rows of this class, by its name in the data or its number; for models with a class in them.
            guidance: how strongly, for models that are guided by classes: 0 forgets the class, 1 is p(x | y).
            temperature: for models of text that say it word after word: below 1 likely words come more often than the
                model has it, above 1 less often, at 0 always the likeliest. Rows are draws of the model at 1 alone.
        """
        if n < 1:
            raise InputError(f"the number of samples must be at least 1, not {n}")
        if not 0.0 <= guidance < float("inf"):
            raise InputError(f"guidance must be at least 0 and finite, not {guidance}")
        if not 0.0 <= temperature < float("inf"):
            raise InputError(f"temperature must be at least 0 and finite, not {temperature}")
        if temperature != 1.0 and not isinstance(self.parts["model"], Speaks):
            raise InputError(f"{self.model} does not say rows word after word, as a temperature needs: leave it out")
        chosen = None if label is None else self._class_of(label)
        key = noise.make_key(seed, self.config.prng)
        x = samples_of(self.parts, n, key, label=chosen, guidance=guidance, temperature=temperature)
        return to_raw(self.measure, x)

    def _class_of(self, label: int | str) -> int:
        """The number of a class, refused where the model has no such class."""
        model = self.parts["model"]
        # What a learner makes of its classes without labels has numbers and no names.
        told = self.config.make_learner().labels or isinstance(model, GuidesClasses)
        known = self.schema.label if told else None
        count = classes_of(model)
        if count is None:
            why = (
                "was made without classes: fit it with --model.classes"
                if isinstance(model, GuidesClasses)
                else "has no classes to draw from: leave the label out"
            )
            raise InputError(f"{self.model} {why}")
        names = [] if known is None else [str(name) for name in known.classes]
        if str(label) in names[:count]:
            return names.index(str(label))
        if not names and str(label).isdecimal() and int(label) < count:
            return int(label)
        choices = ", ".join(names[:count]) if names else f"0 to {count - 1}"
        raise InputError(f"{label!r} is no class of this run: choose from {choices}")

    def score(self, x: Any, *, samples: int = 1000, seed: int = 0) -> Scores:
        """The log-likelihood of each row, in nats, in raw space.

        Args:
            x: `Rows`, or anything that `load` reads with the run's columns.
            samples: codes for each row, where the likelihood is bounded by importance weighting.
            seed: of those codes; a row's score depends on the seed and the row alone.
        """
        rows = x if isinstance(x, Rows) else self.read(x)
        key = noise.make_key(seed, self.config.prng)
        known: dict[str, Any] = {"log_z": self.log_z, "class_log_z": self.class_log_z}
        scores = score(self.parts, self.measure, rows.raw, key, samples=samples, **known)
        if scores is None and isinstance(self.parts["model"], SplitsColumns):
            raise InputError(
                f"{self.model} has a log Z for each row, too long a sum to score rows by: `reverie evaluate --ais` "
                "anneals those of the first rows"
            )
        if scores is None:
            raise InputError(f"{self.model} is implicit: it has draws but no likelihood; use a two-sample figure")
        return scores

    def retold(self, x: Any, *, how: How = "likeliest", seed: int = 0) -> Any:
        """Rows in raw space with those of their columns told anew that the model tells given the others.

        Args:
            x: `Rows`, or anything that `load` reads with the run's columns; what stands in the told ones is not read.
            how: `likeliest`, the likeliest values together, or `sample`, a draw of them.
            seed: of the draw.
        """
        rows = x if isinstance(x, Rows) else self.read(x)
        return retold(self.parts["model"], self.measure, rows.raw, noise.make_key(seed, self.config.prng), how)

    def encode(self, x: Any, *, how: Coding = "mean", seed: int = 0) -> Any:
        """The codes of rows: an array [n, size], or a tuple of them where the model has several blocks of h.

        Bits are booleans, categories whole numbers; blocks come from the one next to x upwards.

        Args:
            x: `Rows`, or anything that `load` reads with the run's columns.
            how: `mean`, the middle of q(h | x) (of bits and categories the likeliest values), or `draw`.
            seed: of the draws; a row's code depends on the seed and the row alone.
        """
        why = uncoded(self.parts)
        if why is not None:
            raise InputError(f"{self.model} by {self.learner} {why}")
        rows = x if isinstance(x, Rows) else self.read(x)
        found = encoded(self.parts, self.measure, rows.raw, noise.make_key(seed, self.config.prng), how)
        return found[0] if len(found) == 1 else found

    def decode(self, h: Any, *, how: Coding = "mean", seed: int = 0) -> Any:
        """The rows of codes, in raw space.

        Args:
            h: codes as `encode` gives them, of rows or of one's own making.
            how: `mean`, of p(x | h) the mean of reals and the likeliest bits and categories, or `draw`.
            seed: of the draws.
        """
        if not isinstance(self.parts["model"], Decodes):
            raise InputError(f"{self.model} gives no rows of codes: that needs a model with latent variables above x")
        blocks = tuple(h) if isinstance(h, tuple | list) else (h,)
        return decoded(self.parts["model"], self.measure, blocks, noise.make_key(seed, self.config.prng), how)

    def reconstruct(self, x: Any, *, how: Coding = "mean", seed: int = 0) -> Any:
        """Rows by way of their codes, `decode(encode(x))`, in raw space.

        Args:
            x: `Rows`, or anything that `load` reads with the run's columns.
            how: `mean` or `draw`, of the code and of the row.
            seed: of the draws.
        """
        return self.decode(self.encode(x, how=how, seed=seed), how=how, seed=seed)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {self.model} by {self.learner}, {self.step} steps, {self.status})"


def save_parts(path: Path, parts: Parts) -> None:
    """Write the parameters that `load_run` reads."""
    write_whole(path / MODEL_FILE, encode(parts))


def save_result(path: Path, result: Result) -> None:
    """Write how a run stands."""
    fields = msgspec.structs.asdict(result)
    for name in ("log_likelihood", "log_normaliser"):
        fields[name] = None if fields[name] is None else fields[name].to_dict()
    write_whole(path / RESULT_FILE, msgspec.json.format(msgspec.json.encode(fields), indent=2))


def _estimate(fields: dict[str, Any] | None) -> Estimate | None:
    if fields is None:
        return None
    numbers = {name: float("nan") if fields[name] is None else fields[name] for name in ("value", "se")}
    ordered = [(fields | numbers)[name] for name in Estimate._fields]
    return msgspec.convert(ordered, Estimate)


def read_result(path: Path) -> Result | None:
    """How a run stands; `None` when it never came to an end."""
    file = path / RESULT_FILE
    if not file.is_file():
        return None
    try:
        fields = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        estimates = {name: _estimate(fields.pop(name)) for name in ("log_likelihood", "log_normaliser")}
        return msgspec.structs.replace(msgspec.convert(fields, Result), **estimates)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file} is damaged: {error}") from None


def load_run(path: str | Path) -> Run:
    """Open a run folder: its settings and parameters. Nothing in it is executed."""
    path = Path(path)
    if not path.is_dir():
        raise InputError(f"there is no run folder {path}")
    config = read_config(path)
    file = path / MODEL_FILE
    result = read_result(path)
    if result is None or not file.is_file():
        raise InputError(f"{path} has not come to an end; go on with it by: reverie fit --resume {path}")
    template = fill(config.blank_parts(), noise.make_key(0, config.prng), config.data.spec)
    parts = restore(template, decode(file.read_bytes(), file), file, config.prng)
    return Run(path, config, parts, result)
