"""The settings of a new run: what was asked for, completed by defaults and checked before anything is written."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from reverie import noise
from reverie.capabilities import HasPotential, HasPotentialBound
from reverie.data import Batches, Dataset
from reverie.errors import InputError
from reverie.learners import Learner
from reverie.pairing import name_of
from reverie.parts import Optimiser, Part, merge, options_of
from reverie.runs.budget import Budget, budget_of
from reverie.runs.config import Config, DataRecord, Unit, as_json, device_name, versions

VALIDATIONS, ANNEALED = 40, 20
"""How many validations a run of known length has; and one whose model must be annealed at each."""


def keys_of(config: Config) -> Any:
    """The keys of the starting values, of the loop, and of held-out estimates."""
    return jax.random.split(noise.make_key(config.seed, config.prng), 3)


class Request(NamedTuple):
    """What was asked of a run; `fit` says what each means."""

    steps: int | None
    epochs: float | None
    budget: str | float | None
    seed: int
    batch: int | None
    learning_rate: float | Mapping[str, float] | None
    optimiser: Mapping[str, Any] | None
    average: float | None
    patience: int | None
    prng: str


def configure(dataset: Dataset, pair: Mapping[str, Part], learner: Learner, asked: Request) -> Config:
    """The settings of a run of this pair on these data; what cannot be used is refused here."""
    if asked.batch is not None and asked.batch < 1:
        raise InputError(f"batch must be at least 1, not {asked.batch}")
    if asked.patience is not None and asked.patience < 1:
        raise InputError(f"patience must be at least 1, not {asked.patience}; None never stops early")
    if asked.average is not None and not 0 < asked.average < 1:
        raise InputError(f"the decay of the moving average must lie in (0, 1), not {asked.average}")
    noise.make_key(asked.seed, asked.prng)
    size = asked.batch if asked.batch is not None else learner.batch
    batches = Batches(len(dataset.train), len(dataset.train) if size is None else size, asked.seed)
    end = budget_of(asked.steps, asked.epochs, asked.budget, batches.per_epoch)
    every = _every(end, batches.per_epoch, whole=learner.batch is None)
    validations = ANNEALED if isinstance(pair["model"], HasPotential | HasPotentialBound) else VALIDATIONS
    wanted = batches.per_epoch if end.steps is None else end.steps // validations
    optimisers = _optimisers(learner, asked.learning_rate, asked.optimiser)
    for one in optimisers.values():
        one.learning_rate(end.steps)
    units = {role: Unit(name_of(part)[1], as_json(options_of(part))) for role, part in pair.items()}
    record = DataRecord(
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        rows={"train": len(dataset.train), "valid": len(dataset.valid), "test": len(dataset.test)},
        recipe=None if dataset.recipe is None else dict(dataset.recipe),
        schema=dataset.schema,
        spec=dataset.spec,
        measure=dataset.measure.to_config(),
    )
    return Config(
        parts=units,
        learner=Unit(learner.name, as_json(learner.options)),
        data=record,
        optimisers=optimisers,
        batch=batches.batch,
        steps=end.steps,
        seconds=end.seconds,
        average=asked.average,
        patience=asked.patience,
        every=every,
        validate_every=max(1, -(-wanted // every)) * every,
        seed=asked.seed,
        prng=asked.prng,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        versions=versions(),
        device=device_name(),
    )


def _every(end: Budget, per_epoch: int, *, whole: bool) -> int:
    """Steps between reports: a hundredth of a run of known length, else about an epoch; few rows overfit fast."""
    if end.steps is not None:
        return max(1, min(500, end.steps // 100))
    return 1 if whole else max(10, min(100, per_epoch))


def _optimisers(
    learner: Learner, learning_rate: float | Mapping[str, float] | None, changes: Mapping[str, Any] | None
) -> dict[str, Optimiser]:
    """Each moved part's optimiser: the learner's own, changed as asked."""
    found = {}
    moves = learner.direction.moves
    if isinstance(learning_rate, Mapping) and set(learning_rate) - set(moves):
        unknown = sorted(set(learning_rate) - set(moves))[0]
        raise InputError(f"there is no moved part {unknown!r} to give a learning rate; {learner.name} moves {moves}")
    for name in moves:
        asked = dict(changes or {})
        rate = learning_rate.get(name) if isinstance(learning_rate, Mapping) else learning_rate
        if rate is not None:
            asked["rate"] = rate
        found[name] = merge(learner.optimiser.get(name, Optimiser()), asked)
    return found


def new_folder(out: str | Path | None, config: Config) -> Path:
    """An empty folder for the run; one that exists is never written into."""
    if out is not None:
        path = Path(out)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} exists already; choose another --out, or go on with it by --resume {path}")
        _make(path)
        return path
    data = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in Path(config.data.name).stem)
    stem = f"{config.parts['model'].name}-{config.learner.name}-{data or 'data'}"
    number = 1
    while (path := Path("runs") / f"{stem}-{number}").exists():
        number += 1
    _make(path)
    return path


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"the run folder {path} cannot be made: {error.strerror}") from None
