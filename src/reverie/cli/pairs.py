"""`reverie pairs`: the matrix of models and learners."""

from collections.abc import Iterator, Sequence
from string import ascii_lowercase
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from reverie.cli import console
from reverie.cli.reading import Seed

if TYPE_CHECKING:
    from reverie.pairing import Pairs

FITS = "✓"
NARROW = 80
"""Columns of a terminal that says nothing of its width."""
NAME = Parameter(metavar="NAME")


def pairs(
    *,
    model: Annotated[str | None, NAME] = None,
    learner: Annotated[str | None, NAME] = None,
    markdown: Annotated[bool, Parameter(negative=())] = False,
    json: bool = False,
    seed: Seed = 0,
) -> None:
    """Which learner fits which model, and the capability that is missing where it does not.

    Args:
        model: Only this model, with all its learners.
        learner: Only this learner, with all its models.
        markdown: Print the page docs/pairs.md: every unit in one line, and what fits what.
        json: Print one JSON object and nothing else.
        seed: Taken as every command takes it; nothing here is drawn.
    """
    import reverie as rv

    del seed

    found = rv.pairs(model=model, learner=learner)
    if json:
        console.answer(found.to_dict())
    elif markdown:
        print("\n".join(page(found)))
    elif model is not None or learner is not None:
        console.show(listing(found))
    else:
        whole, room = matrix(found, short=False), console.stdout().width
        console.show(whole if console.width_of(whole) <= room else matrix(found, short=True, room=room))


def page(found: "Pairs") -> Iterator[str]:
    """The page docs/pairs.md, line by line."""
    from reverie.pairing import summary

    fits = [pair for pair in found.pairs if pair.fits]
    yield from ("# Which learner fits which model", "")
    yield "Made by `reverie pairs --markdown`. `reverie pairs --model NAME` says what the other learners lack."
    yield from ("", "| learner | what it does | fits |", "| --- | --- | --- |")
    for learner in found.learners:
        models = ", ".join(f"`{pair.model}`" for pair in fits if pair.learner == learner)
        yield f"| `{learner}` | {summary('learner', learner)} | {models} |"
    yield from ("", "| model | what it is | by |", "| --- | --- | --- |")
    for model in found.models:
        learners = ", ".join(f"`{pair.learner}`" for pair in fits if pair.model == model)
        yield f"| `{model}` | {summary('model', model)} | {learners} |"


def listing(found: "Pairs") -> Table:
    """One line a pair, those that fit first: what it is, or what is missing."""
    from reverie.pairing import summary

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for pair in sorted(found.pairs, key=lambda pair: not pair.fits):
        role, name = ("learner", pair.learner) if len(found.models) == 1 else ("model", pair.model)
        said = Text(summary(role, name)) if pair.fits else Text(f"lacks {', '.join(pair.missing)}", "dim")
        table.add_row(Text(FITS, "green") if pair.fits else Text(" "), Text(name, "bold"), said)
    return table


def matrix(found: "Pairs", *, short: bool, room: int = NARROW) -> RenderableType:
    """Learners down, models across; where short, names stand upright and capabilities are letters, explained below.

    Args:
        found: the pairs.
        short: whether it must be.
        room: columns of the terminal; what is short still comes in as many tables as it takes.
    """
    if not short:
        return _table(found, found.models, {})
    letters = _letters(found)
    each = 1 + max(map(len, letters.values()), default=1)
    across = max(1, (room - max(map(len, found.learners)) - 1) // each)
    groups = [found.models[start : start + across] for start in range(0, len(found.models), across)]
    legend = [f"{FITS}  fits", *(f"{letter}  lacks {name}" for name, letter in letters.items())]
    return Group(*(_table(found, models, letters) for models in groups), Text("\n".join(legend), "dim"))


def _table(found: "Pairs", models: Sequence[str], letters: dict[str, str]) -> Table:
    """Some models; upright where there are letters."""
    table = Table(box=None, pad_edge=False, padding=(0, 1 if letters else 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for model in models:
        table.add_column("\n".join(model) if letters else model, no_wrap=True, vertical="bottom")
    verdict = {(pair.model, pair.learner): pair for pair in found.pairs}
    for learner in found.learners:
        cells = []
        for model in models:
            pair = verdict[model, learner]
            cells.append(Text(FITS, "green") if pair.fits else Text(_why(pair.missing, letters), "dim"))
        table.add_row(Text(learner, "bold"), *cells)
    return table


def _why(names: tuple[str, ...], letters: dict[str, str]) -> str:
    return letters[names[0]] if letters else ", ".join(names)


def _letters(found: "Pairs") -> dict[str, str]:
    """A letter for each capability that is missing somewhere; two where the alphabet ends."""
    names = list(dict.fromkeys(pair.missing[0] for pair in found.pairs if not pair.fits))
    marks = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
    return dict(zip(names, marks, strict=False))
