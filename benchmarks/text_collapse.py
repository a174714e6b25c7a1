"""Posterior collapse of a text VAE on Penn Treebank, and ways past it, for one budget of time each.

Lines of at most 40 words, a vocabulary of 2,000 with a mark for the rest; an LSTM of 128 units for decoder and encoder,
16 latent variables, Adam at 1e-3, batches of 32. A text VAE trained plainly learns to do without its code (Bowman et
al. 2016); warm-up, free bits (Kingma et al. 2016) and aggressive training of the inference model (He et al. 2019, who
use it with warm-up) are there to keep it in use. The test figures are of the first `--rows` lines: the evidence lower
bound and its two terms, the bound of 100 codes, perplexity a word by it (end marks are words), and the report on
collapse.

Without REVERIE_DATA the lines are made up from a grammar of two topics.

    REVERIE_DATA=… python benchmarks/text_collapse.py [--minutes 4] [--out text.jsonl]
"""

import argparse
import dataclasses
import json
import math
import os
import tempfile
from pathlib import Path

import numpy as np
from machine import describe

import reverie as rv
from reverie import noise
from reverie.evaluation import bounds, collapse

WAYS = {
    "plain": (rv.learners.ELBO, {}),
    "warm-up": (rv.learners.ELBO, {"warmup": 2000}),
    "free bits": (rv.learners.ELBO, {"free_bits": 0.5}),
    "aggressive": (rv.learners.LaggingInference, {"inner": 30, "every": 50}),
    "aggressive, warm-up": (rv.learners.LaggingInference, {"inner": 30, "every": 50, "warmup": 2000}),
    "aggressive, free bits": (rv.learners.LaggingInference, {"inner": 30, "every": 50, "free_bits": 0.5}),
}
"""Learner and its options."""


def made_up(folder: Path, lines: int = 4000) -> Path:
    """Lines of two topics, each with words of its own."""
    rng = np.random.default_rng(0)
    words = [[f"{topic}{i}" for i in range(40)] for topic in "ab"]
    made = [" ".join(rng.choice(words[rng.integers(2)], rng.integers(3, 12))) for _ in range(lines)]
    path = folder / "lines.txt"
    path.write_text("\n".join(made))
    return path


def data_for(folder: Path):
    """Penn Treebank where it can be read."""
    if os.environ.get("REVERIE_DATA"):
        return rv.data.load("ptb", tokens="words", lines=True, length=40, vocabulary=2000)
    return rv.data.load(made_up(folder), tokens="words", lines=True, length=14)


def judged(run, rows, seed):
    """The figures of a run on test rows."""
    key = noise.make_key(seed)
    found = bounds(run.parts, run.measure, rows.raw, key, samples=100, ks=(1, 100))
    report = collapse(run.parts, run.measure, rows.raw, key)
    tight = found.curve[-1][1]
    words = float(np.mean(np.argmax(rows.raw == run.spec.marks[0], axis=1) + 1))
    return {
        "elbo": rounded(found.elbo),
        "fit": rounded(found.fit),
        "divergence": rounded(found.divergence),
        "iw_100": rounded(tight),
        "perplexity": round(math.exp(-tight.value / words), 1),
        "information": None if report.information is None else rounded(report.information),
        "active": f"{report.active} of {report.size}",
        "state": report.state,
        "alarm": report.alarm,
    }


def rounded(estimate):
    """A value and its standard error."""
    return [round(estimate.value, 2), round(estimate.se, 2)]


def fitted(data, name, given, folder):
    """A run of one way."""
    learner, options = WAYS[name]
    return rv.fit(
        dataclasses.replace(data, test=data.test[:50]),
        rv.models.TextVAE(latent=16, width=128, embedding=64),
        learner(**options),
        budget=f"{given.minutes}m",
        batch=32,
        patience=None,
        seed=given.seed,
        out=folder,
        pictures=False,
    )


def table(lines):
    """The runs as a table."""
    yield "| way | steps | ELBO | fit | divergence | IW 100 | perplexity | I(x; h), from below | active | in words |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for run in lines:
        pair = lambda name, run=run: "–" if run[name] is None else f"{run[name][0]} ± {run[name][1]}"
        figures = " | ".join(pair(name) for name in ("elbo", "fit", "divergence", "iw_100"))
        told = f"{run['perplexity']} | {pair('information')} | {run['active']} | {run['state']}"
        yield f"| {run['way']} | {run['steps']:,} | {figures} | {told} |"


def main() -> None:
    """Fit and judge each way, one line each, and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--minutes", type=float, default=4.0, help="of training, each")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a file that gets the lines too")
    given = parser.parse_args()
    print(describe(), flush=True)
    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        data = data_for(Path(scratch))
        for name in given.ways:
            run = fitted(data, name, given, Path(scratch) / name.replace(", ", "-").replace(" ", "-"))
            said = {"way": name, "data": data.name, "minutes": given.minutes, "steps": run.step, "seed": given.seed}
            lines.append(said | judged(run, data.test[: given.rows], given.seed))
            print(json.dumps(lines[-1]), flush=True)
            if given.out is not None:
                with given.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(lines[-1]) + "\n")
    print("\n".join(table(lines)))


if __name__ == "__main__":
    main()
