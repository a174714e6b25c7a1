"""A sigmoid belief net with 50 latent units on binarised 8×8 digits, by wake-sleep, RWS and JSA.

The protocol: `default_rng(0).permutation` of the 1,797 digits, 1,400 for training and 397 for testing, pixels > 7 of
16; a linear posterior, batches of 50, 8,000 steps of Adam at 3·10⁻³, no early stopping; the test figure is the
1,000-sample bound. The column "prototype" holds the figures of the issue that asked for this table.

    python benchmarks/digits_sbn.py [--seeds 3]
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from machine import describe

import reverie as rv

PROTOTYPE = {"wake-sleep": 19.8, "rws": 18.9, "jsa": 18.7}
LEARNERS = {
    "wake-sleep": rv.learners.WakeSleep,
    "rws": lambda: rv.learners.ReweightedWakeSleep(k=5),
    "jsa": lambda: rv.learners.JSA(moves=5),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 0")
    seeds = range(parser.parse_args().seeds)
    data = rv.data.load("digits", binarize=True, valid=0)
    print(describe())
    print(f"train {len(data.train)} rows, test {len(data.test)} rows, {data.measure.reference}\n")
    print("| learner | test NLL, nats (seed 0, ± se) | mean over seeds ± sd | prototype | seconds |")
    print("| --- | --- | --- | --- | --- |")
    for name, learner in LEARNERS.items():
        runs = [_fit(data, learner(), seed) for seed in seeds]
        figures = [run.log_likelihood for run in runs]
        values = [-figure.value for figure in figures]
        spread = np.std(values, ddof=1) if len(values) > 1 else float("nan")
        seconds = ", ".join(f"{run.seconds:.1f}" for run in runs)
        print(
            f"| {name} | {values[0]:.2f} ± {figures[0].se:.2f} ({figures[0].kind} of the log-likelihood) "
            f"| {np.mean(values):.2f} ± {spread:.2f} | {PROTOTYPE[name]} | {seconds} |",
            flush=True,
        )


def _fit(data: rv.data.Dataset, learner: rv.learners.Learner, seed: int) -> rv.Run:
    with tempfile.TemporaryDirectory() as folder:
        return rv.fit(
            data,
            rv.models.SigmoidBeliefNet((50,)),
            learner,
            steps=8000,
            batch=50,
            learning_rate=3e-3,
            patience=None,
            seed=seed,
            out=Path(folder) / "run",
            pictures=False,
        )


if __name__ == "__main__":
    main()
