"""Options by name: from words on a command line or values in Python to arguments of the right type."""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from reverie.errors import InputError

LARGEST = 2**31
"""Whole numbers on the device have 32 bits."""


def option_types(made_by: Callable[..., Any], skip: tuple[str, ...] = ()) -> dict[str, tuple[Any, Any]]:
    """The options of a function: name → (type, default)."""
    hints = typing.get_type_hints(made_by)
    return {
        name: (hints.get(name, Any), parameter.default)
        for name, parameter in inspect.signature(made_by).parameters.items()
        if name not in skip
    }


def _takes_tuple(kind: Any) -> bool:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return any(_takes_tuple(one) for one in typing.get_args(kind))
    return typing.get_origin(kind) is tuple


def read_option(name: str, value: Any, kind: Any, owner: str) -> Any:
    """One value as its type; words are read: `50,20` as a tuple, `none` as `None`, `5` as a number."""
    read = value
    if isinstance(value, str):
        if value.lower() in ("none", "null") and type(None) in typing.get_args(kind):
            return None
        if _takes_tuple(kind):
            read = [piece.strip() for piece in value.strip("()[] ").split(",") if piece.strip()]
    elif _takes_tuple(kind) and isinstance(value, int):
        read = [value]
    try:
        made = msgspec.convert(read, kind, strict=False)
    except msgspec.ValidationError as error:
        choices = typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()
        why = f"choose {' or '.join(map(str, choices))}" if choices else str(error)
        raise InputError(f"{owner}: option {name}={value!r} cannot be used: {why}") from None
    if any(isinstance(one, int) and abs(one) >= LARGEST for one in (made if isinstance(made, tuple) else (made,))):
        raise InputError(f"{owner}: option {name}={value!r} is too large: whole numbers end at {LARGEST - 1}")
    return made


def read_options(owner: str, types_: Mapping[str, tuple[Any, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Given options as arguments; an unknown name is refused with the names that exist."""
    arguments = {}
    for name, value in given.items():
        key = name.replace("-", "_")
        if key not in types_:
            near = get_close_matches(key, types_, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"its options are: {', '.join(types_) or 'none'}."
            raise InputError(f"{owner} has no option {name!r}; {hint}")
        arguments[key] = read_option(key, value, types_[key][0], owner)
    return arguments


def pick(kind: str, name: str, registry: Mapping[str, Any]) -> str:
    """The name in the registry that a person meant: `rws`, `reweighted-wake-sleep`, `ReweightedWakeSleep` are one."""

    def plain(word: str) -> str:
        return "".join(letter for letter in word.lower() if letter.isalnum())

    names = {plain(key): key for key in registry}
    names |= {plain(value.__name__): key for key, value in registry.items()}
    if plain(name) in names:
        return names[plain(name)]
    near = get_close_matches(plain(name), names, 1)
    hint = f"did you mean {names[near[0]]!r}?" if near else f"there are: {', '.join(registry)}."
    raise InputError(f"there is no {kind} {name!r}; {hint}")
