"""`reverie impute` and `reverie denoise`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from reverie.cli import console
from reverie.cli.folders import opened
from reverie.cli.reading import Count, File, Fraction, Quiet, Seed
from reverie.cli.words import counted

if TYPE_CHECKING:
    from reverie.runs import Run

How = Annotated[Literal["draw", "mean"], Parameter(metavar="WORD", show_choices=False)]


def impute(
    run: Path,
    file: str,
    /,
    *,
    given: Annotated[str | None, Parameter(metavar="COLUMNS")] = None,
    how: How = "draw",
    draws: Count = 1,
    moves: Count = 200,
    out: File | None = None,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """Fill in the missing values of a file by a run's model, given the values that are there.

    A value is missing where it is empty or nan. Without --out the rows are printed: as CSV, or as lines of text.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on.
        given: Names of columns, with commas; all others are filled in, whatever the file holds there.
        how: Fill in by draw, a draw given the rest, or by mean: of reals the mean, else the likeliest value (draw).
        draws: Draws of each row, up to 8; the first of all rows come first (1).
        moves: Moves of each chain (200).
        out: Write the rows to this file instead, as its ending says: .npy, .npz, .csv, .png or .txt.
        seed: Of the chains (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    from reverie.tasks import impute

    found, names = writable(run, out), None if given is None else [name.strip() for name in given.split(",")]
    filled = impute(found, file, given=names, how=how, draws=draws, moves=moves, seed=seed)
    what = f"{counted(int(filled.open.sum()), 'value')} filled in"
    _answer(found, filled, {"draws": draws, "filled": int(filled.open.sum())}, what, out, json=json, quiet=quiet)


def denoise(
    run: Path,
    file: str,
    /,
    *,
    noise: Fraction | None = None,
    flips: Fraction | None = None,
    how: How = "mean",
    moves: Count = 200,
    out: File | None = None,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """Take noise of a known size off the rows of a file, by what a run's model knows of rows without noise.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on.
        noise: The standard deviation of the noise on continuous columns, in the units of the data.
        flips: The probability that a bit or a category was replaced by another value.
        how: By mean, which errs least (of bits and categories the likeliest value), or by draw (mean).
        moves: Moves of each chain (200).
        out: Write the rows to this file instead, as its ending says: .npy, .npz, .csv, .png or .txt.
        seed: Of the chains (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    from reverie.tasks import denoise

    found = writable(run, out)
    cleaned = denoise(found, file, noise=noise, flips=flips, how=how, moves=moves, seed=seed)
    what = f"{counted(len(cleaned.open), 'row')} cleaned"
    _answer(found, cleaned, {"cleaned": len(cleaned.open)}, what, out, json=json, quiet=quiet)


def writable(run: Path, out: Path | None) -> "Run":
    """The run, whose rows can be written to that file."""
    from reverie.runs.writing import check_writable

    found = opened(run)
    if out is not None:
        check_writable(out, found.schema)
    return found


def answered(run: "Run", raw: Any, said: dict[str, Any], out: Path | None, *, json: bool) -> None:
    """Rows in a file, as an object, or printed."""
    from reverie.runs.writing import csv_text, lines_text, write_samples

    if out is not None:
        write_samples(out, raw, run.schema, run.spec)
        said = said | {"out": str(out)}
    if json:
        frame = run.schema.frame(raw)
        rows = [list(row) for row in zip(*frame.values(), strict=True)]
        console.answer(said if out is not None else said | {"columns": list(frame), "rows": rows})
    elif out is None:
        write = csv_text if run.schema.text is None else lines_text
        print(write(raw, run.schema), end="")


def _answer(
    run: "Run", filled: Any, said: dict[str, Any], what: str, out: Path | None, *, json: bool, quiet: bool
) -> None:
    """Rows, and what is doubtful about them."""
    said = {"run": str(run.path), **said, "warnings": list(filled.warnings)}
    answered(run, filled.raw, said, out, json=json)
    if not json:
        console.note(f"{what}, by chains with an R-hat up to {filled.chains.r_hat.max():.2f}", quiet=quiet)
        console.note(*(f"note: {warning}" for warning in filled.warnings), quiet=quiet)
