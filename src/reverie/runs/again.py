"""How a run is made again, or gone on with: the command, and the lines of Python."""

import inspect
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from reverie import noise
from reverie.data import load
from reverie.learners import LEARNERS
from reverie.options import option_types
from reverie.pairing import REGISTRIES, make_learner, make_part, part_options, supply
from reverie.parts import Optimiser, options_of
from reverie.runs.config import Config, Unit, as_json

_RATE = "rate"
DEFAULT_PRNG = inspect.signature(noise.make_key).parameters["prng"].default


def command(config: Config, step: int) -> str | None:
    """`reverie fit …`; `None` where the data came from memory."""
    recipe = config.data.recipe
    if recipe is None:
        return None
    words = ["reverie", "fit", str(recipe["source"])]
    for name, value in data_options(recipe).items():
        flag = f"--{'data-seed' if name == 'seed' else name.replace('_', '-')}"
        words += [flag] if value is True else [flag, _word(value)]
    for role, unit in _units(config).items():
        words += [f"--{role}", unit.name]
        for name, value in changed(role, unit).items():
            words += [f"--{role}.{name.replace('_', '-')}", _word(value)]
    rate, others = optimiser_changes(config)
    for name, value in settings(config, step).items():
        words += [f"--{'ema' if name == 'average' else name}", _word(value)]
    if rate is not None:
        given = [f"{part}={one}" for part, one in rate.items()] if isinstance(rate, dict) else [str(rate)]
        words += ["--learning-rate", ",".join(given)]
    for name, value in others.items():
        words += [f"--optimiser.{name}", _word(value)]
    return shlex.join(words)


def python(config: Config, step: int) -> str:
    """The three lines that make the run again."""
    recipe = config.data.recipe
    if recipe is None:
        data = "...  # these rows came from memory: the same as before"
    else:
        data = _call("rv.data.load", [repr(str(recipe["source"]))], data_options(recipe))
    units = _units(config)
    learner = units.pop("learner")
    made = {
        role: _call(f"rv.{_ROOMS[role]}.{_class(role, unit)}", [], changed(role, unit)) for role, unit in units.items()
    }
    model, by = made.pop("model"), _call(f"rv.learners.{_class('learner', learner)}", [], changed("learner", learner))
    listed = [f"parts={{{', '.join(f'{role!r}: {part}' for role, part in made.items())}}}"] if made else []
    rate, others = optimiser_changes(config)
    keywords = settings(config, step)
    keywords |= {} if rate is None else {"learning_rate": rate}
    keywords |= {"optimiser": others} if others else {}
    run = _call("rv.fit", ["data", model, by, *listed], keywords)
    return f"import reverie as rv\ndata = {data}\nrun = {run}"


def go_on(path: Path, config: Config, step: int) -> tuple[str, str]:
    """The command, and the lines of Python, that go on with a run to twice its steps."""
    further = {"steps": 2 * max(1, step)}
    data = ", data=data" if config.data.recipe is None else ""
    return (
        shlex.join(["reverie", "fit", "--resume", str(path), "--steps", str(further["steps"])]),
        f"import reverie as rv\nrun = rv.load_run({str(path)!r}); run.sample(64)\n"
        f"run = rv.resume({str(path)!r}{data}, steps={further['steps']})",
    )


def settings(config: Config, step: int) -> dict[str, Any]:
    """The settings of `fit` that make the run again."""
    end: dict[str, Any] = {"steps": step} if config.steps is None else {"steps": config.steps}
    found = end | {"seed": config.seed, "batch": config.batch, "patience": config.patience}
    found |= {} if config.average is None else {"average": config.average}
    return found | ({} if config.prng == DEFAULT_PRNG else {"prng": config.prng})


def data_options(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `load` that are not its defaults."""
    defaults = {name: one.default for name, one in inspect.signature(load).parameters.items()}
    return {name: value for name, value in recipe.items() if name != "source" and value != defaults.get(name)}


def changed(role: str, unit: Unit) -> dict[str, Any]:
    """A unit's options that are not its defaults."""
    kinds = _kinds(role, unit)
    plain = as_json({name: default for name, (_, default) in kinds.items()})
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in unit.options.items()
        if msgspec.json.encode(value) != msgspec.json.encode(plain.get(name))
    }


def optimiser_changes(config: Config) -> tuple[float | dict[str, float] | None, dict[str, Any]]:
    """The learning rate where it was changed, one for all parts or one for each; and other fields that were."""
    own = make_learner(config.learner.name, config.learner.options).optimiser
    rates: dict[str, float] = {}
    others: dict[str, Any] = {}
    for part, used in config.optimisers.items():
        usual = msgspec.to_builtins(own.get(part, Optimiser()))
        differing = {name: one for name, one in msgspec.to_builtins(used).items() if one != usual[name]}
        if _RATE in differing:
            rates[part] = float(differing.pop(_RATE))
        others |= differing
    same = len(rates) == len(config.optimisers) and len(set(rates.values())) == 1
    return (next(iter(rates.values())) if same else rates or None), others


_ROOMS = {"model": "models", "inference": "inference", "critic": "models"}


def _units(config: Config) -> dict[str, Unit]:
    """The model, the learner, and the parts that are not what the pair would be given anyway."""
    model, learner = config.parts["model"], config.learner
    usual = supply(make_part("model", model.name, model.options), make_learner(learner.name, learner.options))
    found = {"model": model, "learner": learner}
    for role, unit in config.parts.items():
        default = usual.get(role)
        cls = REGISTRIES[role][unit.name]
        as_usual = default is not None and type(default) is cls and as_json(options_of(default)) == unit.options
        if role != "model" and not as_usual:
            found[role] = unit
    return found


def _kinds(role: str, unit: Unit) -> dict[str, tuple[Any, Any]]:
    return option_types(LEARNERS[unit.name]) if role == "learner" else part_options(REGISTRIES[role][unit.name])


def _class(role: str, unit: Unit) -> str:
    return LEARNERS[unit.name].__name__ if role == "learner" else REGISTRIES[role][unit.name].__name__


def _made(room: str, role: str, unit: Unit) -> str:
    return _call(f"rv.{room}.{_class(role, unit)}", [], changed(role, unit))


def _call(name: str, positional: list[str], keywords: Mapping[str, Any]) -> str:
    return f"{name}({', '.join([*positional, *(f'{key}={value!r}' for key, value in keywords.items())])})"


def _word(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, tuple | list):
        return ",".join(_word(one) for one in value)
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
