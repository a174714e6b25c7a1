"""A variational autoencoder 784-200-200-50 on fixed binarised MNIST, by the evidence lower bound and by IWAE.

The set of Larochelle & Murray (50,000 / 10,000 / 10,000 rows); tanh perceptrons of two layers of 200 on both sides
and 50 latent variables, as Burda, Grosse & Salakhutdinov 2016 have them. Adam with a cosine schedule to zero,
batches of 100, and a moving average of the parameters; no early stopping. The settings were chosen on validation
rows. The figure is the negated bound L_5000 on all test rows, with its standard error over them. Published for this
set, 3,280 epochs of batches of 20: 88.71 with k = 1 and 87.63 with k = 5.

One JSON object a line: settings, epochs, seconds of training, validation and test figures.

    REVERIE_DATA=… python benchmarks/vae_mnist.py [--k 1 5] [--epochs 1500 | --minutes 60]
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
from reverie.evaluation import log_likelihood

PUBLISHED = {1: 88.71, 5: 87.63, 50: 87.10}
TRIAL_EPOCHS = 2


def learner_of(k, gradient):
    """The bound of k samples: its plain gradient, or the one through the path, of less variance for the encoder."""
    if k == 1:
        return rv.learners.ELBO(gradient=gradient)
    return rv.learners.IWAE(k) if gradient == "total" else rv.learners.DReG(k)


def fitted(data, k, epochs, given, folder, said=None):
    """A run of so many epochs."""
    # A run ends with a figure of its own on the test rows; ours has more samples and more rows.
    return rv.fit(
        dataclasses.replace(data, test=data.test[:200]),
        rv.models.VAE(latent=50, hidden=(200, 200)),
        learner_of(k, given.gradient),
        parts={"inference": rv.inference.GaussianPosterior(hidden=(200, 200))},
        epochs=epochs,
        batch=given.batch,
        learning_rate=given.rate,
        optimiser={"schedule": given.schedule, "warmup": given.warmup},
        average=given.average or None,
        patience=given.patience,
        seed=given.seed,
        out=folder,
        pictures=False,
        progress=said,
    )


def epochs_in(minutes, data, k, given, folder):
    """How many epochs fit a time, by the pace of a few."""
    run = fitted(data, k, TRIAL_EPOCHS, given, folder)
    return max(1, int(60 * minutes / run.seconds * TRIAL_EPOCHS))


def figure(run, rows, samples, seed):
    """The negated bound of some rows, its standard error and the effective number of codes."""
    found = log_likelihood(run.parts, run.measure, rows.raw, noise.make_key(seed), samples=samples)
    return {"nll": round(-found.value, 3), "se": round(found.se, 3), "ess": round(found.ess, 1), "samples": samples}


def tell(progress):
    """A line on standard error at each validation."""
    if progress.validation is not None:
        note = f"step {progress.step} of {progress.last}, {progress.seconds:.0f} s: "
        print(note + f"validation {-progress.validation.value:.2f}", file=sys.stderr, flush=True)


def main() -> None:
    """Fit and judge each k, one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--k", type=int, nargs="+", default=[1, 5])
    parser.add_argument(
        "--gradient", choices=("total", "path"), default="total", help="path: the doubly reparameterised"
    )
    parser.add_argument("--epochs", type=int, default=1500)
    parser.add_argument("--minutes", type=float, help="of training, in place of epochs: as many as fit")
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--schedule", choices=("constant", "cosine", "linear", "robbins-monro"), default="cosine")
    parser.add_argument("--warmup", type=int, default=0, help="steps")
    parser.add_argument("--average", type=float, default=0.999, help="decay of the moving average; 0 for none")
    parser.add_argument(
        "--patience", type=int, help="keep the best of 40 validations, and stop after so many without a gain"
    )
    parser.add_argument("--samples", type=int, default=5000, help="of the test figure")
    parser.add_argument("--rows", type=int, default=10_000, help="test and validation rows that are judged")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="a file that gets the lines too")
    given = parser.parse_args()
    data = rv.data.load("binarized-mnist")
    print(describe(), file=sys.stderr)
    for k in given.k:
        with tempfile.TemporaryDirectory() as folder:
            trial = Path(folder) / "trial"
            epochs = given.epochs if given.minutes is None else epochs_in(given.minutes, data, k, given, trial)
            run = fitted(data, k, epochs, given, Path(folder) / "run", tell)
            began = time.perf_counter()
            line = {
                "k": k,
                "learner": run.config.learner.name,
                "gradient": given.gradient,
                "epochs": epochs,
                "seconds": round(run.seconds, 1),
                "batch": given.batch,
                "rate": given.rate,
                "schedule": given.schedule,
                "average": given.average,
                "seed": given.seed,
                "validation": figure(run, data.valid[: given.rows], min(given.samples, 500), given.seed),
                "test": figure(run, data.test[: given.rows], given.samples, given.seed),
                "published": PUBLISHED.get(k),
            }
            line["judging_seconds"] = round(time.perf_counter() - began, 1)
        print(json.dumps(line), flush=True)
        if given.out is not None:
            with given.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
