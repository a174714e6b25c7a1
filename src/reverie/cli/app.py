"""The table of commands, and `main`: from words to an exit code."""

import sys
import warnings
from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from reverie.cli import dotted, faults, folders
from reverie.cli.bakeoff import bakeoff
from reverie.cli.codes import encode, reconstruct
from reverie.cli.fit import fit
from reverie.cli.gradients import gradients
from reverie.cli.options import options
from reverie.cli.pairs import pairs
from reverie.cli.sample import sample
from reverie.cli.scoring import evaluate, score
from reverie.cli.telling import classify, tell
from reverie.cli.uses import denoise, impute
from reverie.errors import InputError
from reverie.version import __version__

EPILOGUE = (
    "A model and a learner make a pair; `reverie pairs` shows which fit. Results are printed on standard output, with "
    "--json as one JSON object, and everything else on standard error.\n\n"
    "Begin with:  reverie bakeoff digits"
)

COMMANDS = (
    bakeoff,
    fit,
    sample,
    score,
    evaluate,
    encode,
    reconstruct,
    impute,
    denoise,
    classify,
    tell,
    gradients,
    pairs,
    options,
)
"""In the order in which the help names them; `runs` comes last."""


def commands() -> App:
    """The table of commands."""
    app = App(
        name="reverie",
        help="Fit deep generative models, and say whether to believe the result.",
        version=__version__,
        version_flags=["--version"],
        help_format="plaintext",
        help_epilogue=EPILOGUE,
        default_parameter=Parameter(negative=(), show_default=False),
    )
    runs = App(name="runs", help="Run folders: list them, look into one, remove one.", help_epilogue="")
    for command in COMMANDS:
        app.command(command, help_epilogue="")
    app.command(runs)
    runs.command(folders.list_, name="list")
    runs.command(folders.show)
    runs.command(folders.remove)
    for place, name in enumerate([*(command.__name__ for command in COMMANDS), "runs"]):
        app[name].sort_key = place
    return app


def run(words: Sequence[str]) -> int:
    """Do what the words say; errors are raised."""
    if any("\0" in word for word in words):
        raise InputError("no name or value may hold a NUL character")
    rest, parts = dotted.taken_out(words)
    command, bound, asked = commands().parse_args(rest, print_error=False, exit_on_error=False)
    given = {}
    if "options" in asked:
        given["options"] = parts
    elif parts:
        raise InputError(f"only `reverie fit` takes options of parts, such as {dotted.first(parts)}")
    return command(*bound.args, **bound.kwargs, **given) or 0


def main(argv: Sequence[str] | None = None) -> int:
    """The entry point: the exit code, after at most one line about what went wrong."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        with warnings.catch_warnings():
            if not faults.debugging():
                warnings.simplefilter("ignore")
            return run(words)
    except CycloptsError as error:
        return faults.tell(faults.misread(error), error)
    except BaseException as error:
        return faults.tell(faults.fault_of(error), error)
