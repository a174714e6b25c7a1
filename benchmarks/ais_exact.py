"""Annealed importance sampling of log Z against sums over all states, on seeded machines of six families.

    rbm       20 visible and 5, 10, 15 or 20 hidden bits, weights and biases N(0, s²), s from 0.1 to 1.5
    ising     4 × 4 spins on a torus at temperatures from 1 to 6: ferromagnets of coupling 1 with a small field, and
              spin glasses with couplings N(0, 1)
    dbm       layers of 10, 8 and 6 bits, weights and biases N(0, s²), s from 0.1 to 1.2
    gaussian  RBMs of 10 reals, of standard deviations from 0.5 to 1.5, and 4, 8, 12 or 16 hidden bits, weights and
              biases N(0, s²), s from 0.1 to 1.5: 2^H Gaussians, whose masses are summed in double precision
    softmax   RBMs of 10 categories of two to four levels and 5, 10 or 15 hidden bits, likewise
    potts     3 × 3 sites of three levels on a torus at temperatures from 4 to 0.5: Potts's own model, and glasses whose
              pairs have tables N(0, 1)

Of the first three families there are `--cases` together, of the others seven tenths as many. Each case is annealed once
and must be within three of its standard errors of the exact value, or be marked as failed. The table has, for each
family, the cases, those that failed, those beyond three, and the root mean square and the largest of the deviations in
standard errors. Standard errors that are honest give 1 for the mean square, and 0.3 cases in 100 beyond three.

    python benchmarks/ais_exact.py [--cases 100] [--temperatures 1000] [--chains 256] [--method ais] [--only potts]
"""

import argparse
import itertools
import json
import time

import numpy as np
from machine import describe

from reverie.backend import prepare
from reverie.evaluation import log_normaliser
from reverie.models import RBM, CategoricalRBM, DeepBoltzmannMachine, GaussianRBM, Ising, Potts

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


def gaussian(rng, share):
    """One of four sizes, whose Gaussians come to lie farther apart with the case."""
    shape, scale = (10, int(rng.choice((4, 8, 12, 16)))), 0.1 * 15.0**share
    weights, visible, hidden = (rng.normal(0, scale, size) for size in (shape, shape[0], shape[1]))
    spread = rng.uniform(0.5, 1.5, shape[0])
    model = GaussianRBM.from_arrays(weights=weights, visible_bias=visible, hidden_bias=hidden, scale=spread)
    return model, f"{shape[1]} hidden, s {scale:.2f}"


def softmax(rng, share):
    """Columns of unequal numbers of levels, with weights that grow with the case."""
    count, scale = int(rng.choice((5, 10, 15))), 0.1 * 15.0**share
    levels = tuple(int(k) for k in rng.integers(2, 5, 10))
    most = max(levels)
    weights, visible, hidden = (rng.normal(0, scale, size) for size in ((10, most, count), (10, most), count))
    model = CategoricalRBM.from_arrays(weights=weights, visible_bias=visible, hidden_bias=hidden, counts=levels)
    return model, f"{count} hidden, s {scale:.2f}"


def potts(rng, share):
    """Potts's own model or a glass, the cooler the later."""
    temperature = 4.0 / 8.0**share
    if rng.random() < 0.5:
        model = Potts.grid(3, 3, levels=3, coupling=1.0, temperature=temperature, periodic=True)
        return model, f"Potts at {temperature:.2f}"
    place = np.arange(9).reshape(3, 3)
    tables = np.zeros((9, 9, 3, 3))
    for other in (np.roll(place, -1, axis=0), np.roll(place, -1, axis=1)):
        for a, b in zip(place.ravel(), other.ravel(), strict=True):
            tables[min(a, b), max(a, b)] = rng.normal(size=(3, 3)) / temperature
    model = Potts.from_arrays(field=0.1 * rng.normal(size=(9, 3)), couplings=tables)
    return model, f"glass at {temperature:.2f}"


def exactly(model):
    """log Z as a sum over all states; of reals over the Gaussians, in double precision and apart from the model."""
    if not isinstance(model, GaussianRBM):
        return log_normaliser(model, method="exact").value
    w, b, c, s = (np.asarray(x, float) for x in (model.weights, model.visible_bias, model.hidden_bias, model.log_scale))
    h = (np.arange(2 ** len(c))[:, None] >> np.arange(len(c)) & 1).astype(float)
    variance = np.exp(2 * s)
    return float(np.logaddexp.reduce(h @ c + ((b + h @ w.T) ** 2 / variance + np.log(2 * np.pi * variance)).sum(1) / 2))


FAMILIES = {
    "rbm": (rbm, 0.4),
    "ising": (ising, 0.3),
    "dbm": (dbm, 0.3),
    "gaussian": (gaussian, 0.3),
    "softmax": (softmax, 0.2),
    "potts": (potts, 0.2),
}


def main():
    """Measure, print, and leave a line of JSON for each case where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--temperatures", type=int, default=1000)
    parser.add_argument("--chains", type=int, default=256)
    parser.add_argument("--method", choices=("ais", "smc"), default="ais")
    parser.add_argument("--only", nargs="*", choices=FAMILIES, help="families")
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
        if args.only and name not in args.only:
            continue
        count, began = max(1, round(part * args.cases)), time.perf_counter()
        rows = []
        for case in range(count):
            model, words = make(np.random.default_rng((number, case)), case / max(1, count - 1))
            exact = exactly(model)
            settings = {"chains": args.chains, "temperatures": args.temperatures}
            found = log_normaliser(model, method=args.method, seed=case, **settings)
            off = None if found.failed else (found.value - exact) / found.se
            rows.append({"family": name, "case": case, "of": words, "exact": exact, "off": off, "se": found.se})
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
