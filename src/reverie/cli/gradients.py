"""`reverie gradients`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from reverie.cli import console
from reverie.cli.folders import opened
from reverie.cli.reading import Count, Folder, Quiet, Seed
from reverie.cli.tables import lined
from reverie.cli.words import count, counted, figure

if TYPE_CHECKING:
    from reverie.evaluation import GradientStatistics
    from reverie.evaluation.gradient_statistics import PartStatistics

PICTURE = "gradients.png"
NAME = Parameter(metavar="NAME")


def gradients(
    run: Path,
    file: str | None = None,
    /,
    *,
    learners: Annotated[tuple[str, ...], Parameter(metavar="NAMES", consume_multiple=True, negative=())] = (),
    reference: Annotated[str | None, NAME] = None,
    rows: Count = 10,
    draws: Count = 1000,
    settle: Count = 100,
    out: Folder | None = None,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """Bias, variance, cosine and signal to noise of learners' gradients, part by part, at a run's parameters.

    A learner is written NAME, or with options NAME:OPTION=VALUE:OPTION=VALUE, such as rws:k=10:sleep-phi=true.

        reverie gradients runs/first --learners reinforce nvil vimco:k=5 --draws 2000

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on; the run's own test rows when not given.
        learners: The learners to compare; the run's own when not given.
        reference: The learner that all are compared with. When not given, each is compared with the gradient that it
            estimates (of the evidence lower bound, the K-sample bound, the likelihood): by enumeration where codes are
            few, else with a long run of the first learner that is unbiased for it.
        rows: Rows that a gradient is a mean over, the first ones (10).
        draws: Gradients of each learner (1000).
        settle: Steps of Markov chains and running means before the first (100).
        out: Write gradients.png into this folder; the run folder when not given.
        seed: Of everything random (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    import reverie as rv

    found_run = opened(run)
    folder = found_run.path if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    found = rv.gradients(
        found_run,
        learners or None,
        file,
        rows=rows,
        reference=reference,
        draws=draws,
        settle=settle,
        seed=seed,
        heard=lambda label: console.note(f"{label} …", quiet=quiet),
    )
    found.plot(folder / PICTURE)
    if json:
        console.answer(found.to_dict() | {"picture": str(folder / PICTURE)})
        return
    console.show(table_of(found.statistics))
    over = counted(found.statistics.rows, "row")
    console.note(
        f"{count(found.statistics.draws)} gradients of each over {over}; {_against(found.statistics)}",
        *_uncompared(found.statistics),
        f"picture: {folder / PICTURE}",
        quiet=quiet,
    )


def _against(found: "GradientStatistics") -> str:
    """What biases are distances from."""
    used = {one.reference: one.exact for one in found.table if one.reference is not None}
    names = [name if exact else f"{name} in a long run" for name, exact in used.items()]
    if found.reference is not None:
        return f"bias is against {', '.join(names) or found.reference}, whatever a learner estimates"
    return f"bias is against each learner's own target, by {', '.join(names)}" if names else "no bias can be told here"


def _uncompared(found: "GradientStatistics") -> list[str]:
    """Why some have no bias."""
    verdicts = {one.verdict for one in found.table}
    said = {
        "not compared": "not compared: no sum over codes gives the target, and no other learner here shares it",
        "no target": "no target: the learner declares no gradient that another one estimates too",
    }
    return [words for verdict, words in said.items() if verdict in verdicts]


def table_of(found: "GradientStatistics") -> Table:
    """One line a learner and part, the parts one after the other."""
    table = lined("part", "learner", "target", ">norm", ">bias", "", ">variance", ">cosine", ">SNR")
    for part in dict.fromkeys(one.part for one in found.table):
        for one in found.table:
            if one.part == part:
                target = one.target or "–"
                cells = (part, one.learner, target, figure(one.norm), *_bias(one), figure(one.variance), *_rest(one))
                table.add_row(*map(Text, cells))
    return table


def _bias(one: "PartStatistics") -> tuple[str, str]:
    """A bias with its error, and what it means."""
    if one.bias is None or one.bias_se is None:
        return "–", one.verdict
    if one.verdict == "none seen":
        return f"< {figure(one.bias + one.bias_se)}", one.verdict
    return f"{figure(one.bias)} ± {figure(one.bias_se)}", one.verdict


def _rest(one: "PartStatistics") -> tuple[str, str]:
    cosine = "–" if one.cosine is None else figure(one.cosine)
    return cosine, "no noise" if one.snr == float("inf") else figure(one.snr)
