"""The base of every capability, and the questions that are asked of capabilities."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import equinox as eqx
from jaxtyping import Array, Float, PyTree

Row: TypeAlias = PyTree
Code: TypeAlias = PyTree
Scalar: TypeAlias = Float[Array, ""]


class Capability(eqx.Module):
    """The base of every capability: abstract, without fields."""


def capabilities() -> Iterator[type[Capability]]:
    """Every capability, those that others build on first."""
    waiting = list(Capability.__subclasses__())
    while waiting:
        capability = waiting.pop(0)
        if capability.__module__.startswith(__package__):
            yield capability
            waiting += [one for one in capability.__subclasses__() if one not in waiting]


def capabilities_of(thing: object | type) -> tuple[str, ...]:
    """The names of the capabilities that a part, or a class of parts, has; what another implies comes before it."""
    cls = thing if isinstance(thing, type) else type(thing)
    return tuple(dict.fromkeys(one.__name__ for one in capabilities() if issubclass(cls, one)))


def missing_from(thing: object, required: Sequence[type]) -> tuple[str, ...]:
    """The names of the required capabilities that `thing` lacks."""
    return tuple(need.__name__ for need in required if not isinstance(thing, need))
