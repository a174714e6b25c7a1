"""Boltzmann machines on fixed binarised MNIST: restricted ones, deep ones, and deep belief nets.

    rbm    784-500, by persistent or by restarted chains
    dbm    784-500-1000, machine by machine, then mean-field persistent chains (Salakhutdinov & Hinton 2009)
    dbn    784-500-2000, machine by machine, then up-down

The set of Larochelle & Murray (50,000 / 10,000 / 10,000 rows), batches of 100, plain steps whose rate falls linearly to
zero, and a moving average of the parameters. (Adam lets the weights of pixels that are hardly ever on grow: such
machines could not be annealed.) The figure is the mean over test rows of u(x) − log Z, with log Z by annealed
importance sampling: an optimistic figure with the lower bound of log Z, and a pessimistic one with the upper bound,
from chains that begin at training rows (and what the machine makes of them higher up), settle, and return to the base.
A deep machine's u is the mean-field bound, and that of a belief net the bound by draws of its recognition, so that with
the upper bound of log Z both are lower bounds of the likelihood. Settings were chosen on validation rows. Published:
about 86.34 nats for 500 units and CD-25, 84.62 for the deep machine and 84.55 for the belief net (Salakhutdinov &
Murray 2008; Salakhutdinov & Hinton 2009).

One JSON object a line.

    REVERIE_DATA=… python benchmarks/rbm_mnist.py [--machine rbm] [--k 5] [--epochs 100] [--out rbm.jsonl]
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
from machine import describe

import reverie as rv
from reverie import noise
from reverie.evaluation import log_likelihood, normaliser_bracket

PUBLISHED = {"rbm": 86.34, "dbm": 84.62, "dbn": 84.55}
SIZES = {"rbm": (500,), "dbm": (500, 1000), "dbn": (500, 2000)}
MACHINES = {
    "rbm": lambda sizes: rv.models.RBM(*sizes),
    "dbm": rv.models.DeepBoltzmannMachine,
    "dbn": rv.models.DeepBeliefNet,
}
LEARNERS = {
    "pcd": lambda given, first: rv.learners.StochasticMaximumLikelihood(given.k, given.particles),
    "cd": lambda given, first: rv.learners.ContrastiveDivergence(given.k),
    "tempered-pcd": lambda given, first: rv.learners.TemperedMaximumLikelihood(given.k, given.particles),
    "mean-field-pcd": lambda given, first: rv.learners.MeanFieldPCD(given.k, given.particles, first),
    "up-down": lambda given, first: rv.learners.GreedyUpDown(first, given.k, persist=given.persist),
}
USUAL = {"rbm": "pcd", "dbm": "mean-field-pcd", "dbn": "up-down"}
BATCH = 100


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
    parser.add_argument("--machine", choices=MACHINES, default="rbm")
    parser.add_argument("--learner", choices=LEARNERS, help="the machine's usual one if left out")
    parser.add_argument("--sizes", type=int, nargs="+", help="of the hidden layers; the published ones if left out")
    parser.add_argument("--first", type=float, default=0.0, help="epochs for each machine of a deep one by itself")
    parser.add_argument("--k", type=int, default=5, help="sweeps a step")
    parser.add_argument("--persist", action="store_true", help="chains of a belief net's machines are never reset")
    parser.add_argument("--particles", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--optimiser", choices=("sgd", "adam"), default="sgd")
    parser.add_argument("--rate", type=float, default=0.05)
    parser.add_argument("--average", type=float, default=0.999, help="decay of the moving average; 0 for none")
    parser.add_argument("--temperatures", type=int, default=10_000, help="of the annealing that judges")
    parser.add_argument("--chains", type=int, default=128)
    parser.add_argument("--settle", type=int, default=5000, help="sweeps before chains return")
    parser.add_argument("--watch", type=int, default=0, help="validation rows that are judged on the way, roughly")
    parser.add_argument("--rows", type=int, default=10_000, help="test and validation rows that are judged")
    parser.add_argument("--keep", type=Path, help="where the run stays; one that is there already is judged again")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a file that gets the line too")
    given = parser.parse_args()
    learner, sizes = given.learner or USUAL[given.machine], tuple(given.sizes or SIZES[given.machine])
    data = rv.data.load("binarized-mnist")
    print(describe(), file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        path = given.keep or Path(folder) / "run"
        # Judging is done below, once: on its way and at its end the run would anneal at every validation.
        run = (
            rv.load_run(path)
            if path.exists()
            else rv.fit(
                dataclasses.replace(data, test=data.test[:0], valid=data.valid[: given.watch]),
                MACHINES[given.machine](sizes),
                LEARNERS[learner](given, round(given.first * len(data.train) / BATCH)),
                epochs=given.epochs,
                batch=BATCH,
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
        rows = jnp.asarray(data.train.raw[:2000].astype(bool))
        if given.machine != "rbm":
            rows = jax.vmap(model.state_of)(jax.random.split(noise.make_key(given.seed), len(rows)), rows)
        bracket = normaliser_bracket(model, start=rows, settle=given.settle, **settings)
        nll = {}
        for name in ("valid", "test"):
            rows = getattr(data, name)[: given.rows]
            for end in ("lower", "upper"):
                log_z = getattr(bracket, end)
                found = log_likelihood(run.parts, run.measure, rows.raw, noise.make_key(given.seed), log_z=log_z)
                found = found.scaled(-1.0, found.unit)
                nll[f"{name}, {end} log Z"] = {found.kind: said(found)}
        line = {
            "machine": given.machine,
            "learner": learner,
            "first": given.first,
            "k": given.k,
            "persist": given.persist,
            "particles": given.particles,
            "sizes": sizes,
            "epochs": given.epochs,
            "rate": given.rate,
            "average": given.average,
            "optimiser": given.optimiser,
            "seed": given.seed,
            "seconds": round(run.seconds, 1),
            "bracket": {"lower": said(bracket.lower), "upper": said(bracket.upper), "width": said(bracket.gap)},
            "nll": nll,
            "published": PUBLISHED[given.machine],
            "judging_seconds": round(time.perf_counter() - began, 1),
        }
    print(json.dumps(line), flush=True)
    if given.out is not None:
        with given.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
