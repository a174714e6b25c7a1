"""Digits with 100 labels: a logistic regression on the labelled rows, and what learners make of the other rows.

The protocol: 8×8 digits, pixels > 7 of 16, 1,400 training and 397 test rows; a hundred labels, ten of each class, and
the other 1,300 training rows without; split and labels follow the seed. Adam at 10⁻³, batches of 100, no early
stopping. Accuracy is on the test rows. The logistic regression has scikit-learn's C = 1 and, to be fair to it, the best
C of a grid on the test rows beside it.

    python benchmarks/semi_supervised.py [--seeds 3] [--steps 6000] [--only m2 adgm]
"""

import argparse
import dataclasses
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import describe
from sklearn.linear_model import LogisticRegression

import reverie as rv
from reverie.auxiliaries import CodeClassifier
from reverie.evaluation import accuracy
from reverie.inference import AuxiliaryClassPosterior, ClassPosterior, GaussianPosterior, StackedPosterior
from reverie.noise import make_key

GRID = (0.01, 0.1, 1.0, 10.0, 100.0)


def contestants(steps: int) -> dict[str, tuple[Any, Any, dict[str, Any]]]:
    """Model, learner and other parts of each row of the table."""
    models, learners = rv.models, rv.learners
    wide = {"hidden": (200,)}
    return {
        "m1": (
            models.VAE(latent=20, **wide),
            learners.M1(),
            {"inference": GaussianPosterior(**wide), "classifier": CodeClassifier()},
        ),
        "m2": (models.CVAE(latent=10, **wide), learners.M2(alpha=ALPHA), {"inference": ClassPosterior(**wide)}),
        "m1 then m2": (
            models.M1M2(first=20, latent=10, **wide),
            learners.M1ThenM2(until=steps // 2, alpha=ALPHA),
            {"inference": StackedPosterior(**wide)},
        ),
        "m1 + m2, jointly": (
            models.M1M2(first=20, latent=10, **wide),
            learners.M2(alpha=ALPHA),
            {"inference": StackedPosterior(**wide)},
        ),
        "adgm": (
            models.CVAE(latent=10, **wide),
            learners.M2(alpha=ALPHA),
            {"inference": AuxiliaryClassPosterior(auxiliary=10, **wide)},
        ),
        "sdgm": (
            models.SDGM(first=10, latent=10, **wide),
            learners.M2(alpha=ALPHA),
            {"inference": StackedPosterior(skip=True, **wide)},
        ),
        "jem": (models.JointBitField(**wide), learners.JointEnergy(k=20, size=1000), {}),
        "jem, labelled rows alone": (models.JointBitField(**wide), learners.JointEnergy(k=20, size=1000), {}),
    }


ALPHA = 1.0
ALONE = "labelled rows alone"


def _labelled(data: rv.data.Dataset) -> rv.data.Dataset:
    """The same data, without the training rows that have no label."""
    assert data.train.y is not None
    return dataclasses.replace(data, train=data.train[np.flatnonzero(data.train.y >= 0)])


def regression(data: rv.data.Dataset) -> tuple[float, float]:
    """The test accuracy of a logistic regression on the labelled rows, at C = 1 and at the best C."""
    bits = lambda rows: (np.asarray(rows.raw) > 7).astype(float)
    seen = data.train.y >= 0
    scores = {}
    for c in GRID:
        fitted = LogisticRegression(C=c, max_iter=5000).fit(bits(data.train)[seen], data.train.y[seen])
        scores[c] = float(fitted.score(bits(data.test), data.test.y))
    return scores[1.0], max(scores.values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 0")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--only", nargs="*", help="rows of the table")
    asked = parser.parse_args()
    sets = [rv.data.load("digits", binarize=True, valid=0, labelled=100, seed=seed) for seed in range(asked.seeds)]
    print(describe())
    print(f"train {len(sets[0].train)} rows of which 100 have labels, test {len(sets[0].test)}; {asked.steps} steps\n")
    print("| | test accuracy, mean over seeds ± sd | each | seconds |")
    print("| --- | --- | --- | --- |")
    plain = np.array([regression(data) for data in sets])
    for name, values in (("logistic regression", plain[:, 0]), ("the same, best C", plain[:, 1])):
        _print(name, values, "")
    for name, (model, learner, parts) in contestants(asked.steps).items():
        if asked.only and name not in asked.only:
            continue
        began = time.perf_counter()
        given = [_labelled(data) if name.endswith(ALONE) else data for data in sets]
        values = [_fit(data, model, learner, parts, seed, asked.steps) for seed, data in enumerate(given)]
        _print(name, np.array(values), f"{(time.perf_counter() - began) / len(values):.0f}")


def _print(name: str, values: np.ndarray, seconds: str) -> None:
    spread = f" ± {values.std(ddof=1):.3f}" if len(values) > 1 else ""
    print(f"| {name} | {values.mean():.3f}{spread} | {', '.join(f'{v:.3f}' for v in values)} | {seconds} |", flush=True)


def _fit(data: rv.data.Dataset, model: Any, learner: Any, parts: dict[str, Any], seed: int, steps: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        settings = {"steps": steps, "patience": None, "pictures": False, "seed": seed, "out": out}
        # Without test rows no log Z is annealed at the end, of which nothing here asks.
        run = rv.fit(dataclasses.replace(data, test=data.test[:0]), model, learner, parts=parts, **settings)
        found = accuracy(run.parts, run.measure, data.test.raw, data.test.y, make_key(0))
    assert found is not None
    return found.value


if __name__ == "__main__":
    main()
