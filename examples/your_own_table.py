"""A table of your own: read a CSV file, fit a model, score its rows, draw new ones, find the odd ones.

The file has numbers, categories and a yes/no column, as tables do. In five of its rows each value could be true and the
combination could not. A model of the joint distribution gives such rows a low likelihood.

    python examples/your_own_table.py

REVERIE_EXAMPLE_BUDGET is the most time that the fit may take.
"""

import csv
import os
import tempfile
from pathlib import Path

import numpy as np

import reverie as rv

ODD = [
    ("horse", 4.1, 27.0, "yes"),
    ("cat", 480.0, 133.0, "yes"),
    ("dog", 22.0, 150.0, "no"),
    ("cat", 3.8, 96.0, "yes"),
    ("horse", 530.0, 24.0, "no"),
]


def write_table(path: Path, rows: int = 1500) -> list[int]:
    """Write the table, and give the places of the odd rows."""
    draw = np.random.default_rng(0)
    usual = {"cat": (4.0, 0.8, 0.8), "dog": (20.0, 6.0, 0.5), "horse": (500.0, 60.0, 0.0)}
    lines = []
    for animal in draw.choice(list(usual), size=rows, p=[0.4, 0.4, 0.2]):
        mean, spread, share_indoors = usual[animal]
        weight = max(1.0, draw.normal(mean, spread))
        height = 17.0 * weight ** (1 / 3) * np.exp(draw.normal(0.0, 0.05))
        lines.append((animal, round(weight, 1), round(height), "yes" if draw.random() < share_indoors else "no"))
    places = sorted(draw.choice(rows, len(ODD), replace=False).tolist())
    for place, line in zip(places, ODD, strict=True):
        lines[place] = line
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["animal", "weight", "height", "indoors"])
        table.writerows(lines)
    return places


with tempfile.TemporaryDirectory() as folder:
    table = Path(folder) / "animals.csv"
    odd = write_table(table)

    data = rv.data.load(table)
    print(data.schema.describe())  # what was inferred; give a schema of your own where it is wrong
    print(f"the model sees {data.spec.size} {data.spec.kind} columns; likelihoods: {data.measure.reference}\n")

    run = rv.fit(
        data,
        rv.models.VAE(latent=4, hidden=(64,)),
        rv.learners.IWAE(k=5),
        steps=3000,
        budget=os.environ.get("REVERIE_EXAMPLE_BUDGET", "10s"),
        out=Path(folder) / "run",
        pictures=False,
    )
    print(f"held-out log-likelihood after {run.step} steps: {run.log_likelihood}\n")

    print("five new rows:")
    for name, column in data.schema.frame(run.sample(5, seed=1)).items():
        shown = [f"{value:.1f}" if isinstance(value, float) else str(value) for value in column]
        print(f"  {name:>8}  " + "  ".join(f"{word:>6}" for word in shown))

    # The score of a row depends on the row and the seed alone, so the file may be scored whole or in pieces.
    scores = run.score(table)
    lowest = np.argsort(scores.values)[:10].tolist()
    print(f"\nlowest scores ({scores.kind}): {', '.join(f'{scores.values[row]:.1f}' for row in lowest)}")
    print(f"median of all rows: {np.median(scores.values):.1f}")
    found = sum(row in odd for row in lowest)
    print(f"{found} of the {len(ODD)} odd rows are among the {len(lowest)} lowest of {len(scores.values)}")
