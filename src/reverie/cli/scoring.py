"""`reverie score` and `reverie evaluate`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from reverie.cli import console
from reverie.cli.folders import opened
from reverie.cli.reading import Count, Folder, Quiet, Seed, numbers
from reverie.cli.tables import evaluation_facts, separation_facts, short
from reverie.errors import InputError

PICTURE = "codes.png"


def score(
    run: Path,
    file: str,
    /,
    *,
    potential: bool = False,
    against: str | None = None,
    samples: Count = 1000,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """The log-likelihood of each row of a file under a run, in nats: one number a line, in the file's order.

    With --against, for outliers: how well the scores tell these rows from those of another file, which should not
    belong, by the area under the ROC curve: 0.5 for not at all and 1 for without fault; below 0.5 the other rows are
    the likelier.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on.
        potential: Give the potential instead, which is the log-likelihood but for log Z, the same for all rows.
        against: Rows that should not belong, with the same columns.
        samples: Codes for each row, where the likelihood is bounded by importance weighting (1000).
        seed: Of those codes (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    opened_run = opened(run)
    if against is not None:
        from reverie.tasks import separation

        if potential:
            raise InputError("--against takes potentials by itself where there are any: leave --potential out")
        found = separation(opened_run, file, against, samples=samples, seed=seed)
        if json:
            console.answer(found.to_dict())
        else:
            console.show(separation_facts(found))
        return
    if potential:
        from reverie.tasks.outliers import potentials

        values = [float(value) for value in potentials(opened_run, file, seed=seed)]
        if json:
            console.answer({"rows": len(values), "potential": values, "unit": "nats"})
        else:
            print("\n".join(f"{value:.6g}" for value in values))
            console.note(f"{len(values)} rows; potentials, each log Z more than a log-likelihood", quiet=quiet)
        return
    from reverie.evaluation.likelihood import mean_score

    scores = opened_run.score(opened_run.read(file), samples=samples, seed=seed)
    values = [float(value) for value in scores.values]
    if json:
        console.answer({"rows": len(values), "log_likelihood": values, "kind": scores.kind, "unit": "nats"})
    else:
        print("\n".join(f"{value:.6g}" for value in values))
        mean = f"mean {short(mean_score(scores, samples))} nats" if values else "no rows"
        console.note(f"{len(values)} rows, {mean} ({scores.kind})", quiet=quiet)
        console.note(*(f"note: {warning}" for warning in scores.warnings), quiet=quiet)


def evaluate(
    run: Path,
    file: str | None = None,
    /,
    *,
    samples: Count = 1000,
    ais: bool = False,
    gap: bool = False,
    learned: bool = False,
    full: bool = False,
    most: Count = 100,
    ks: Annotated[str | None, Parameter(metavar="NUMBERS")] = None,
    chains: Count | None = None,
    temperatures: Count | None = None,
    gap_steps: Count | None = None,
    settle: Count | None = None,
    out: Folder | None = None,
    seed: Seed = 0,
    json: bool = False,
    quiet: Quiet = False,
) -> None:
    """What a run is worth on rows that it did not learn from: its own test rows, or those of a file.

    For a model with latent variables that is also its evidence lower bound, the importance-weighted bound as codes grow
    in number, and a report on posterior collapse, with its picture, codes.png.

    Args:
        run: The run folder.
        file: Rows with the columns that the run was fitted on; the run's own test rows when not given.
        samples: Codes for each row, where the likelihood is bounded by importance weighting (1000).
        ais: Also anneal codes from the prior to the posterior, and back on rows that the model draws. Of a model with a
            log Z: bracket it by chains that go and chains that return from training rows, and give the likelihood with
            both ends. Minutes.
        gap: Also split the inference gap, by a posterior optimised for each row. Minutes.
        learned: Take the log normaliser that the learner found along with the model (nce) for log Z.
        full: Both --ais and --gap.
        most: Rows of --ais and --gap, the first ones (100).
        ks: Numbers of codes at which the importance-weighted bound is told, with commas (powers of ten).
        chains: Chains of annealing: of --ais and --gap for each row (16), of log Z for the model (256).
        temperatures: Steps of annealing, of --ais and --gap, or of log Z; the more, the closer the bound (1000).
        gap_steps: Steps of the optimiser of --gap, for each row and family (500).
        settle: Sweeps of chains at training rows before they return, for --ais of a model with a log Z (1000).
        out: Write codes.png into this folder; the run folder when not given.
        seed: Of the codes and the draws (0).
        json: Print one JSON object and nothing else.
        quiet: No notes.
    """
    import reverie as rv

    opened_run = opened(run)
    folder = opened_run.path if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    found = rv.evaluate(
        opened_run,
        file,
        samples=samples,
        seed=seed,
        annealing=ais or full,
        gap=gap or full,
        learned=learned,
        most=most,
        ks=() if ks is None else numbers(ks, "--ks"),
        chains=chains,
        temperatures=temperatures,
        gap_steps=gap_steps,
        settle=settle,
        heard=lambda doing: console.note(f"{doing} …", quiet=quiet),
    )
    drawn = found.collapse is not None
    if drawn:
        found.plot(folder / PICTURE)
    if json:
        console.answer(found.to_dict() | ({"picture": str(folder / PICTURE)} if drawn else {}))
        return
    console.show(evaluation_facts(found))
    if drawn:
        console.note(f"picture: {folder / PICTURE}", quiet=quiet)
