"""One sitting of a run: what the loop reports to, and how it ends."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp

from reverie.data import Dataset
from reverie.estimate import Estimate
from reverie.learners import Learner
from reverie.loop import Loop, NonFiniteError, State
from reverie.parts import Parts, count_parameters
from reverie.runs import checkpoints, metrics
from reverie.runs.config import Config
from reverie.runs.configure import keys_of
from reverie.runs.heldout import Heldout, final_estimates
from reverie.runs.report import write_report
from reverie.runs.run import Result, Run, save_parts, save_result
from reverie.runs.tracking import Board

METRICS_FILE = "metrics.jsonl"
CHECKPOINTS = "checkpoints"


class Progress(NamedTuple):
    """What a run says while it goes on."""

    step: int
    last: int | None
    seconds: float
    budget: float | None
    info: dict[str, float]
    validation: Estimate | None


Listener = Callable[[Progress], None]


class Sitting(NamedTuple):
    """What does not belong to a run but to one sitting of it.

    Attributes:
        checkpoint_seconds: how often the whole state is saved.
        tensorboard: write TensorBoard events too.
        pictures: write the pictures and the report at the end.
        progress: called at each report.
    """

    checkpoint_seconds: float
    tensorboard: bool
    pictures: bool
    progress: Listener | None


class Session:
    """One sitting of a run: what the loop reports to."""

    def __init__(
        self,
        path: Path,
        config: Config,
        dataset: Dataset,
        filled: Parts,
        learner: Learner,
        sitting: Sitting,
    ) -> None:
        self.path, self.config, self.dataset, self.sitting = path, config, dataset, sitting
        _, key_loop, key_held = keys_of(config)
        self.loop = Loop(
            learner,
            dataset.train,
            dataset.measure,
            key_loop,
            seed=config.seed,
            optimisers=config.optimisers,
            batch=config.batch,
            steps=config.steps,
            average=config.average,
        )
        self.held = Heldout(dataset.valid, dataset.measure, key_held)
        self.progressed = checkpoints.Progressed()
        self.best: Parts | None = None
        self.judged_step = -1
        self.board = Board(path) if sitting.tensorboard else None
        self.began = self.saved = time.perf_counter()
        self.before = 0.0
        self.warm = False

    def seconds(self) -> float:
        """Seconds of training, over all sittings; the first step, which waits for the compiler, is not counted."""
        if not self.warm:
            self.began, self.warm = time.perf_counter(), self.loop.warm
        return self.before + time.perf_counter() - self.began

    def go(self, state: State) -> Run:
        """Train to the end, an interrupt or a failure, and leave a whole folder."""
        self.before = self.progressed.seconds
        self.began = self.saved = time.perf_counter()
        with _signals() as interrupted:
            try:
                if self.config.seconds is not None:
                    self.held.warm_up(self._kept(state))
                if self.progressed.halted is None:
                    stop = lambda: interrupted() or self._overdue()
                    state = self.loop.train(state, self.config.steps, self.config.every, self._report, stop)
                status = "interrupted" if interrupted() and not self._ended(state) else "finished"
                why = self.progressed.halted or ("interrupted" if status == "interrupted" else "all steps done")
                if status == "finished" and self.best is not None and self.judged_step != int(state.step):
                    self._judge(state, int(state.step), self.held.estimate(self._kept(state)))
            except NonFiniteError as error:
                self._save(error.state)
                self._finish(error.state, "failed", str(error))
                raise
            self._save(state)
            return self._finish(state, status, why)

    def _ended(self, state: State) -> bool:
        last = self.config.steps
        return self.progressed.halted is not None or (last is not None and int(state.step) >= last)

    def _overdue(self) -> bool:
        """Whether the time is up, which ends the run."""
        if self.config.seconds is not None and self.seconds() >= self.config.seconds:
            self.progressed.halted = self.progressed.halted or "the time is up"
        return self.progressed.halted is not None

    def _kept(self, state: State) -> Parts:
        """The parameters that the run stands for: the moving average where there is one."""
        if state.average is None:
            return state.parts
        return eqx.combine(state.average, state.parts)

    def _report(self, state: State, info: dict[str, float]) -> bool:
        step, seconds = int(state.step), self.seconds()
        line: dict[str, Any] = {"step": step, "seconds": round(seconds, 3), "info": info}
        validation = None
        if step % self.config.validate_every == 0 and self.held.affordable(self.config, self.seconds()):
            validation = self.held.estimate(self._kept(state))
        if validation is not None:
            line["validation"] = validation.to_dict()
            self._judge(state, step, validation)
        metrics.append(self.path / METRICS_FILE, line)
        if self.board is not None:
            extra = {} if validation is None else {"validation": validation.value}
            self.board.write(step, info | extra)
        if self.sitting.progress is not None:
            self.sitting.progress(Progress(step, self.config.steps, seconds, self.config.seconds, info, validation))
        self._overdue()
        if time.perf_counter() - self.saved > self.sitting.checkpoint_seconds:
            self._save(state)
        return self.progressed.halted is None

    def _judge(self, state: State, step: int, validation: Estimate | None) -> None:
        """Keep the best parameters, and stop when they have not improved for long."""
        if self.config.patience is None or validation is None or validation.failed:
            return
        self.judged_step = step
        progressed = self.progressed
        if progressed.best is None or validation.value > progressed.best:
            progressed.best, progressed.best_step, progressed.stale = validation.value, step, 0
            self.best = jax.tree.map(lambda leaf: jnp.copy(leaf) if eqx.is_array(leaf) else leaf, self._kept(state))
        else:
            progressed.stale += 1
            if progressed.stale >= self.config.patience:
                progressed.halted = f"no gain on the validation rows since step {progressed.best_step}"

    def _save(self, state: State) -> None:
        self.progressed.step, self.progressed.seconds = int(state.step), self.seconds()
        checkpoints.save(self.path / CHECKPOINTS, state, self.best, self.progressed)
        self.saved = time.perf_counter()

    def _finish(self, state: State, status: str, why: str) -> Run:
        kept = self.best if self.best is not None else self._kept(state)
        best_step = self.progressed.best_step if self.best is not None else self.progressed.step
        save_parts(self.path, kept)
        result = Result(
            status=status,
            why=why,
            step=self.progressed.step,
            best_step=best_step,
            seconds=self.progressed.seconds,
            parameters=count_parameters(kept),
        )
        if status != "failed":
            rows = self.dataset.test if len(self.dataset.test) else self.dataset.valid
            result.log_likelihood, result.log_normaliser = final_estimates(
                kept, self.dataset.measure, rows, self.config
            )
        save_result(self.path, result)
        if self.board is not None:
            self.board.close()
        run = Run(self.path, self.config, kept, result)
        if self.sitting.pictures and status != "failed":
            write_report(run, self.dataset)
        return run


@contextmanager
def _signals() -> Iterator[Callable[[], bool]]:
    """SIGINT and SIGTERM ask the run to end at the next call of the device; a second SIGINT ends it at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def ask(number: int, frame: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
