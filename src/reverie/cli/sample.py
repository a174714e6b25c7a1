"""`reverie sample`."""

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from reverie.cli import console
from reverie.cli.folders import opened
from reverie.cli.reading import Count, File, Fraction, Seed
from reverie.cli.words import counted


def sample(
    run: Path,
    /,
    *,
    count: Annotated[Count, Parameter(name=["-n", "--count"])] = 64,
    label: str | None = None,
    guidance: Fraction = 1.0,
    temperature: Fraction = 1.0,
    out: File | None = None,
    seed: Seed = 0,
    json: bool = False,
) -> None:
    """Draw rows from a run, in the units of its data.

    Without --out the rows are printed: as CSV, as lines of text, or, for small pictures on a terminal, as pictures.

    Args:
        run: The run folder.
        count: How many rows (64).
        label: Draw rows of this class, for models that have classes.
        guidance: How strongly, for models that are guided by classes: 0 forgets the class, more than 1 goes beyond (1).
        temperature: For models of text that say it word after word: below 1 likely words come more often than the model
            has it, at 0 always the likeliest. The rows are draws of the model at 1 alone (1).
        out: Write them to this file instead, as its ending says: .npy, .npz, .csv, .png or .txt.
        seed: Of the draws (0).
        json: Print one JSON object and nothing else.
    """
    from reverie.runs.writing import check_writable, csv_text, lines_text, write_samples

    found = opened(run)
    if out is not None:
        check_writable(out, found.schema)
    raw = found.sample(count, seed=seed, label=label, guidance=guidance, temperature=temperature)
    said: dict[str, Any] = {"run": str(found.path), "n": count, "seed": seed}
    if temperature != 1.0:
        said["temperature"] = temperature
        console.note(
            f"at temperature {temperature:g} the rows are no draws of the model, and no figure of the run is of them"
        )
    if out is not None:
        write_samples(out, raw, found.schema, found.spec)
        if json:
            console.answer(said | {"out": str(out)})
        else:
            console.note(f"{counted(count, 'row')} in {out}")
    elif json:
        frame = found.schema.frame(raw)
        rows = [list(row) for row in zip(*frame.values(), strict=True)]
        console.answer(said | {"columns": list(frame), "samples": rows})
    else:
        screen = console.stdout()
        shown = _pictures(raw, found.schema, screen.width) if screen.is_terminal and not screen.no_color else None
        if shown is not None:
            screen.print(shown, end="")
        else:
            print(csv_text(raw, found.schema) if found.schema.text is None else lines_text(raw, found.schema), end="")


def _pictures(raw: Any, schema: Any, width: int) -> Any:
    """Small grey pictures in block letters; None for anything else."""
    from reverie.cli.blocks import drawn

    image = schema.image
    if image is None or image[2] != 1 or image[1] > width or image[0] > 64 or isinstance(raw, dict):
        return None
    return drawn(raw, image, width)
