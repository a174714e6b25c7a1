"""A restricted Boltzmann machine of 500 hidden units on fixed binarised MNIST, by persistent or by restarted chains.

The set of Larochelle & Murray (50,000 / 10,000 / 10,000 rows), batches of 100, plain steps whose rate falls linearly to
zero, and a moving average of the parameters. (Adam lets the weights of pixels that are hardly ever on grow: such
machines could not be annealed.) The figure is the mean over test rows of u(x) − log Z, with log Z by annealed
importance sampling: an optimistic figure with the lower bound of log Z, and a pessimistic one with the upper bound,
from chains that begin at training rows, settle, and return to the base. Settings were chosen on validation rows.
Published for 500 units and CD-25: about 86.34 nats (Salakhutdinov & Murray 2008).

One JSON object a line.

    REVERIE_DATA=… python benchmarks/rbm_mnist.py [--learner pcd] [--k 5] [--epochs 100] [--out rbm.jsonl]
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path

from machine import describe

import reverie as rv
from reverie import noise
from reverie.evaluation import log_likelihood, normaliser_bracket

PUBLISHED = 86.34
LEARNERS = {
    "pcd": lambda given: rv.learners.StochasticMaximumLikelihood(given.k, given.particles),
    "cd": lambda given: rv.learners.ContrastiveDivergence(given.k),
    "tempered-pcd": lambda given: rv.learners.TemperedMaximumLikelihood(given.k, given.particles),
}


def tell(progress):
    """A line on standard error at each validation."""
    if progress.validation is not None:
        note = f"step {progress.step} of {progress.last}, {progress.seconds:.0f} s: "
        print(note + f"validation {-progress.validation.value:.2f}", file=sys.stderr, flush=True)


def said(found):
    """An estimate in few words."""
    return {"failed": list(found.warnings)} if found.failed else [round(found.value, 3), round(found.se, 3)]


def main() -> None:
    """Fit and judge, one line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learner", choices=LEARNERS, default="pcd")
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--k", type=int, default=5, help="sweeps a step")
    parser.add_argument("--particles", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--optimiser", choices=("sgd", "adam"), default="sgd")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--average", type=float, default=0.999, help="decay of the moving average; 0 for none")
    parser.add_argument("--temperatures", type=int, default=10_000, help="of the annealing that judges")
    parser.add_argument("--chains", type=int, default=128)
    parser.add_argument("--settle", type=int, default=5000, help="sweeps before chains return")
    parser.add_argument("--rows", type=int, default=10_000, help="test and validation rows that are judged")
    parser.add_argument("--keep", type=Path, help="where the run stays; one that is there already is judged again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a file that gets the line too")
    given = parser.parse_args()
    data = rv.data.load("binarized-mnist")
    print(describe(), file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "run"
        # Judging is done below, once: the run itself sees few rows.
        run = (
            rv.load_run(path)
            if path.exists()
            else rv.fit(
                dataclasses.replace(data, test=data.test[:100], valid=data.valid[:100]),
                rv.models.RBM(given.hidden),
                LEARNERS[given.learner](given),
                epochs=given.epochs,
                batch=100,
                learning_rate=given.rate,
                optimiser={"schedule": "linear", "name": given.optimiser},
                average=given.average or None,
                patience=None,
                seed=given.seed,
                out=path,
                pictures=False,
                progress=tell,
            )
        )
        model = run.parts["model"]
        began = time.perf_counter()
        settings = {"seed": given.seed, "chains": given.chains, "temperatures": given.temperatures}
        bracket = normaliser_bracket(model, start=data.train.raw[:2000].astype(bool), settle=given.settle, **settings)
        nll = {}
        for name in ("valid", "test"):
            rows = getattr(data, name)[: given.rows]
            for end in ("lower", "upper"):
                log_z = getattr(bracket, end)
                found = log_likelihood(run.parts, run.measure, rows.raw, noise.make_key(given.seed), log_z=log_z)
                nll[f"{name}, {end} log Z"] = said(found._replace(value=-found.value))
        line = {
            "learner": given.learner,
            "k": given.k,
            "particles": given.particles,
            "hidden": given.hidden,
            "epochs": given.epochs,
            "rate": given.rate,
            "average": given.average,
            "optimiser": given.optimiser,
            "seed": given.seed,
            "seconds": round(run.seconds, 1),
            "bracket": {"lower": said(bracket.lower), "upper": said(bracket.upper), "width": said(bracket.gap)},
            "nll": nll,
            "published": PUBLISHED,
            "judging_seconds": round(time.perf_counter() - began, 1),
        }
    print(json.dumps(line), flush=True)
    if given.out is not None:
        with given.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
