"""A mixture of products of Bernoullis on fixed binarised MNIST, by exact expectation maximisation.

The set of Larochelle & Murray (50,000 / 10,000 / 10,000 rows); 500 components, from ten passes of k-means. The
smoothing is the one of `--smoothing` with the best validation figure. The figure is the mean negative log-likelihood
of all test rows, which is exact, with its standard error over them. Published for this set and as many components:
137.64.

One JSON object a line for each smoothing, and one more with the test figure of the best.

    REVERIE_DATA=… python benchmarks/mixture_mnist.py [--count 500] [--smoothing 0.3 1 3] [--steps 20]
"""

import argparse
import dataclasses
import json
import sys
import tempfile
import time

from machine import describe

import reverie as rv
from reverie import noise
from reverie.evaluation import log_likelihood

PUBLISHED = 137.64


def figure(run, rows):
    """The mean negative log-likelihood of some rows and its standard error."""
    found = log_likelihood(run.parts, run.measure, rows.raw, noise.make_key(0))
    return {"nll": round(-found.value, 3), "se": round(found.se, 3), "kind": found.kind}


def main() -> None:
    """Fit each, judge the best."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--smoothing", type=float, nargs="+", default=[0.3, 1.0, 3.0])
    parser.add_argument("--steps", type=int, default=20, help="iterations of EM, each on all rows")
    parser.add_argument("--rows", type=int, help="training rows; all where not given")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    data = rv.data.load("binarized-mnist")
    data = data if given.rows is None else dataclasses.replace(data, train=data.train[: given.rows])
    print(describe(), file=sys.stderr)
    tried = []
    for smoothing in given.smoothing:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            run = rv.fit(
                data,
                rv.models.ProductMixture(count=given.count, smoothing=smoothing),
                rv.learners.EM(),
                steps=given.steps,
                seed=given.seed,
                out=f"{folder}/run",
                pictures=False,
            )
            valid = figure(run, data.valid)
            line = {"smoothing": smoothing, "steps": given.steps, "count": given.count, "validation": valid}
            print(json.dumps(line | {"seconds": round(time.perf_counter() - began, 1)}), flush=True)
            tried.append((valid["nll"], smoothing, figure(run, data.test)))
    _, smoothing, test = min(tried)
    print(json.dumps({"smoothing": smoothing, "test": test, "published": PUBLISHED}), flush=True)


if __name__ == "__main__":
    main()
