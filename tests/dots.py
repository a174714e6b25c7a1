"""One vector, and directions of it that are known functions of the step: the loop with nothing left to chance."""

import dataclasses
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from reverie import noise
from reverie.directions import Ascent, Direction
from reverie.learners import Learner
from reverie.loop import Loop
from reverie.parts import Optimiser, Part, filled, learned
from reverie.samplers import DataOnly
from tests import worlds


class Dot(Part):
    """One vector."""

    value: Any = learned()

    def init(self, key, spec, model=None):
        return filled(self, value=jnp.zeros(3))


class Along(Direction):
    """A direction that is a known function of the step, and is not finite at one of them."""

    moves = ("model",)
    uses = ()
    bad: int = eqx.field(static=True, default=-1)

    def ascend(self, tick, parts, batch, draw, memory):
        size = jnp.where(tick.step == self.bad, jnp.nan, 1.0 + tick.step)
        along = dataclasses.replace(parts["model"], value=size * jnp.array([1.0, -2.0, 0.5]))
        return Ascent({"model": along}, {}), memory, {"size": size}


class Outright(Direction):
    """A direction that sets a part, to something that is not finite at one step."""

    moves = ()
    uses = ()
    bad: int = eqx.field(static=True, default=-1)
    part: str = eqx.field(static=True, default="model")

    def ascend(self, tick, parts, batch, draw, memory):
        value = parts[self.part].value + jnp.where(tick.step == self.bad, jnp.inf, 1.0)
        return Ascent({}, {self.part: dataclasses.replace(parts[self.part], value=value)}), memory, {}


def learner_of(direction, **fields):
    return Learner("a test", DataOnly(), direction, {"model": ()}, **fields)


def dot_loop(direction=None, optimiser=None, **settings):
    """The loop of one vector and its state before the first step."""
    rows, measure, spec = worlds.BINARY
    optimisers = {"model": optimiser or Optimiser("sgd", rate=0.1)}
    loop = Loop(learner_of(direction or Along()), rows, measure, noise.make_key(0), optimisers=optimisers, **settings)
    return loop, loop.start({"model": Dot().init(noise.make_key(0), spec)})


def values(state):
    return np.asarray(state.parts["model"].value)
