"""Annealed importance sampling of log Z against sums over all states, on seeded machines of three families.

    rbm       20 visible and 5, 10, 15 or 20 hidden bits, weights and biases N(0, s²), s from 0.1 to 1.5
    ising     4 × 4 spins on a torus at temperatures from 1 to 6: ferromagnets of coupling 1 with a small field, and
              spin glasses with couplings N(0, 1)
    dbm       layers of 10, 8 and 6 bits, weights and biases N(0, s²), s from 0.1 to 1.2

Each case is annealed once and must be within three of its standard errors of the exact value, or be marked as failed.
The table has, for each family, the cases, those that failed, those beyond three, and the root mean square and the
largest of the deviations in standard errors. Standard errors that are honest give 1 for the mean square, and 0.3 cases
in 100 beyond three.

    python benchmarks/ais_exact.py [--cases 100] [--temperatures 1000] [--chains 256] [--method ais]
"""

import argparse
import itertools
import json
import time

import numpy as np
from machine import describe

from reverie.backend import prepare
from reverie.evaluation import log_normaliser
from reverie.models import RBM, DeepBoltzmannMachine, Ising

FURTHEST = 3.0


def rbm(rng, share):
    """One of four sizes, with weights that grow with the case."""
    shape, scale = (20, int(rng.choice((5, 10, 15, 20)))), 0.1 * 15.0**share
    weights, visible, hidden = (rng.normal(0, scale, size) for size in (shape, shape[0], shape[1]))
    return RBM.from_arrays(
        weights=weights, visible_bias=visible, hidden_bias=hidden
    ), f"{shape[1]} hidden, s {scale:.2f}"


def ising(rng, share):
    """A ferromagnet or a glass, the cooler the later."""
    temperature = 6.0 ** (1.0 - share)
    model = Ising.grid(4, 4, coupling=1.0, field=0.1 * rng.normal(), temperature=temperature, periodic=True)
    if rng.random() < 0.5:
        return model, f"ferromagnet at {temperature:.2f}"
    matrix = np.asarray(model.matrix())
    half = np.triu(matrix * rng.normal(size=matrix.shape), 1)
    glass = Ising.from_arrays(field=np.asarray(model.field), couplings=half + half.T)
    return glass, f"glass at {temperature:.2f}"


def dbm(rng, share):
    """Two hidden layers, with weights that grow with the case."""
    sizes, scale = (10, 8, 6), 0.1 * 12.0**share
    weights = [rng.normal(0, scale, shape) for shape in itertools.pairwise(sizes)]
    biases = [rng.normal(0, scale, size) for size in sizes]
    return DeepBoltzmannMachine.from_arrays(weights=weights, biases=biases), f"s {scale:.2f}"


FAMILIES = {"rbm": (rbm, 0.4), "ising": (ising, 0.3), "dbm": (dbm, 0.3)}


def main():
    """Measure, print, and leave a line of JSON for each case where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--temperatures", type=int, default=1000)
    parser.add_argument("--chains", type=int, default=256)
    parser.add_argument("--method", choices=("ais", "smc"), default="ais")
    parser.add_argument("--json", help="a file for the cases, one a line")
    args = parser.parse_args()
    prepare()
    print(describe())
    print(f"{args.method}, {args.chains} chains, {args.temperatures} temperatures\n")
    print(
        "| family | cases | failed | beyond 3 | rms | largest | median se | seconds |\n"
        "|---|---|---|---|---|---|---|---|"
    )
    lines, silent = [], []
    for number, (name, (make, part)) in enumerate(FAMILIES.items()):
        count, began = max(1, round(part * args.cases)), time.perf_counter()
        rows = []
        for case in range(count):
            model, words = make(np.random.default_rng((number, case)), case / max(1, count - 1))
            exact = log_normaliser(model, method="exact")
            settings = {"chains": args.chains, "temperatures": args.temperatures}
            found = log_normaliser(model, method=args.method, seed=case, **settings)
            off = None if found.failed else (found.value - exact.value) / found.se
            rows.append({"family": name, "case": case, "of": words, "exact": exact.value, "off": off, "se": found.se})
            rows[-1] |= {"value": None if found.failed else found.value, "why": list(found.warnings)}
        offs = np.array([row["off"] for row in rows if row["off"] is not None])
        seconds = time.perf_counter() - began
        told = ["–"] * 3
        if offs.size:
            errors = [row["se"] for row in rows if row["off"] is not None]
            told = [f"{np.sqrt(np.mean(offs**2)):.2f}", f"{np.abs(offs).max():.2f}", f"{np.median(errors):.4f}"]
        beyond = int((np.abs(offs) > FURTHEST).sum())
        print(f"| {name} | {count} | {count - offs.size} | {beyond} | {' | '.join(told)} | {seconds:.0f} |", flush=True)
        lines += rows
        silent += [row for row in rows if row["off"] is not None and abs(row["off"]) > FURTHEST]
    print()
    for row in lines:
        if row["off"] is None:
            print(f"failed: {row['family']} {row['case']} ({row['of']}): {'; '.join(row['why'])}")
    for row in silent:
        print(f"beyond three: {row['family']} {row['case']} ({row['of']}): {row['off']:.2f} of {row['se']:.4f}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            file.writelines(
                json.dumps({**row, "se": None if row["off"] is None else row["se"]}) + "\n" for row in lines
            )


if __name__ == "__main__":
    main()
