"""How far each part moves: rates, schedules, clipping, and the moving average."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.directions import Ascent, Direction
from reverie.errors import InputError
from reverie.learners import Learner
from reverie.loop import Loop
from reverie.parts import Optimiser
from reverie.samplers import DataOnly
from tests import worlds
from tests.dots import Dot, dot_loop, values


def test_directions_longer_than_clip_are_shortened_to_it():
    steps = np.arange(1.0, 5.0)
    unit = np.array([1.0, -2.0, 0.5]) / np.sqrt(5.25)
    loop, state = dot_loop(optimiser=Optimiser("sgd", rate=0.5, clip=5.0))
    state, info = loop.advance(state, 4)
    lengths = np.sqrt(5.25) * steps
    np.testing.assert_allclose(values(state), 0.5 * np.minimum(lengths, 5.0).sum() * unit, rtol=1e-5)
    assert info["norm_model"] == pytest.approx(lengths.sum(), rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, lambda t: 0.2),
        ({"schedule": "linear"}, lambda t: 0.2 * (1 - t / 20)),
        ({"schedule": "cosine"}, lambda t: 0.1 * (1 + np.cos(np.pi * t / 20))),
        ({"schedule": "robbins-monro", "half": 4}, lambda t: 0.2 / (1 + t / 4)),
        ({"warmup": 5}, lambda t: 0.2 * min(t / 5, 1.0)),
        ({"warmup": 5, "schedule": "linear"}, lambda t: 0.2 * min(t / 5, 1 - (t - 5) / 15)),
    ],
    ids=lambda value: "-".join(str(one) for one in value.values()) if isinstance(value, dict) else "",
)
def test_a_schedule_sets_the_rate_of_each_step(settings, expected):
    loop, state = dot_loop(optimiser=Optimiser("sgd", rate=0.2, **settings), steps=20)
    state, _ = loop.advance(state, 12)
    moved = sum(expected(t) * (1 + t) for t in range(12))
    assert values(state)[0] == pytest.approx(moved, rel=1e-5)


class Both(Direction):
    """Two parts, up along one and the same vector."""

    moves = ("model", "inference")
    uses = ()

    def ascend(self, tick, parts, batch, draw, memory):
        along = {name: dataclasses.replace(parts[name], value=jnp.array([1.0, -2.0, 0.5])) for name in self.moves}
        return Ascent(along, {}), memory, {}


def test_each_part_has_its_own_rate_and_the_learners_own_unless_another_is_given():
    rows, measure, spec = worlds.BINARY
    defaults = {name: Optimiser("sgd", rate=rate) for name, rate in (("model", 0.1), ("inference", 0.2))}
    learner = Learner("a test", DataOnly(), Both(), {"model": (), "inference": ()}, optimiser=defaults)
    given = {"inference": Optimiser("sgd", rate=0.7)}
    loop = Loop(learner, rows, measure, noise.make_key(0), optimisers=given)
    dot = Dot().init(noise.make_key(0), spec)
    state, _ = loop.advance(loop.start({"model": dot, "inference": dot}), 3)
    np.testing.assert_allclose(state.parts["model"].value, 0.3 * np.array([1.0, -2.0, 0.5]), rtol=1e-5)
    np.testing.assert_allclose(state.parts["inference"].value, 2.1 * np.array([1.0, -2.0, 0.5]), rtol=1e-5)


def test_the_moving_average_is_the_one_computed_by_hand():
    loop, state = dot_loop(average=0.8)
    assert state.average is not None
    state, _ = loop.advance(state, 6)
    value = average = 0.0
    for t in range(6):
        value += 0.1 * (1 + t)
        average = 0.8 * average + 0.2 * value
    assert values(state)[0] == pytest.approx(value, rel=1e-5)
    assert float(state.average["model"].value[0]) == pytest.approx(average, rel=1e-5)


@pytest.mark.parametrize("average", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_a_decay_that_is_none_is_refused(average):
    with pytest.raises(InputError, match=r"must lie in \(0, 1\)"):
        dot_loop(average=average)
