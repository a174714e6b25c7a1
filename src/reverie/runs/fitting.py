"""`fit` and `resume`: a pair, a data set and a budget become a run folder."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reverie.capabilities import HasClass
from reverie.data import Batches, Dataset, load, load_again
from reverie.errors import InputError
from reverie.learners import Learner
from reverie.pairing import check, fill, make_learner, make_part, usual_learner
from reverie.parts import Part
from reverie.runs import checkpoints, metrics
from reverie.runs.budget import budget_of
from reverie.runs.config import Config, encode_config, read_config
from reverie.runs.configure import Request, configure, keys_of, new_folder
from reverie.runs.files import write_whole
from reverie.runs.run import Run, read_result
from reverie.runs.session import CHECKPOINTS, METRICS_FILE, Listener, Session, Sitting


def fit(
    data: Dataset | Any,
    model: str | Part = "vae",
    learner: str | Learner | None = None,
    *,
    parts: Mapping[str, Part] | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    budget: str | float | None = None,
    seed: int = 0,
    batch: int | None = None,
    learning_rate: float | Mapping[str, float] | None = None,
    optimiser: Mapping[str, Any] | None = None,
    average: float | None = None,
    patience: int | None = 10,
    out: str | Path | None = None,
    prng: str = "counter",
    tensorboard: bool = False,
    checkpoint_seconds: float = 30.0,
    pictures: bool = True,
    progress: Listener | None = None,
) -> Run:
    """Fit a model by a learner, and keep everything in a run folder.

    Args:
        data: a `Dataset`, or anything that `reverie.data.load` reads.
        model: a model, blank or named; `"sbn"` and `models.SigmoidBeliefNet()` mean the same.
        learner: a learner, or its name; the first that fits the model when not given.
        parts: other parts by role, where the defaults do not serve: `{"inference": GaussianPosterior((100,))}`.
        steps: end at this step.
        epochs: end after so many passes over the training rows.
        budget: end after this time: `"2m"`, or seconds, from the end of compilation on. With none of the three, 5,000
            steps.
        seed: of the starting values, the draws and the order of the rows.
        batch: rows a step; the learner's default when not given.
        learning_rate: one for all parts, or one for each.
        optimiser: fields of `parts.Optimiser` to change, for all parts.
        average: the decay of a moving average of the parameters, which is then what the run keeps.
        patience: stop after so many validations without a gain and keep the best parameters; `None` goes on to the
            end and keeps the last.
        out: the run folder; `runs/<model>-<learner>-<data>-<n>` when not given.
        prng: the generator of bulk noise, `counter` or `threefry`.
        tensorboard: write TensorBoard events too.
        checkpoint_seconds: how often the whole state is saved.
        pictures: write samples.png, curves.png and report.html at the end.
        progress: called at each report.

    Example:
        >>> import reverie as rv
        >>> data = rv.data.load("digits", binarize=True)
        >>> run = rv.fit(data, rv.models.SigmoidBeliefNet((50,)), rv.learners.JSA(), budget="20s")  # doctest: +SKIP
    """
    dataset = data if isinstance(data, Dataset) else load(data)
    blank = make_part("model", model, {}) if isinstance(model, str) else model
    chosen = _learner_for(blank, learner, dataset)
    if dataset.train.mask is not None:
        raise InputError(
            "these data have missing values, which no learner here can use yet: load them with missing='drop'"
        )
    pair = check(blank, chosen, parts)
    _check_labels(dataset, pair["model"], chosen)
    asked = Request(steps, epochs, budget, seed, batch, learning_rate, optimiser, average, patience, prng)
    config = configure(dataset, pair, chosen, asked)
    filled = fill(pair, keys_of(config)[0], dataset.spec)
    path = new_folder(out, config)
    try:
        write_whole(path / "config.json", encode_config(config))
        settings = Sitting(checkpoint_seconds, tensorboard, pictures, progress)
        session = Session(path, config, dataset, filled, chosen, settings)
        return session.go(session.loop.start(filled))
    except InputError:
        # What the first step refused has taught nothing: leave no folder for it.
        if not (path / CHECKPOINTS).exists():
            shutil.rmtree(path)
        raise


def resume(
    path: str | Path,
    *,
    data: Dataset | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    budget: str | float | None = None,
    tensorboard: bool = False,
    checkpoint_seconds: float = 30.0,
    pictures: bool = True,
    progress: Listener | None = None,
) -> Run:
    """Go on with a run from its newest good checkpoint.

    Up to the end that it had, the result is bit for bit that of the run left alone, on the same machine.

    Args:
        path: the run folder.
        data: the data, where they came from memory and cannot be read again.
        steps: a new end; likewise `epochs` and `budget`. The old one when none is given.
        epochs: see `steps`.
        budget: see `steps`.
        tensorboard: write TensorBoard events too.
        checkpoint_seconds: how often the whole state is saved.
        pictures: write the pictures and the report at the end.
        progress: called at each report.
    """
    path = Path(path)
    config = read_config(path)
    dataset = _same_data(config, data)
    new_end = any(end is not None for end in (steps, epochs, budget))
    if new_end:
        per_epoch = Batches(len(dataset.train), config.batch, config.seed).per_epoch
        end = budget_of(steps, epochs, budget, per_epoch)
        ending = any(one.schedule in ("cosine", "linear") for one in config.optimisers.values())
        if ending and end.steps != config.steps:
            raise InputError("a schedule that ends was made for the old number of steps: resume without a new end")
        config = Config(**{**_fields(config), "steps": end.steps, "seconds": end.seconds})
    elif (done := read_result(path)) is not None and done.status == "finished":
        raise InputError(f"{path} is finished ({done.why}); give --steps, --epochs or --budget to go further")
    learner = config.make_learner()
    filled = fill(check(config.blank_parts()["model"], learner, _others(config)), keys_of(config)[0], dataset.spec)
    settings = Sitting(checkpoint_seconds, tensorboard, pictures, progress)
    session = Session(path, config, dataset, filled, learner, settings)
    start = session.loop.start(filled)
    found = checkpoints.newest(path / CHECKPOINTS)
    if found is not None:
        arrays, session.progressed, where = found
        start, session.best = checkpoints.state_from(arrays, start, filled, where, config.prng)
        session.progressed.halted = None
        session.progressed.stale = 0 if new_end else session.progressed.stale
    metrics.rewind(path / METRICS_FILE, session.progressed.step)
    write_whole(path / "config.json", encode_config(config))
    return session.go(start)


def _check_labels(data: Dataset, model: Part, learner: Learner) -> None:
    """Refuse data without labels for a learner that reads them, and labels that the model has no class for."""
    if not learner.labels:
        return
    if data.train.y is None:
        raise InputError(f"{learner.name} learns from labels and {data.name!r} has none: name their column by label=…")
    named = int(data.train.y.max(initial=-1)) + 1
    if isinstance(model, HasClass) and model.latents[-1].levels < named:
        raise InputError(
            f"the labels name {named} classes and the model has {model.latents[-1].levels}: leave classes out"
        )


def _learner_for(model: Part, learner: str | Learner | None, data: Dataset) -> Learner:
    if learner is None:
        return usual_learner(model, labels=data.train.y is not None)
    return make_learner(learner) if isinstance(learner, str) else learner


def _fields(config: Config) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__struct_fields__}


def _others(config: Config) -> dict[str, Part]:
    return {role: part for role, part in config.blank_parts().items() if role != "model"}


def _same_data(config: Config, data: Dataset | None) -> Dataset:
    """The data of a run, read again; refused when they are not the same."""
    record = config.data
    if data is None:
        if record.recipe is None:
            raise InputError("this run's data came from memory: give them again, as resume(path, data=…)")
        return load_again(record.recipe, record.schema, record.fingerprint, record.name)
    if data.fingerprint != record.fingerprint:
        raise InputError(f"{record.name!r} has changed since the run began (its fingerprint differs)")
    return data
