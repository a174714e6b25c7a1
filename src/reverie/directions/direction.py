"""Which way each part moves: the contract of a direction, and the small algebra that joins them."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple, TypeAlias

import equinox as eqx
import jax
from jaxtyping import Array, Key, PyTree

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers import Draw, Tick

Memory: TypeAlias = PyTree


class Ascent(NamedTuple):
    """Where the parts go.

    Attributes:
        along: for each moved part a value of its own shape; the optimiser moves the part *up* along it.
        replace: parts that are set outright, because no gradient moves what they carry.
    """

    along: dict[str, Any]
    replace: dict[str, Any]


class Direction(eqx.Module):
    """Abstract: F(z; λ), the direction of stochastic approximation (Ou 2019, Alg. 1, line 2).

    Attributes:
        moves: the parts that it moves.
        uses: the names that its sampler must give.
    """

    moves: ClassVar[tuple[str, ...]]
    uses: ClassVar[tuple[str, ...]]

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """What it remembers between steps; `None` where nothing."""
        return None

    @abstractmethod
    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The ascent, the memory after it, and numbers for people."""


Objective: TypeAlias = Callable[[Parts], tuple[Array, dict[str, Array]]]


def gradient(objective: Objective, parts: Parts, moves: tuple[str, ...]) -> tuple[Ascent, dict[str, Array]]:
    """The one door for an objective that is a scalar: its gradient for the parts that move, the others held still.

    Args:
        objective: parts → (a scalar to ascend, numbers for people).
        parts: all parts.
        moves: the names of those that move.
    """
    moving = {name: parts[name] for name in moves}
    (_, info), along = eqx.filter_value_and_grad(lambda some: objective(parts | some), has_aux=True)(moving)
    return Ascent(along, {}), info


def held(parts: Any) -> Any:
    """The same parts, as values that no gradient passes through."""
    return jax.tree.map(lambda leaf: jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf, parts)


def add(left: Ascent, right: Ascent) -> Ascent:
    """The sum of two ascents: a part that both move goes along the sum of its directions."""
    along = dict(left.along)
    for name, value in right.along.items():
        along[name] = jax.tree.map(lambda a, b: a + b, along[name], value) if name in along else value
    return Ascent(along, left.replace | right.replace)


class Combined(eqx.Module):
    """Abstract: a direction made of others. What it moves and uses is known once it is made."""

    @property
    @abstractmethod
    def moves(self) -> tuple[str, ...]:
        """The parts that it moves."""

    @property
    @abstractmethod
    def uses(self) -> tuple[str, ...]:
        """The names that its sampler must give."""

    @abstractmethod
    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """What it remembers between steps."""

    @abstractmethod
    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Any
    ) -> tuple[Ascent, Any, dict[str, Array]]:
        """The ascent, the memory after it, and numbers for people."""


class Join(Combined):
    """Several directions at once, each with a key and a memory of its own; where two move one part, they add."""

    directions: tuple[Direction, ...]

    @property
    def moves(self) -> tuple[str, ...]:
        """All that the members move."""
        return tuple(dict.fromkeys(name for direction in self.directions for name in direction.moves))

    @property
    def uses(self) -> tuple[str, ...]:
        """All that the members use."""
        return tuple(dict.fromkeys(name for direction in self.directions for name in direction.uses))

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """One memory a member."""
        keys = jax.random.split(key, len(self.directions))
        return tuple(direction.init(one, parts) for direction, one in zip(self.directions, keys, strict=True))

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The members' ascents, added."""
        total, memories = Ascent({}, {}), []
        info: dict[str, Array] = {}
        keys = jax.random.split(tick.key, len(self.directions))
        for direction, one, old in zip(self.directions, keys, memory, strict=True):
            ascent, new, said = direction.ascend(Tick(one, tick.step), parts, batch, draw, old)
            total = add(total, ascent)
            info |= said
            memories.append(new)
        return total, tuple(memories), info


AnyDirection: TypeAlias = Direction | Combined
