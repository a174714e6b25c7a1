"""`reverie options`: what a part is, and its options."""

import inspect
import types
import typing
from collections.abc import Callable
from typing import Any

from rich.table import Table
from rich.text import Text

from reverie.cli import console


def options(name: str, /, *, json: bool = False) -> None:
    """What a model, a learner, another part or the optimiser is, and the options that `reverie fit` takes for it.

    Args:
        name: Such as sbn, jsa, gaussian, critic or optimiser.
        json: Print one JSON object and nothing else.
    """
    role, name, unit, kinds = find(name)
    if json:
        listed = {key: {"type": _type(kind), "default": _plain(default)} for key, (kind, default) in kinds.items()}
        console.answer({"part": role, "name": name, "options": listed})
        return
    title = name if name == role else f"{name}, {'an' if role[0] in 'aeiou' else 'a'} {role}"
    console.show(Text(f"{title}\n", "bold"), Text(inspect.cleandoc(unit.__doc__ or "")))
    if not kinds:
        console.show(Text("\nIt has no options.", "bold"))
        return
    table = Table.grid(padding=(0, 3, 0, 0))
    for key, (kind, default) in kinds.items():
        words = f"({words_of(default)})"
        table.add_row(f"    --{role}.{key.replace('_', '-')}", _type(kind), Text(words, "dim"))
    console.show(Text("\nAs options of reverie fit, with their defaults:\n", "bold"), table)


def find(name: str) -> tuple[str, str, Callable[..., Any], dict[str, tuple[Any, Any]]]:
    """(part, name, class or function, options) of whatever bears that name."""
    from reverie.errors import InputError
    from reverie.learners import LEARNERS
    from reverie.options import option_types, pick
    from reverie.pairing import REGISTRIES, part_options
    from reverie.parts import Optimiser

    if name.lower() in ("optimiser", "optimizer"):
        return "optimiser", "optimiser", Optimiser, option_types(Optimiser)
    registries: dict[str, Any] = {**REGISTRIES, "learner": LEARNERS}
    for role, registry in registries.items():
        try:
            found = pick(role, name, registry)
        except InputError:
            continue
        unit = registry[found]
        kinds = option_types(unit) if role == "learner" else part_options(unit)
        return role, found, unit, kinds
    everything = {key: unit for registry in registries.values() for key, unit in registry.items()}
    pick("model, learner or part", name, everything)
    raise AssertionError("a name that no registry knows is refused")


def words_of(default: Any) -> str:
    """A default as it would be written on the command line."""
    if isinstance(default, tuple):
        return ",".join(map(str, default))
    return str(default).lower() if default is None or isinstance(default, bool) else str(default)


def _plain(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _type(kind: Any) -> str:
    """A type in words."""
    names = {int: "whole number", float: "number", str: "word", bool: "true or false", types.NoneType: "none"}
    if kind in names:
        return names[kind]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return f"{_type(arguments[0])}s with commas"
    if origin is typing.Literal:
        return " | ".join(map(str, arguments))
    return " or ".join(_type(one) for one in arguments) if arguments else "value"
