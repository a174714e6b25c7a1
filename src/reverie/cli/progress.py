"""Progress on standard error: a bar where it is a terminal, a line every few seconds where it is not."""

import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from reverie.cli.console import note, stderr
from reverie.cli.words import count, duration, figure

if TYPE_CHECKING:
    from reverie.estimate import Estimate
    from reverie.runs import Progress as Said

PAUSE = 5.0
"""Seconds between two lines."""
RECENT = 4.0
"""Seconds over which the rate is taken: what compiled before is forgotten soon."""
WIDE = 10
"""Characters of the bar."""
FIRST = ("elbo", "iw_bound", "log_likelihood", "log_joint", "critic_accuracy", "acceptance")
"""Figures that say most, in the order of preference; others are shown where there is none of these."""


class Bar:
    """One line of a terminal that is written over and over, and gone in the end."""

    def __init__(self, doing: str) -> None:
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self._progress = Progress(
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=WIDE),
            TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
            console=stderr(),
            transient=True,
            refresh_per_second=5,
        )
        self._task = self._progress.add_task(doing, total=None, figures="")
        self._progress.start()

    def put(self, title: str, share: float | None, pieces: Sequence[str]) -> None:
        """Show this, and as many of the pieces as there is room for; a share of `None` is one that nobody knows."""
        room = self._progress.console.width - 2
        title = shortened(title, room // 3)
        figures = fitting(pieces, room - len(title) - WIDE - 2)
        total = None if share is None else 1.0
        self._progress.update(self._task, description=title, total=total, completed=share or 0.0, figures=figures)

    def above(self, lines: Sequence[str]) -> None:
        """Lines that stay."""
        self._progress.console.print("\n".join(lines), markup=False, soft_wrap=True)

    def stop(self) -> None:
        """Leave no trace."""
        self._progress.stop()


class Display:
    """What a person sees while a command works; a context manager.

    Notes wait until the work has begun in earnest, so that bad input is answered by its one line and nothing else.

    Args:
        quiet: show nothing at all.
        doing: what goes on before the first report.
    """

    def __init__(self, *, quiet: bool = False, doing: str = "reading the data") -> None:
        self.quiet, self.doing, self.title = quiet, doing, ""
        self._waiting: list[str] = []
        self._bar: Bar | None = None
        self._past: deque[tuple[int, float]] = deque()
        self._validation: Estimate | None = None
        self._shown = -PAUSE

    def __enter__(self) -> Self:
        if not self.quiet and stderr().is_terminal:
            self._bar = Bar(self.doing)
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if error[0] is None:
            self.begin()

    def note(self, *lines: str) -> None:
        """Lines to show once the work has begun."""
        self._waiting += lines

    def begin(self) -> None:
        """Show the lines that waited."""
        waiting, self._waiting = self._waiting, []
        if self._bar is not None and waiting:
            self._bar.above(waiting)
        else:
            note(*waiting, quiet=self.quiet)

    def wait(self, doing: str) -> None:
        """Say what goes on until the next report."""
        self._past.clear()
        self._validation = None
        self.title = doing
        if self._bar is not None:
            self._bar.put(doing, None, ["compiling"])

    def report(self, said: "Said") -> None:
        """One report of a run."""
        self.begin()
        if self.quiet:
            return
        rate = self._rate(said)
        self._validation = said.validation or self._validation
        said = said._replace(validation=self._validation)
        if self._bar is not None and done(said) >= 1.0:
            self._bar.put(self.title, None, ["scoring held-out rows, drawing pictures"])
        elif self._bar is not None:
            self._bar.put(self.title, done(said), figures(said, rate))
        elif time.monotonic() - self._shown >= PAUSE:
            self._shown = time.monotonic()
            note(f"{self.title}: step {', '.join(figures(said, rate))}")

    def _rate(self, said: "Said") -> float | None:
        """Steps a second in the last seconds; `None` before there are two reports."""
        self._past.append((said.step, said.seconds))
        while len(self._past) > 2 and said.seconds - self._past[1][1] >= RECENT:
            self._past.popleft()
        step, seconds = self._past[0]
        return (said.step - step) / (said.seconds - seconds) if said.seconds > seconds else None


def figures(said: "Said", rate: float | None) -> list[str]:
    """What a report says, the most telling first: where it stands, how fast, how long yet, and how well."""
    of = "" if said.last is None else f"/{count(said.last)}"
    pieces = [f"{count(said.step)}{of}"]
    if rate:
        pieces.append(f"{rate:,.0f} steps/s" if rate >= 10 else f"{rate:.1f} steps/s")
    left = seconds_left(said, rate)
    if left is not None:
        pieces.append(f"{duration(left)} left")
    return [*pieces, *chosen(said)]


def fitting(pieces: Sequence[str], room: int) -> str:
    """As many of the pieces as there is room for, with commas."""
    kept = list(pieces)
    while len(", ".join(kept)) > room and len(kept) > 1:
        kept.pop()
    return ", ".join(kept)


def shortened(words: str, most: int) -> str:
    """Words with … in the place of their end where they are too long."""
    return words if len(words) <= most else words[: max(1, most - 1)] + "…"


def done(said: "Said") -> float:
    """The share of the run that is behind it, by steps or by time, whichever ends first."""
    by_steps = 0.0 if said.last is None else said.step / max(said.last, 1)
    by_time = 0.0 if said.budget is None else said.seconds / said.budget
    return min(1.0, max(by_steps, by_time))


def seconds_left(said: "Said", rate: float | None) -> float | None:
    """How long the run may still take at most; `None` where it cannot be told yet."""
    ends = []
    if said.last is not None and rate:
        ends.append((said.last - said.step) / rate)
    if said.budget is not None:
        ends.append(said.budget - said.seconds)
    return max(0.0, min(ends)) if ends else None


def chosen(said: "Said", most: int = 2) -> Sequence[str]:
    """The one or two figures that say most: the validation value where there is one, then what the learner says."""
    found = []
    if said.validation is not None and not said.validation.failed:
        found.append(f"valid {figure(said.validation.value)}")
    names = [name for name in FIRST if name in said.info] or list(said.info)
    found += [f"{name.replace('_', ' ')} {figure(said.info[name])}" for name in names]
    return found[:most]
