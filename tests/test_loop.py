"""The loop: cut anywhere it ends the same, streams the same, moves parts in time, and keeps what was good."""

import dataclasses
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from reverie import noise
from reverie.data import Batches
from reverie.directions import Ascent, Direction, Likelihood
from reverie.learners import GAN, JSA, Learner, StochasticMaximumLikelihood
from reverie.loop import Loop
from reverie.parts import Optimiser, parameters
from tests import worlds
from tests.dots import Along, Dot, dot_loop, learner_of, values


def same(a, b):
    """Whether two states are equal bit for bit, keys and static fields included."""

    def plain(leaf):
        return jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf

    arrays = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    return worlds.alike(a, b) and all(
        np.asarray(plain(x)).tobytes() == np.asarray(plain(y)).tobytes() for x, y in arrays
    )


PAIRS: dict[str, tuple[str, Learner, dict[str, Any]]] = {
    "kept codes": ("sbn", JSA(moves=2), {}),
    "particles and an average": ("rbm", StochasticMaximumLikelihood(particles=5), {"average": 0.9}),
    "two cadences": ("generator", GAN(critic_steps=3), {}),
}


@pytest.fixture(scope="module", params=PAIRS)
def pair(request):
    """A pair, its loop, and the state after 13 steps in one call."""
    model, learner, settings = PAIRS[request.param]
    loop, parts = worlds.loop_for(model, learner, **settings), worlds.parts_for(model, learner)
    state, info = loop.advance(loop.start(parts), 13)
    return model, learner, settings, loop, parts, state, info


def test_a_run_may_be_cut_anywhere(pair):
    *_, loop, parts, whole, told = pair
    state = loop.start(parts)
    sums = dict.fromkeys(told, 0.0)
    for count in (7, 5, 1):
        state, info = loop.advance(state, count)
        sums = {name: sums[name] + info[name] for name in sums}
    assert int(state.step) == 13
    assert same(state, whole)
    assert sums == pytest.approx(told, rel=1e-4, abs=1e-4)


def test_streamed_rows_give_what_resident_rows_give(pair):
    model, learner, settings, _, parts, whole, _ = pair
    loop = worlds.loop_for(model, learner, resident_bytes=0, **settings)
    assert loop.resident is None
    state, _ = loop.advance(loop.start(parts), 8)
    state, _ = loop.advance(state, 5)
    assert same(state, whole)


def test_the_same_seed_gives_the_same(pair):
    *_, loop, parts, whole, _ = pair
    again, _ = loop.advance(loop.start(parts), 13)
    assert same(again, whole)


def test_another_seed_gives_another():
    """The key and the order of the rows both count."""
    ends = []
    for seed, order in ((0, 0), (0, 1), (1, 0)):
        rows, measure, _ = worlds.BINARY
        learner = StochasticMaximumLikelihood(particles=5)
        loop = Loop(learner, rows, measure, noise.make_key(seed), seed=order, batch=8)
        state, _ = loop.advance(loop.start(worlds.parts_for("rbm", learner)), 2)
        ends.append(np.asarray(state.parts["model"].weights))
    assert all(np.any(a != b) for a, b in itertools.combinations(ends, 2))


def test_the_callers_parts_are_not_given_away(pair):
    *_, loop, parts, _, _ = pair
    loop.advance(loop.start(parts), 1)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(parameters(parts)))


def test_streams_are_cut_so_that_they_fit(monkeypatch):
    monkeypatch.setattr("reverie.loop.STREAM_BYTES", 200)
    loop, state = dot_loop(batch=8, resident_bytes=0)
    assert loop.capacity == 200 // (8 * 8)
    with pytest.raises(ValueError, match=r"1\.\.3, not 4"):
        loop.advance(state, 4)
    state = loop.train(state, 10, 10, lambda state, info: True)
    np.testing.assert_allclose(values(state), 0.1 * 55 * np.array([1.0, -2.0, 0.5]), rtol=1e-5)


def test_batches_of_many_rows_are_sent_a_few_at_a_time():
    """The table of row numbers stays small, and a step with more rows than it holds is sent alone."""
    rows = worlds.rows_of(np.zeros((20_000, 1), np.float32))
    loop = Loop(learner_of(Along(), batch=None), rows, worlds.CONTINUOUS.measure, noise.make_key(0))
    assert loop.capacity == 2**22 // (4 * 20_000)
    assert dot_loop(batch=8)[0].capacity == 1000
    state = loop.train(loop.start({"model": Dot(jnp.zeros(3))}), 60, 60, lambda state, info: True)
    assert int(state.step) == 60


class Seen(Direction):
    """Counts how often each row was in a batch."""

    moves = ()
    uses = ()

    def ascend(self, tick, parts, batch, draw, memory):
        value = parts["model"].value.at[batch.index].add(jnp.mean(batch.x, axis=1) + 1.0)
        return Ascent({}, {"model": dataclasses.replace(parts["model"], value=value)}), memory, {}


@pytest.mark.parametrize("resident_bytes", [0, 2**20])
def test_the_rows_of_a_batch_are_those_of_its_index(resident_bytes):
    rows, measure, _ = worlds.binary(rows=10)
    loop = Loop(learner_of(Seen()), rows, measure, noise.make_key(0), seed=4, batch=3, resident_bytes=resident_bytes)
    state, _ = loop.advance(loop.start({"model": Dot(jnp.zeros(10))}), 7)
    expected = np.zeros(10)
    for index in Batches(10, 3, seed=4).indices(0, 7):
        expected[index] += rows.raw[index].mean(1) + 1.0
    np.testing.assert_allclose(values(state), expected, rtol=1e-6)


def test_a_part_moves_in_its_cadence():
    loop = worlds.loop_for("generator", GAN(critic_steps=5))
    state = loop.start(worlds.parts_for("generator", "gan"))
    leaves = lambda state, name: [np.asarray(leaf) for leaf in jax.tree.leaves(parameters(state.parts[name]))]
    moved: dict[str, list[int]] = {"model": [], "critic": []}
    for step in range(1, 13):
        before = {name: leaves(state, name) for name in moved}
        count = int(state.optimiser["model"][0].count)
        state, _ = loop.advance(state, 1)
        for name, steps in moved.items():
            if any(np.any(a != b) for a, b in zip(before[name], leaves(state, name), strict=True)):
                steps.append(step)
        assert int(state.optimiser["model"][0].count) - count == (step % 5 == 0)
    assert moved == {"model": [5, 10], "critic": list(range(1, 13))}


def test_a_cadence_may_be_a_function_of_step_and_memory():
    rows, measure, spec = worlds.BINARY
    learner = learner_of(Along(), cadence={"model": lambda step, memory: (step >= 2) & (step < 4)})
    loop = Loop(learner, rows, measure, noise.make_key(0), optimisers={"model": Optimiser("sgd", rate=1.0)})
    state, _ = loop.advance(loop.start({"model": Dot().init(noise.make_key(0), spec)}), 9)
    np.testing.assert_allclose(values(state)[0], 3.0 + 4.0)


def test_a_batch_larger_than_the_data_is_all_of_them():
    loop, _ = dot_loop(batch=1000)
    assert loop.batches.batch == len(worlds.BINARY.rows)
    rows, measure, _ = worlds.BINARY
    assert Loop(learner_of(Likelihood(), batch=None), rows, measure, noise.make_key(0)).batches.batch == len(rows)


@pytest.mark.parametrize("cuts", [(), (1,), (3, 4), (5, 9)])
def test_reports_fall_on_multiples_wherever_the_run_was_cut(cuts):
    loop, state = dot_loop()
    said = []

    def report(state, info):
        said.append((int(state.step), info["size"]))
        return True

    for last in (*cuts, 13):
        state = loop.train(state, last, 5, report)
    assert int(state.step) == 13
    steps = [step for step, _ in said]
    assert steps == sorted({*cuts, 5, 10, 13})
    for (start, _), (stop, size) in itertools.pairwise([(0, 0.0), *said]):
        assert size == pytest.approx(np.mean(np.arange(start, stop) + 1.0))


def test_a_report_may_end_the_run():
    loop, state = dot_loop()
    state = loop.train(state, None, 4, lambda state, info: int(state.step) < 8)
    assert int(state.step) == 8


def test_an_interrupt_ends_the_run_between_calls():
    loop, state = dot_loop()
    asked = iter([False, True])
    state = loop.train(state, 100, 5, lambda state, info: True, lambda: next(asked))
    assert 1 <= int(state.step) <= 5
    stopped = loop.train(state, 100, 5, lambda state, info: True, lambda: True)
    assert stopped is state


def test_a_run_that_is_over_stays_as_it_is():
    loop, state = dot_loop()
    state = loop.train(state, 3, 5, lambda state, info: True)
    assert loop.train(state, 3, 5, lambda state, info: True) is state
