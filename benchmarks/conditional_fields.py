"""Columns told given other columns, against processes whose p(told | given) is known.

    words     two of three words each that shun each other, the first leaning on a number and the second on a bit, by
              `conditional-field`
    bits      six bits of a machine with three hidden units whose biases lean on two numbers and a word, by
              `rbm-given-columns`
    real      a number that is near one of two values, where and how often told by another number and a bit, by
              `conditional-real-field`; its log Z(v) by quadrature

1,800 rows to learn from and 1,200 to test on; batches of 100, Adam at 3·10⁻³, falling in a line to nought. The figure
is how many nats a row the learned log p(told | given) lies below the true one, with its standard error over test rows.

    python benchmarks/conditional_fields.py [--steps 1500] [--only words bits real]
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import scipy.special
from machine import describe

import reverie as rv
from reverie.learners import MaximumToldLikelihood, MaximumToldPseudoLikelihood, ToldCD, ToldNCE, ToldPCD
from reverie.models import ConditionalField, ConditionalRealField, RBMGivenColumns

ROWS = 3000
WORDS = np.array(["a", "b", "c"])
GRID = np.linspace(-8.0, 8.0, 1601)


def drawn(rng, u):
    """A place for each row by its potentials [rows, places], and the log-probability of each place."""
    log_p = u - scipy.special.logsumexp(u, axis=1, keepdims=True)
    below = rng.random(len(u))[:, None] > np.cumsum(np.exp(log_p), axis=1)
    return np.minimum(below.sum(1), u.shape[1] - 1), log_p


def words(rng):
    """The table, and the log-probability of what is told in each of its rows."""
    number, bit = rng.normal(size=ROWS), rng.random(ROWS) < 0.4
    one, two = np.arange(9) // 3, np.arange(9) % 3
    lean = 1.2 * number[:, None] * (one - 1) + 1.5 * np.where(bit, 1, -1)[:, None] * (two == 2)
    place, log_p = drawn(rng, lean - 2.0 * (one == two))
    frame = {"number": number, "bit": bit, "one": WORDS[place // 3], "two": WORDS[place % 3]}
    return pd.DataFrame(frame), log_p[np.arange(ROWS), place]


def bits(rng):
    """The same, of bits."""
    numbers, word = rng.normal(size=(ROWS, 2)), rng.integers(0, 3, ROWS)
    v = np.concatenate([numbers, np.eye(3)[word]], axis=1)
    every = np.array(list(itertools.product((0.0, 1.0), repeat=6)))
    shift, up, w = rng.normal(0, 0.7, (5, 6)), rng.normal(0, 1.0, (5, 3)), rng.normal(0, 1.5, (6, 3))
    hidden = np.logaddexp(0.0, (every @ w)[None] + (v @ up)[:, None] - w.sum(0) / 2).sum(-1)
    place, log_p = drawn(rng, (v @ shift) @ every.T + hidden)
    frame = {"x1": numbers[:, 0], "x2": numbers[:, 1], "word": WORDS[word]}
    frame |= {f"b{i}": every[place, i].astype(bool) for i in range(6)}
    return pd.DataFrame(frame), log_p[np.arange(ROWS), place]


def real(rng):
    """The same, of a number: N(1.5 + ½ v, 0.4²) with the probability σ(v + (a bit − ½)), else N(−1, 0.4²)."""
    number, bit = rng.normal(size=ROWS), rng.random(ROWS) < 0.5
    share = scipy.special.expit(number + bit - 0.5)
    upper = rng.random(ROWS) < share
    y = np.where(upper, 1.5 + 0.5 * number, -1.0) + 0.4 * rng.normal(size=ROWS)
    each = [-0.5 * ((y - mean) / 0.4) ** 2 - np.log(0.4 * np.sqrt(2 * np.pi)) for mean in (1.5 + 0.5 * number, -1.0)]
    frame = {"given": number, "bit": bit, "told": y}
    return pd.DataFrame(frame), np.logaddexp(np.log(share) + each[0], np.log1p(-share) + each[1])


DISCRETE = {
    "told-likelihood": MaximumToldLikelihood(),
    "told-pseudo-likelihood": MaximumToldPseudoLikelihood(),
    "told-nce": ToldNCE(),
    "told-cd, 1 move": ToldCD(),
    "told-cd, 10 moves": ToldCD(k=10),
    "told-pcd, 1 move": ToldPCD(),
}
REALS = {
    "told-nce": ToldNCE(),
    "told-cd, 20 moves of langevin": ToldCD(k=20, kernel="langevin", step=0.05),
    "told-cd, 10 moves of hmc": ToldCD(k=10, kernel="hmc", step=0.2),
    "told-pcd, 10 moves of hmc": ToldPCD(k=10, kernel="hmc", step=0.2),
}
WORLDS = {
    "words": (words, ConditionalField(hidden=(32,)), DISCRETE),
    "bits": (bits, RBMGivenColumns(hidden=6), DISCRETE),
    "real": (real, ConditionalRealField(hidden=(32, 32), given=1), REALS),
}


def scores(run, rows):
    """log p(told | given) of rows; of a real in raw units, by quadrature."""
    model = run.parts["model"]
    if not isinstance(model, ConditionalRealField):
        return run.score(rows).values
    x = jax.vmap(lambda raw: run.measure.to_model(None, raw))(rows.raw)

    @jax.jit
    def one(x):
        field = model.conditioned(x)
        return field.potential(model.told(x)), jax.vmap(field.potential)(jnp.asarray(GRID, jnp.float32)[:, None])

    u, table = (np.asarray(found, float) for found in jax.lax.map(one, x))
    raw, seen = (np.asarray(leaf["continuous"], float)[:, -1] for leaf in (rows.raw, x))
    # The measure is affine: its slope turns a density in units of the model into one in raw units.
    slope = np.polyfit(raw, seen, 1)[0]
    return u - scipy.special.logsumexp(table, axis=1) - np.log(GRID[1] - GRID[0]) + np.log(slope)


def main():
    """Print a table for each process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--only", nargs="*", choices=WORLDS)
    given = parser.parse_args()
    print(describe())
    print("\n| told | learner | short of the truth, nats a row | seconds |\n| --- | --- | --- | --- |")
    for number, (name, (make, model, learners)) in enumerate(WORLDS.items()):
        if given.only and name not in given.only:
            continue
        frame, truth = make(np.random.default_rng(number))
        data = rv.data.load(frame, test=0.4, valid=0.0)
        for called, learner in learners.items():
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                settings = {"steps": given.steps, "batch": 100, "patience": None, "pictures": False}
                pace = {"learning_rate": 3e-3, "optimiser": {"schedule": "linear"}}
                run = rv.fit(data, model, learner, out=Path(folder) / "run", **settings, **pace)
            short = truth[data.test.index] - scores(run, data.test)
            told = f"{short.mean():.3f} ± {short.std(ddof=1) / np.sqrt(len(short)):.3f}"
            print(f"| {name} | {called} | {told} | {time.perf_counter() - began:.0f} |", flush=True)


if __name__ == "__main__":
    main()
