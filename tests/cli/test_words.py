"""What a person sees: help, tables, progress, and one line about what went wrong."""

import io
import os
import re
import subprocess
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.style import Style

from reverie.cli import main, progress, tables
from reverie.cli.app import commands
from reverie.cli.faults import fault_of
from reverie.cli.words import duration, figure, listed
from reverie.errors import InputError
from reverie.estimate import Estimate, failed
from reverie.models import ConditionalField, Generator

SRC = Path(__file__).parents[2] / "src"
COMMANDS = (
    *("bakeoff", "fit", "sample", "score", "evaluate", "encode", "reconstruct", "impute", "denoise"),
    *("classify", "tell"),
    *("gradients", "pairs", "options", "runs"),
)
CALLS = [(name,) for name in COMMANDS] + [("runs", "list"), ("runs", "show"), ("runs", "remove")]


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("fit", "--help"), ("runs", "--help"), ("zebra",)])
def test_it_answers_without_jax(words):
    code = f"from reverie.cli import main; code = main({words!r})"
    code += "; import sys; print('\\nLOADED', *sys.modules); sys.exit(code)"
    env = os.environ | {"PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == (2 if words == ("zebra",) else 0), done.stderr
    loaded = {name.split(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert not loaded & {"jax", "numpy", "equinox", "msgspec", "matplotlib", "sklearn"}


def test_help_comes_at_once():
    """150 ms on a quiet machine; the limit leaves room for a busy one, and takes the fastest of some."""
    env = os.environ | {"PYTHONPATH": str(SRC)}
    code = "from reverie.cli import main; main(['--help'])"
    took = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=True)
        took.append(time.perf_counter() - began)
    assert min(took) < 1.0


def test_the_first_help_names_every_command(capsys):
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    for name in COMMANDS:
        assert f"│ {name}" in said
    assert main([]) == 0
    assert capsys.readouterr().out == said


@pytest.mark.parametrize("words", CALLS)
def test_every_option_is_explained(words, capsys):
    assert main([*words, "--help"]) == 0
    said = capsys.readouterr().out
    app = commands()
    for word in words:
        app = app[word]
    if app.default_command is None:
        return
    for argument in app.assemble_argument_collection():
        if argument.show:
            assert re.search(rf"│ [* ]* ?[^│]*{argument.names[0]}\b[^│]* {{2,}}[A-Z]", said), argument.names[0]


def test_every_part_of_a_pair_can_be_named():
    """Those that every person knows by an option of their own, the rest by --part."""
    from reverie.cli.fit import _roles
    from reverie.pairing import REGISTRIES

    names = {name for argument in commands()["fit"].assemble_argument_collection() for name in argument.names}
    assert {"--model", "--inference", "--critic", "--part"} <= names
    for role in REGISTRIES.keys() - {"model"}:
        first = next(iter(REGISTRIES[role]))
        assert _roles([f"{role}={first}"])[role] == first


def test_every_unit_has_its_options_printed(capsys):
    from reverie.learners import LEARNERS
    from reverie.pairing import REGISTRIES

    registries: dict[str, Any] = {**REGISTRIES, "learner": LEARNERS}
    for role, registry in registries.items():
        for name in registry:
            assert main(["options", name]) == 0
            said = capsys.readouterr().out
            assert said.startswith(f"{name}")
            assert f"--{role}." in said or "It has no options." in said


def test_the_matrix_fits_a_narrow_terminal():
    import reverie as rv
    from reverie.cli.pairs import FITS, matrix

    found = rv.pairs()
    screen = Console(file=io.StringIO(), width=80)
    with screen.capture() as captured:
        screen.print(matrix(found, short=True))
    said = captured.get()
    assert said.count(FITS) == sum(pair.fits for pair in found.pairs) + 1
    assert all(f"lacks {pair.missing[0]}" in said for pair in found.pairs if not pair.fits)
    assert max(map(len, said.splitlines())) <= 80


def test_the_pairs_of_one_are_a_list(capsys):
    assert main(["pairs", "--model", "sbn"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert any(line.startswith("✓  jsa") and "Markov chain" in line for line in said)
    assert any("lacks HasLogProb" in line for line in said)
    assert [line[0] for line in said] == sorted((line[0] for line in said), key=lambda mark: mark != "✓")
    assert main(["pairs", "--learner", "jza"]) == 2


def test_the_matrix_is_whole_where_there_is_no_terminal(capsys):
    assert main(["pairs"]) == 0
    said = capsys.readouterr().out
    assert "HasLogJoint" in said
    assert "…" not in said
    assert all(line == line.rstrip() for line in said.splitlines())


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def reports(display, clock, every, count, budget=None, last=None):
    from reverie.runs import Progress

    for place in range(count):
        clock.now += every
        seconds = (place + 1) * every
        display.report(Progress(100 * (place + 1), last, seconds, budget, {"elbo": -19.25, "zebra": 1.0}, None))


def test_lines_are_seconds_apart(capsys, monkeypatch):
    clock = Clock()
    monkeypatch.setattr("reverie.cli.progress.time.monotonic", clock)
    with progress.Display() as display:
        display.note("read")
        assert capsys.readouterr().err == ""
        display.wait("jsa on digits")
        reports(display, clock, 0.5, 40, last=4000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "read"
    assert len(lines) == 1 + 4
    assert lines[2] == "jsa on digits: step 1,100/4,000, 200 steps/s, 14 s left, elbo −19.25"


def test_quiet_is_quiet(capsys):
    with progress.Display(quiet=True) as display:
        display.note("read")
        display.wait("jsa on digits")
        reports(display, Clock(), 9.0, 3)
    assert capsys.readouterr() == ("", "")


def test_notes_are_kept_back_when_the_input_is_at_fault(capsys):
    def reading():
        with progress.Display() as display:
            display.note("read")
            raise InputError("no")

    with pytest.raises(InputError):
        reading()
    assert capsys.readouterr().err == ""


def test_the_rate_forgets_what_compiling_cost():
    from reverie.runs import Progress

    display = progress.Display(quiet=True)
    said = [Progress(100, None, 30.0, None, {}, None), Progress(200, None, 60.0, None, {}, None)]
    said += [Progress(200 + 50 * k, None, 60.0 + k, None, {}, None) for k in range(1, 9)]
    assert [display._rate(one) for one in said[:2]] == [None, pytest.approx(100 / 30)]
    assert [display._rate(one) for one in said[2:]][-1] == pytest.approx(50)


@pytest.mark.parametrize(
    ("step", "last", "seconds", "budget", "share", "left"),
    [
        (50, 200, 5.0, None, 0.25, 15.0),
        (50, None, 5.0, 20.0, 0.25, 15.0),
        (50, 200, 9.0, 10.0, 0.9, 1.0),
        (150, 200, 9.0, 100.0, 0.75, 5.0),
        (50, None, 25.0, 20.0, 1.0, 0.0),
        (5, None, 1.0, None, 0.0, None),
    ],
)
def test_what_is_left(step, last, seconds, budget, share, left):
    from reverie.runs import Progress

    said = Progress(step, last, seconds, budget, {}, None)
    assert progress.done(said) == share
    assert progress.seconds_left(said, 10.0) == left


def test_figures_fit_the_room_that_there_is():
    pieces = ["1,000/5,000", "812 steps/s", "5 s left", "valid −19.25"]
    assert progress.fitting(pieces, 100) == ", ".join(pieces)
    assert progress.fitting(pieces, 36) == "1,000/5,000, 812 steps/s, 5 s left"
    assert progress.fitting(pieces, 3) == "1,000/5,000"
    assert progress.shortened("a long name", 6) == "a lon…"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("the sizes are off"), 2, "the sizes are off"),
        (FileNotFoundError(2, "No such file or directory", "x.csv"), 2, "x.csv: No such file or directory"),
        (MemoryError(), 2, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyError("z"), 1, "fault of Reverie"),
        (ValueError("z"), 1, "fault of Reverie"),
        (ZeroDivisionError("z"), 1, "REVERIE_DEBUG=1"),
        (RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes"), 2, "not enough memory"),
    ],
)
def test_whose_fault_it_is(error, code, said):
    found = fault_of(error)
    assert found.code == code
    assert said in str(found.line)


def test_a_run_that_diverged_is_one_line_too(small_runs, at, capfd, monkeypatch):
    import jax.numpy as jnp

    import reverie as rv
    from reverie.loop import NonFiniteError, State

    before = State(jnp.zeros(()), {}, {}, None, None, None)

    def diverging(*words, **options):
        raise NonFiniteError(30, "model", before)

    monkeypatch.setattr(rv, "fit", diverging, raising=False)
    assert main(["fit", str(small_runs["data"]), "--steps", "2"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("reverie: the direction of 'model' was not finite at step 30")


def test_a_fault_of_ours_shows_its_traceback_when_asked(capsys, monkeypatch):
    def broken(words):
        warnings.warn("a library says so", stacklevel=1)
        raise KeyError("z")

    monkeypatch.setattr("reverie.cli.app.run", broken)
    monkeypatch.delenv("REVERIE_DEBUG", raising=False)
    assert main(["pairs"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1
    monkeypatch.setenv("REVERIE_DEBUG", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main(["pairs"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_estimates_in_words():
    said = tables.full(Estimate(-18.7, 0.124, "lower bound", n=397, ess=12.34, warnings=("ESS is low",)))
    assert said == "−18.700 ± 0.124 nats (lower bound, 397 rows, ESS 12.3)\nnote: ESS is low"
    assert tables.full(None) == tables.IMPLICIT
    runs: list[Any] = [
        SimpleNamespace(path="runs/a", parts={"model": one}) for one in (Generator(), ConditionalField())
    ]
    assert [tables.untold(run) for run in runs] == [
        tables.IMPLICIT,
        "none yet: reverie evaluate runs/a --ais gives it",
    ]
    assert tables.full(failed("the weights collapsed")) == "failed: the weights collapsed"
    assert tables.short(failed("the weights collapsed")) == "failed"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 m 00 s"), (65, "1 m 05 s"), (7380, "2 h 03 m")],
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_lists_and_figures():
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert figure(-0.123456) == "−0.1235"


def test_small_pictures_are_drawn_in_blocks(monkeypatch):
    import numpy as np

    from reverie.cli.blocks import drawn

    raw = np.zeros((100, 15), np.uint8)
    raw[0, 0] = 1
    lines = drawn(raw, (5, 3, 1), 20).plain.splitlines()
    assert len(lines[0]) == 5 * 3 + 4  # five pictures with a gap between two
    assert lines[3] == ""  # three lines hold five pixels and one of padding
    assert lines[-1] == "and 50 more; --out FILE.png draws them all"
    style = drawn(raw, (5, 3, 1), 20).spans[0].style
    assert isinstance(style, Style)
    assert str(style) == "#ffffff on #000000"
