"""`reverie encode` and `reverie reconstruct`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from reverie.cli import console
from reverie.cli.folders import opened
from reverie.cli.reading import File, Quiet, Seed
from reverie.cli.uses import answered, writable
from reverie.cli.words import counted

if TYPE_CHECKING:
    from reverie.runs import Run

How = Annotated[Literal["mean", "draw"], Parameter(metavar="WORD", show_choices=False)]


def encode(
    run: Path,
    file: str,
    /,
    *,
    how: How = "mean",
    out: File | None = None,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """The codes of the rows of a file, by a run's inference model: one line a row, in the file's order.

    Without --out they are printed as CSV, with a column for each latent variable: h1.1, h1.2, …, and h2.1, … for those
    of a second block, further from the row.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on.
        how: By mean, the middle of q(h | x) (of bits and categories the likeliest values), or by draw (mean).
        out: Write them to this file instead: .npy, or .npz with one array for each block, h1, h2 and so on.
        seed: Of the draws (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    from reverie.capabilities import HasLogJoint
    from reverie.runs.writing import check_codes_writable, codes_csv, write_codes

    found = opened(run)
    model = found.parts["model"]
    latents = model.latents if isinstance(model, HasLogJoint) else ()
    if out is not None:
        check_codes_writable(out, len(latents))
    blocks = blocks_of(found.encode(file, how=how, seed=seed))
    said: dict[str, Any] = {
        "run": str(found.path),
        "rows": len(blocks[0]),
        "blocks": [{"kind": one.kind, "size": one.size} for one in latents],
    }
    if out is not None:
        write_codes(out, blocks)
        said["out"] = str(out)
    if json:
        console.answer(said if out is not None else said | {"codes": [block.tolist() for block in blocks]})
        return
    if out is None:
        print(codes_csv(blocks), end="")
    where = "" if out is None else f" in {out}"
    console.note(f"codes of {counted(len(blocks[0]), 'row')}{where}", quiet=quiet)


def blocks_of(codes: Any) -> tuple[Any, ...]:
    """One array a block."""
    return codes if isinstance(codes, tuple) else (codes,)


def reconstruct(
    run: Path,
    file: str,
    /,
    *,
    how: How = "mean",
    out: File | None = None,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """The rows of a file by way of their codes: what a run's model keeps of them.

    Without --out the rows are printed: as CSV, or as lines of text.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on.
        how: By mean, the middle of the code and of the row (of bits and categories the likeliest), or by draw (mean).
        out: Write the rows to this file instead, as its ending says: .npy, .npz, .csv, .png or .txt.
        seed: Of the draws (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    found: Run = writable(run, out)
    raw = found.reconstruct(file, how=how, seed=seed)
    rows = len(next(iter(raw.values())) if isinstance(raw, dict) else raw)
    answered(found, raw, {"run": str(found.path), "reconstructed": rows}, out, json=json)
    if not json:
        console.note(f"{counted(rows, 'row')} reconstructed", quiet=quiet)
