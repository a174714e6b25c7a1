"""A learner: a sampler and a direction, with the defaults of the paper that named it."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ParamSpec

import equinox as eqx

from reverie.directions.direction import AnyDirection
from reverie.errors import InputError
from reverie.learners.target import Target
from reverie.options import option_types, read_options
from reverie.parts import Optimiser, Parts
from reverie.samplers.sampler import AnySampler

Cadence = int | Callable[[Any, Any], Any]


class Learner(eqx.Module):
    """How to move towards the data: what is drawn, and which way each part moves. A value, not a hierarchy.

    Args:
        reference: the paper.
        sampler: what is drawn.
        direction: which way each part moves.
        requires: for each part, the capabilities that it must have.
        cadence: how often a part moves: once in so many steps, or whenever a function of (step, memory) says so. One
            by default.
        optimiser: each part's default optimiser; Adam at 10⁻³ where nothing is said.
        batch: rows a step; `None` for all of them.
        labels: whether it learns from labels, in `Batch.y`.
        target: for each part the gradient that its direction estimates, where that has a name.
        usual: the name of the part, by role, that it was made for, taken where nobody chose and it serves.
        name: set by `named`.
        options: set by `named`.
    """

    reference: str = eqx.field(static=True)
    sampler: AnySampler
    direction: AnyDirection
    requires: Mapping[str, tuple[type, ...]] = eqx.field(static=True)
    cadence: Mapping[str, Cadence] = eqx.field(static=True, default_factory=dict)
    optimiser: Mapping[str, Optimiser] = eqx.field(static=True, default_factory=dict)
    batch: int | None = eqx.field(static=True, default=100)
    labels: bool = eqx.field(static=True, default=False)
    target: Mapping[str, Target] = eqx.field(static=True, default_factory=dict)
    usual: Mapping[str, str] = eqx.field(static=True, default_factory=dict)
    name: str = eqx.field(static=True, default="")
    options: Mapping[str, Any] = eqx.field(static=True, default_factory=dict)

    def __check_init__(self) -> None:
        """A direction must be given all that it uses, and only a declared part may move."""
        lacking = [name for name in self.direction.uses if name not in self.sampler.gives]
        if lacking:
            raise TypeError(f"the direction uses {', '.join(lacking)} and the sampler gives {self.sampler.gives}")
        undeclared = [name for name in self.direction.moves if name not in self.requires]
        if undeclared:
            raise TypeError(f"the direction moves {', '.join(undeclared)}, for which nothing is required")
        still = [name for name in self.target if name not in self.direction.moves]
        if still:
            raise TypeError(f"a target is declared of {', '.join(still)}, which the direction does not move")

    def targets(self, parts: Parts) -> Mapping[str, Target]:
        """`target` of these parts: what is claimed of chains is not, where this model's own are biased."""
        if self.sampler.exactness_with(parts) != "biased":
            return self.target
        return {
            name: one._replace(claim="biased") if one.claim == "asymptotic" else one
            for name, one in self.target.items()
        }


P = ParamSpec("P")
LEARNERS: dict[str, Callable[..., Learner]] = {}


def named(name: str) -> Callable[[Callable[P, Learner]], Callable[P, Learner]]:
    """Register an assembly under a name: it is then in `LEARNERS`, and its values know their name and options."""

    def register(assemble: Callable[P, Learner]) -> Callable[P, Learner]:
        kinds = option_types(assemble, skip=("return",))

        unchecked: Callable[..., Learner] = assemble

        @functools.wraps(assemble)
        def made(*args: P.args, **kwargs: P.kwargs) -> Learner:
            bound = inspect.signature(assemble).bind(*args, **kwargs)
            bound.apply_defaults()
            options = read_options(name, kinds, bound.arguments)
            learner = unchecked(**options)
            return dataclasses.replace(learner, name=name, options=options)

        LEARNERS[name] = made
        return made

    return register


def at_least_one(**counts: int) -> None:
    """Refuse counts below one."""
    for name, count in counts.items():
        if count < 1:
            raise InputError(f"{name} must be at least 1, not {count}")
