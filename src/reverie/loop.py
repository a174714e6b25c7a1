"""The stochastic-approximation loop: the only training loop in the library.

    1. draw     z_t ~ K_λ(· | z_{t−1})             the learner's sampler
    2. ascend   λ_t = λ_{t−1} + γ_t F(z_t; λ_{t−1})    the learner's direction, scaled by each part's optimiser

(Ou 2019, Alg. 1.) Many steps run in one call of the device: the step is the body of a scan whose length is an
argument, so that one compilation serves a chunk of any length. Everything that the next step needs is in `State`, and
what a step does is a function of the state, the run's key and the step's number alone; so a run may be cut anywhere
and goes on as if it had not been.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasTrainingForm
from reverie.data import Batch, Batches, Measure, Rows
from reverie.errors import InputError
from reverie.learners import Learner
from reverie.parts import Optimiser, Parts, norm, parameters
from reverie.samplers import Tick

CHUNK = 1000
"""Most steps in one call of the device."""
PACE = 0.5
"""Seconds that one call should take, so that a person sees progress and an interrupt is heard."""
STREAM_BYTES = 64 * 2**20
"""Most bytes of rows sent at once when the data do not fit on the device."""
INDEX_BYTES = 2**22
"""Most bytes of row numbers sent at once: with all rows in each batch, a thousand steps of them would be large."""
RESIDENT_BYTES = 2 * 2**30
"""Largest data that are kept on the device."""


class State(NamedTuple):
    """All that a run needs to go on."""

    step: Array
    parts: Parts
    optimiser: dict[str, Any]
    chain: PyTree
    memory: PyTree
    average: Parts | None


class NonFiniteError(ArithmeticError):
    """A direction, or a part that it had moved, was not finite.

    Attributes:
        step: the step that failed, counted from 0.
        part: the part.
        state: the last good state, before that step.
    """

    def __init__(self, step: int, part: str, state: State) -> None:
        super().__init__(
            f"the direction of {part!r} was not finite at step {step}; the state before that step is kept. "
            "Try a smaller learning rate, or clip."
        )
        self.step, self.part, self.state = step, part, state


class _Inputs(NamedTuple):
    """What a chunk reads: rows on the device, and for each step the rows' places there and their numbers."""

    rows: PyTree
    places: Array
    numbers: Array


class Loop:
    """One learner on one data set.

    Args:
        learner: what is drawn and which way the parts move.
        rows: the training rows, in raw space.
        measure: how a raw row becomes what the model sees; applied afresh at each step.
        key: the run's key; every step's key is folded from it.
        seed: of the order in which the rows are visited.
        optimisers: changes of the learner's default optimisers, by part.
        batch: rows a step; the learner's own default when `None`.
        steps: how many steps the whole run has, for schedules that end; `None` when not known.
        average: the decay of an exponential moving average of the parameters; `None` keeps none.
        resident_bytes: data larger than this are streamed from the host chunk by chunk.
    """

    def __init__(
        self,
        learner: Learner,
        rows: Rows,
        measure: Measure,
        key: Key[Array, ""],
        *,
        seed: int = 0,
        optimisers: Mapping[str, Optimiser] | None = None,
        batch: int | None = None,
        steps: int | None = None,
        average: float | None = None,
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        if average is not None and not 0 < average < 1:
            raise InputError(f"the decay of the moving average must lie in (0, 1), not {average}")
        self.learner, self.measure, self.key = learner, measure, key
        self.moves = tuple(learner.direction.moves)
        chosen = dict(learner.optimiser) | dict(optimisers or {})
        self.transforms = {name: chosen.get(name, Optimiser()).build(steps) for name in self.moves}
        self.average = average
        self.rows = rows
        self.tree = {"raw": rows.raw, "y": rows.y, "mask": rows.mask}
        size = batch if batch is not None else learner.batch
        self.batches = Batches(len(rows), len(rows) if size is None else size, seed)
        bytes_ = sum(leaf.nbytes for leaf in jax.tree.leaves(self.tree))
        self.resident = jax.device_put(self.tree) if bytes_ <= resident_bytes else None
        per_step = max(1, bytes_ // len(rows) * self.batches.batch)
        streamed = CHUNK if self.resident is not None else STREAM_BYTES // per_step
        self.capacity = int(np.clip(min(streamed, INDEX_BYTES // (4 * self.batches.batch)), 1, CHUNK))
        self._compiled: Callable[..., Any] | None = None
        self._seconds_per_step = float("inf")

    def start(self, parts: Parts) -> State:
        """The state before the first step."""
        key_chain, key_memory = jax.random.split(jax.random.fold_in(self.key, 2**31))
        batch = self._batch(self.key, self._inputs(0, 1), 0)
        state = State(
            jnp.zeros((), jnp.int32),
            parts,
            {name: self.transforms[name].init(parameters(parts[name])) for name in self.moves},
            self.learner.sampler.init(key_chain, parts, len(self.rows), batch),
            self.learner.direction.init(key_memory, parts),
            None if self.average is None else parameters(parts),
        )
        # The buffers of a state are given away at each call: none may be given twice, and none may be the caller's.
        return jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, state)

    def step(self, state: State, inputs: _Inputs, i: Array) -> tuple[State, dict[str, Array], Array]:
        """One step: the state after it, numbers for people, and the place (by name) of a part gone wrong, or −1.

        Where phases hold the model still, there are two programs: of what is not asked for, the compiler leaves out
        all that leads to it, the model's direction and its optimiser.
        """
        if not callable(self.learner.cadence.get("model")):
            return self._step(state, inputs, i)
        static: list[Any] = []

        def kept(moves: tuple[str, ...]) -> PyTree:
            arrays, rest = eqx.partition(self._step(state, inputs, i, moves), eqx.is_array)
            static.append(rest)
            return arrays

        others = tuple(name for name in self.moves if name != "model")
        arrays = jax.lax.cond(self._due("model", state), lambda: kept(self.moves), lambda: kept(others))
        return eqx.combine(arrays, static[0])

    def _step(
        self, state: State, inputs: _Inputs, i: Array, moves: tuple[str, ...] | None = None
    ) -> tuple[State, dict[str, Array], Array]:
        """The step of the parts that may move; the others keep their values, and the norm told of them is nought."""
        moves = self.moves if moves is None else moves
        key = jax.random.fold_in(self.key, state.step)
        key_measure, key_draw, key_ascend = jax.random.split(key, 3)
        batch = self._batch(key_measure, inputs, i)
        tick = Tick(key_draw, state.step)
        draw, chain, said = self.learner.sampler.draw(tick, state.parts, batch, state.chain)
        tick = Tick(key_ascend, state.step)
        trained = _in_training(state.parts, jax.random.fold_in(key_ascend, 2**31))
        ascent, memory, info = self.learner.direction.ascend(tick, trained, batch, draw, state.memory)
        info = said | info
        parts = state.parts | ascent.replace
        optimiser = dict(state.optimiser)
        bad = jnp.full((), -1, jnp.int32)
        info |= {f"norm_{name}": jnp.zeros(()) for name in self.moves if name not in moves}
        for name in (*moves, *(name for name in ascent.replace if name not in self.moves)):
            length = norm(ascent.along[name] if name in self.moves else parameters(parts[name]))
            if name in self.moves:
                info[f"norm_{name}"] = length
                parts[name], optimiser[name] = self._move(name, state, ascent.along[name], parts[name])
                length = length + norm(parameters(parts[name]))  # A finite direction may still overflow its part.
            bad = jnp.where((bad < 0) & ~jnp.isfinite(length), sorted(parts).index(name), bad)
        average = state.average
        if average is not None and self.average is not None:
            mix = lambda old, new: self.average * old + (1 - self.average) * new
            average = jax.tree.map(mix, average, parameters(parts))
        after = State(state.step + 1, parts, optimiser, chain, memory, average)
        return after, {name: jnp.asarray(value, jnp.float32) for name, value in info.items()}, bad

    def _move(self, name: str, state: State, along: PyTree, part: Any) -> tuple[Any, Any]:
        """One part moved by its optimiser, if its turn has come."""
        down = jax.tree.map(jnp.negative, along)
        updates, optimiser = self.transforms[name].update(down, state.optimiser[name], parameters(part))
        moved = eqx.apply_updates(part, updates)
        if self.learner.cadence.get(name, 1) == 1:
            return moved, optimiser
        due = self._due(name, state)
        choose = lambda new, old: jnp.where(due, new, old) if eqx.is_array(new) else new
        return jax.tree.map(choose, (moved, optimiser), (part, state.optimiser[name]))

    def _due(self, name: str, state: State) -> Any:
        """Whether it is the turn of a part."""
        cadence = self.learner.cadence.get(name, 1)
        return cadence(state.step, state.memory) if callable(cadence) else (state.step + 1) % cadence == 0

    def _batch(self, key: Array, inputs: _Inputs, i: Array | int) -> Batch:
        rows = jax.tree.map(lambda leaf: leaf[inputs.places[i]], inputs.rows)
        index = inputs.numbers[i]
        x = jax.vmap(self.measure.to_model)(jax.random.split(key, index.shape[0]), rows["raw"])
        return Batch(index, x, rows["y"], rows["mask"])

    def _inputs(self, step: int, count: int) -> _Inputs:
        """Rows and their numbers for `count` steps, padded to the capacity so that one compilation serves all."""
        index = np.zeros((self.capacity, self.batches.batch), np.int32)
        index[:count] = self.batches.indices(step, count)
        if self.resident is not None:
            return _Inputs(self.resident, jnp.asarray(index), jnp.asarray(index))
        rows = jax.tree.map(lambda leaf: jnp.asarray(leaf[index.reshape(-1)]), self.tree)
        places = np.arange(index.size, dtype=np.int32).reshape(index.shape)
        return _Inputs(rows, jnp.asarray(places), jnp.asarray(index))

    def advance(self, state: State, count: int) -> tuple[State, dict[str, float]]:
        """`count` steps in one call of the device, and the sums of what they said.

        The state that goes in is given away; use the one that comes out.

        Raises:
            NonFiniteError: a direction or a part was not finite. It holds the state before the step that failed.
        """
        if not 1 <= count <= self.capacity:
            raise ValueError(f"count must lie in 1..{self.capacity}, not {count}")
        step = int(state.step)
        inputs = self._inputs(step, count)
        arrays, static = eqx.partition(state, eqx.is_array)
        if self._compiled is None:
            self._compiled = self._compile(static)
        before = jax.tree.map(jnp.copy, arrays)
        arrays, sums, done, bad = self._compiled(arrays, inputs, count)
        if int(bad) >= 0:
            good = int(done) - 1
            if good > 0:
                before, *_ = self._compiled(before, inputs, good)
            raise NonFiniteError(step + good, sorted(state.parts)[int(bad)], eqx.combine(before, static))
        return eqx.combine(arrays, static), {name: float(value) for name, value in sums.items()}

    def _compile(self, static: State) -> Callable[..., Any]:
        step = jax.jit(lambda arrays, inputs, i: self._array_step(static, arrays, inputs, i))

        def chunk(arrays: PyTree, inputs: _Inputs, count: Array) -> tuple[PyTree, dict[str, Array], Array, Array]:
            shapes = jax.eval_shape(step, arrays, inputs, jnp.zeros((), jnp.int32))[1]
            zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)

            def go_on(carry: tuple[Any, ...]) -> Array:
                i, _, _, bad = carry
                return (i < count) & (bad < 0)

            def body(carry: tuple[Any, ...]) -> tuple[Any, ...]:
                i, arrays, sums, _ = carry
                arrays, info, bad = step(arrays, inputs, i)
                return i + 1, arrays, jax.tree.map(jnp.add, sums, info), bad

            start = (jnp.zeros((), jnp.int32), arrays, zeros, jnp.full((), -1, jnp.int32))
            done, arrays, sums, bad = jax.lax.while_loop(go_on, body, start)
            return arrays, sums, done, bad

        return jax.jit(chunk, donate_argnums=0)

    def _array_step(self, static: State, arrays: PyTree, inputs: _Inputs, i: Array) -> tuple[PyTree, Any, Array]:
        state, info, bad = self.step(eqx.combine(arrays, static), inputs, i)
        return eqx.filter(state, eqx.is_array), info, bad

    def train(
        self,
        state: State,
        last: int | None,
        every: int,
        report: Callable[[State, dict[str, float]], bool],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> State:
        """Steps until the last one, or until `report` says no more.

        Args:
            state: where to begin.
            last: the step to end at; `None` leaves the end to `report`.
            every: steps between reports. Reports fall on multiples of it, wherever the run was cut.
            report: gets the state and the mean of what the steps since the last report said; returns whether to go on.
            interrupted: asked between calls of the device; the state is then returned as it stands.
        """
        sums: dict[str, float] = {}
        since, go_on = 0, True
        while go_on and (last is None or int(state.step) < last) and not interrupted():
            here = int(state.step)
            stop = (here // every + 1) * every if last is None else min((here // every + 1) * every, last)
            count = min(stop - here, self.capacity, self._pace())
            began = time.perf_counter()
            state, said = self.advance(state, count)
            self._seconds_per_step = (time.perf_counter() - began) / count
            sums = {name: sums.get(name, 0.0) + value for name, value in said.items()}
            since += count
            if here + count == stop:
                go_on = report(state, {name: value / since for name, value in sums.items()})
                sums, since = {}, 0
        return state

    @property
    def warm(self) -> bool:
        """Whether the device has made its first call, which is the one that waits for the compiler."""
        return self._seconds_per_step < float("inf")

    def _pace(self) -> int:
        """How many steps the next call should take: one to begin with, since nobody knows how long it takes."""
        return max(1, int(PACE / self._seconds_per_step))


def _in_training(parts: Parts, key: Key[Array, ""]) -> Parts:
    """The parts as this step's direction sees them."""
    return {
        name: part.in_training(jax.random.fold_in(key, place)) if isinstance(part, HasTrainingForm) else part
        for place, (name, part) in enumerate(sorted(parts.items()))
    }
