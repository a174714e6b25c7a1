"""`reverie fit`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from reverie.cli import console, dotted, signals
from reverie.cli.choose import choose
from reverie.cli.progress import Display
from reverie.cli.reading import Count, Folder, Fraction, Patience, Quiet, Seed, rates
from reverie.cli.source import NOTHING, Source, description
from reverie.cli.tables import run_facts
from reverie.cli.words import listed
from reverie.errors import InputError

PAIR = Parameter(group=Group("The pair", sort_key=1), metavar="NAME")
LENGTH = Parameter(group=Group("How long, and how", sort_key=2))
WORD = Parameter(metavar="WORD", show_choices=False)
OUTPUT = Parameter(group=Group("What is written and shown", sort_key=4))


def fit(
    data: str | None = None,
    /,
    *,
    model: Annotated[str | None, PAIR] = None,
    learner: Annotated[str | None, PAIR] = None,
    inference: Annotated[str | None, PAIR] = None,
    critic: Annotated[str | None, PAIR] = None,
    part: Annotated[list[str] | None, PAIR, Parameter(metavar="ROLE=NAME", negative=())] = None,
    options: Annotated[dotted.Options, Parameter(parse=False)],
    steps: Annotated[Count | None, LENGTH] = None,
    epochs: Annotated[Fraction | None, LENGTH] = None,
    budget: Annotated[str | None, LENGTH, Parameter(metavar="TIME")] = None,
    seed: Annotated[Seed | None, LENGTH] = None,
    batch: Annotated[Count | None, LENGTH] = None,
    learning_rate: Annotated[str | None, LENGTH, Parameter(metavar="X")] = None,
    ema: Annotated[Fraction | None, LENGTH] = None,
    patience: Annotated[Patience | None, LENGTH] = None,
    prng: Annotated[Literal["counter", "threefry"] | None, LENGTH, WORD] = None,
    source: Source = NOTHING,
    out: Annotated[Folder | None, OUTPUT] = None,
    resume: Annotated[Folder | None, OUTPUT] = None,
    tensorboard: Annotated[bool, OUTPUT] = False,
    json: Annotated[bool, OUTPUT] = False,
    quiet: Annotated[Quiet, OUTPUT] = False,
) -> int:
    """Fit one model by one learner, and keep everything in a run folder.

    Options of a part are written --PART.NAME VALUE, where PART is model, learner, optimiser or
    the role of a part, such as inference, critic or baseline:

        reverie fit digits --model sbn --model.sizes 50,20 --learner.moves 5

    `reverie options sbn` says which there are, and `reverie pairs` which learner fits which model.
    Ctrl-C saves and ends the run; --resume goes on where it stood.

    Args:
        data: A built-in name (digits, iris, moons, …), a table, array or text file, or a folder of pictures.
        model: The model; one that suits the data when not given.
        learner: The learner; the first that fits the model when not given.
        inference: The inference model q(h|x), where the learner uses one.
        critic: The critic, where the learner uses one.
        part: Any other part of the learner's, such as baseline=baseline; may be given several times.
        options: Options of parts.
        steps: End at this step (5000, where no end is given).
        epochs: End after so many passes over the training rows.
        budget: End after this time: 90s, 2m, 1h30m.
        seed: The seed of starting values, draws and the order of rows (0).
        batch: Rows a step; the learner's own choice when not given.
        learning_rate: One for all parts, such as 3e-3, or each its own, such as model=1e-3,inference=3e-3.
        ema: Keep a moving average of the parameters with this decay (such as 0.999).
        patience: Stop after so many validations without a gain (10); "none" never stops early.
        prng: The generator of bulk random numbers: counter (the default) or threefry.
        source: How the data are read.
        out: The run folder; runs/MODEL-LEARNER-DATA-N when not given.
        resume: Go on with this run; beside it, only a new end may be given.
        tensorboard: Write TensorBoard events too.
        json: Print one JSON object and nothing else.
        quiet: No progress and no notes.
    """
    import reverie as rv

    settings: dict[str, Any] = {
        "seed": seed,
        "batch": batch,
        "learning_rate": None if learning_rate is None else rates(learning_rate),
        "average": ema,
        "prng": prng,
        "out": out,
    }
    stop: dict[str, Any] = {} if patience is None else {"patience": None if patience == "none" else patience}
    ending = _given({"steps": steps, "epochs": epochs, "budget": budget, "tensorboard": tensorboard or None})
    with Display(quiet=quiet) as display, signals.heard() as which:
        if resume is not None:
            names = {"model": model, "learner": learner, "inference": inference, "critic": critic}
            _only_the_end(data, options, names | {"part": part} | settings | {"patience": patience} | source.given())
            display.wait(f"resuming {resume}")
            run = rv.resume(resume, progress=display.report, **ending)
        elif data is None:
            raise InputError("say what to fit, such as: reverie fit digits")
        else:
            dataset = source.load(data)
            pair = choose(dataset.spec, model, learner, _roles(part or (), inference=inference, critic=critic), options)
            display.note(*description(dataset), *pair.notes)
            display.wait(f"{pair.learner.name} on {Path(dataset.name).name}")
            run = rv.fit(
                dataset,
                pair.model,
                pair.learner,
                parts=pair.parts,
                optimiser=options.get("optimiser"),
                progress=display.report,
                **_given(settings),
                **stop,
                **ending,
            )
        signal = which()
    if json:
        console.answer(_as_json(run))
    else:
        console.show(run_facts(run))
    if run.status == "interrupted":
        console.note(f"interrupted and saved; go on by: reverie fit --resume {run.path}")
        return signals.code_of(signal)
    return 0


def _roles(words: Sequence[str], **named: str | None) -> dict[str, str | None]:
    """Parts by role: those with an option of their own, and those written ROLE=NAME."""
    from reverie.options import pick
    from reverie.pairing import REGISTRIES

    others = {role: registry for role, registry in REGISTRIES.items() if role != "model"}
    found = {role: name for role, name in named.items() if name is not None}
    for word in words:
        role, equals, name = (piece.strip() for piece in word.partition("="))
        if not equals or not name:
            raise InputError(f"--part {word} cannot be read: write ROLE=NAME, such as baseline=baseline")
        if role not in others:
            raise InputError(f"there is no part {role!r} to choose; there are {listed(others)}")
        if role in found:
            raise InputError(f"the part {role} is given twice")
        found[role] = pick(role, name, others[role])
    return dict.fromkeys(others) | found


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given; the defaults of the others are the library's."""
    return {name: value for name, value in options.items() if value is not None}


def _only_the_end(data: str | None, options: dotted.Options, settings: dict[str, Any]) -> None:
    """A run goes on as it was set up: refuse what would change that."""
    extra = [] if data is None else [data]
    extra += [dotted.first(options)] if options else []
    extra += [f"--{'ema' if name == 'average' else name.replace('_', '-')}" for name in _given(settings)]
    if extra:
        raise InputError(f"--resume goes on with a run as it was set up: leave out {extra[0]}")


def _as_json(run: Any) -> dict[str, Any]:
    """The shape that other programs rely on."""
    estimate = run.log_likelihood
    return {
        "run": str(run.path),
        "model": run.model,
        "learner": run.learner,
        "seed": run.seed,
        "steps": run.step,
        "seconds": run.seconds,
        "log_likelihood": None if estimate is None else estimate.to_dict(),
        "parameters": run.parameters,
    }
