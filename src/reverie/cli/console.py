"""Where words go: results to standard output, notes to standard error."""

import json
import sys
from typing import Any

from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

UNCUT = 100_000
"""The width of what is not shown on a terminal: nothing is cut or wrapped."""


def stdout() -> Console:
    """Standard output as it is now."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(file=sys.stdout, highlight=False, width=UNCUT)


def width_of(part: RenderableType) -> int:
    """The width that it takes when nothing is cut."""
    console = Console(width=UNCUT)
    return Measurement.get(console, console.options, part).maximum


def show(*parts: RenderableType) -> None:
    """Print on standard output, without spaces at the ends of lines."""
    console = stdout()
    with console.capture() as captured:
        console.print(*parts, sep="\n")
    sys.stdout.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))
    sys.stdout.flush()


def stderr() -> Console:
    """Standard error as it is now."""
    return Console(file=sys.stderr, highlight=False)


def answer(said: dict[str, Any]) -> None:
    """One JSON object and nothing else; what JSON does not know (`nan`, infinities) is null."""
    from reverie.runs.metrics import clean

    sys.stdout.write(json.dumps(clean(said), allow_nan=False, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def note(*lines: str, quiet: bool = False) -> None:
    """Lines for a person, on standard error."""
    if not quiet:
        for line in lines:
            print(line, file=sys.stderr, flush=True)


def facts(rows: list[tuple[str, str]]) -> Table:
    """Names and values in two columns, without lines."""
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(Text(name), Text(value))
    return table
