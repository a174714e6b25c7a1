"""`reverie pairs`: the matrix of models and learners."""

from string import ascii_lowercase
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from reverie.cli import console
from reverie.cli.reading import Seed

if TYPE_CHECKING:
    from reverie.pairing import Pairs

FITS = "✓"


def pairs(*, json: bool = False, seed: Seed = 0) -> None:
    """Which learner fits which model, and the capability that is missing where it does not.

    Args:
        json: Print one JSON object and nothing else.
        seed: Taken as every command takes it; nothing here is drawn.
    """
    import reverie as rv

    del seed

    found = rv.pairs()
    if json:
        console.answer(found.to_dict())
        return
    whole = matrix(found, short=False)
    console.show(whole if console.width_of(whole) <= console.stdout().width else matrix(found, short=True))


def matrix(found: "Pairs", *, short: bool) -> Table:
    """Learners down, models across; where short, capabilities are letters that the caption explains."""
    letters = _letters(found) if short else {}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for model in found.models:
        table.add_column(model, no_wrap=True)
    verdict = {(pair.model, pair.learner): pair for pair in found.pairs}
    for learner in found.learners:
        cells = []
        for model in found.models:
            pair = verdict[model, learner]
            cells.append(Text(FITS, "green") if pair.fits else Text(_why(pair.missing, letters), "dim"))
        table.add_row(Text(learner, "bold"), *cells)
    if letters:
        legend = [f"{FITS}  fits", *(f"{letter}  lacks {name}" for name, letter in letters.items())]
        table.caption = Text("\n".join(legend))
        table.caption_justify = "left"
        table.caption_style = "dim"
    return table


def _why(names: tuple[str, ...], letters: dict[str, str]) -> str:
    return letters[names[0]] if letters else ", ".join(names)


def _letters(found: "Pairs") -> dict[str, str]:
    """A letter for each capability that is missing somewhere; two where the alphabet ends."""
    names = list(dict.fromkeys(pair.missing[0] for pair in found.pairs if not pair.fits))
    marks = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
    return dict(zip(names, marks, strict=False))
