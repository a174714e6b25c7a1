"""`reverie classify` and `reverie tell`."""

import csv
import io
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from reverie.cli import console
from reverie.cli.folders import opened
from reverie.cli.reading import File, Quiet, Seed
from reverie.cli.uses import answered, writable

How = Annotated[Literal["likeliest", "sample"], Parameter(metavar="WORD", show_choices=False)]


def classify(run: Path, file: str, /, *, seed: Seed = 0, json: bool = False, quiet: Quiet = False) -> None:
    """The class of each row of a file, and the probability of each class, under a run that knows of classes.

    Printed as CSV, in the file's order: the likeliest class, then p(y | x) of all classes.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on; a column of labels in it is not read.
        seed: Of what is drawn on the way (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    from reverie.tasks import classify

    found = classify(opened(run), file, seed=seed)
    if json:
        said = {"classes": list(found.names), "likeliest": found.likeliest, "warnings": list(found.warnings)}
        console.answer({"rows": len(found.probabilities), **said, "probabilities": found.probabilities.tolist()})
        return
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["class", *(f"p({name})" for name in found.names)])
    for name, row in zip(found.likeliest, found.probabilities, strict=True):
        lines.writerow([name, *(f"{value:.4g}" for value in row)])
    print(text.getvalue(), end="")
    console.note(*(f"note: {warning}" for warning in found.warnings), quiet=quiet)


def tell(
    run: Path,
    file: str,
    /,
    *,
    how: How = "likeliest",
    out: File | None = None,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """The columns that a run's model tells given the others, told anew for each row of a file.

    For a model of columns given the others. What the file holds in the told columns is not read, but must be there:
    any value of theirs will do. Without --out the rows are printed, as CSV.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on.
        how: The likeliest values together, or sample, a draw of them (likeliest).
        out: Write the rows to this file instead, as its ending says: .npy, .npz, .csv, .png or .txt.
        seed: Of the draw (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    found = writable(run, out)
    raw = found.retold(file, how=how, seed=seed)
    answered(found, raw, {"run": str(found.path), "how": how}, out, json=json)
    if not json:
        console.note(f"told: {found.parts['model'].told_words}", quiet=quiet)
