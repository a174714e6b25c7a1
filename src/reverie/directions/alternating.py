"""Parts that take turns: the E-steps and the M-steps of expectation maximisation as phases of their own."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data import Batch
from reverie.directions.direction import AnyDirection, Ascent, Combined, Memory
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class Turn(NamedTuple):
    """Whose turn it is, and how it goes.

    Attributes:
        maximising: whether the model moves, in place of the inference model.
        steps: steps done in this phase.
        total: the sum of the bound over the window that is open.
        before: its mean over the window before that one, in this phase.
        inner: the memory of the direction itself.
    """

    maximising: Array
    steps: Array
    total: Array
    before: Array
    inner: Memory


def expecting(step: Array, memory: Turn) -> Array:
    """A cadence: the E-steps."""
    return ~memory.maximising


def maximising(step: Array, memory: Turn) -> Array:
    """A cadence: the M-steps."""
    return memory.maximising


class Alternating(Combined):
    """A direction of model and inference model, in phases: `expect` steps of the one, `maximise` of the other.

    A phase ends early where its bound has stopped rising: where its mean over a window of steps is above that of the
    window before by less than `tolerance` times the size of that. The cadences `expecting` and `maximising` say whose
    turn it is. The direction is computed for all parts at each step, and one of them moves.

    Args:
        direction: what says which way, and gives a number for people named `elbo`.
        expect: the most E-steps in a phase.
        maximise: the most M-steps.
        tolerance: the relative gain that is too little to go on; `None`: phases are as long as they may be.
        window: steps.
    """

    direction: AnyDirection
    expect: int = 5
    maximise: int = 1
    tolerance: float | None = None
    window: int = 10

    def __check_init__(self) -> None:
        """Refuse phases that are none."""
        for name in ("expect", "maximise", "window"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.tolerance is not None and not 0 <= self.tolerance < float("inf"):
            raise InputError(f"tolerance must be finite and not negative, or none, not {self.tolerance}")

    @property
    def moves(self) -> tuple[str, ...]:
        """What the direction moves."""
        return self.direction.moves

    @property
    def uses(self) -> tuple[str, ...]:
        """What the direction uses."""
        return self.direction.uses

    def init(self, key: Key[Array, ""], parts: Parts) -> Turn:
        """The first E-step."""
        zero = jnp.zeros((), jnp.float32)
        return Turn(jnp.zeros((), bool), jnp.zeros((), jnp.int32), zero, zero, self.direction.init(key, parts))

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Turn
    ) -> tuple[Ascent, Turn, dict[str, Array]]:
        """The direction's ascent, and whose turn it is after it."""
        ascent, inner, info = self.direction.ascend(tick, parts, batch, draw, memory.inner)
        steps, total = memory.steps + 1, memory.total + info["elbo"]
        full, mean = steps % self.window == 0, total / self.window
        over = steps >= jnp.where(memory.maximising, self.maximise, self.expect)
        if self.tolerance is not None:
            second = full & (steps > self.window)
            over |= second & (mean - memory.before < self.tolerance * jnp.abs(memory.before))
        after = Turn(
            memory.maximising ^ over,
            jnp.where(over, 0, steps),
            jnp.where(over | full, 0.0, total),
            jnp.where(full, mean, memory.before),
            inner,
        )
        return ascent, after, info | {"maximising": memory.maximising.astype(jnp.float32)}
