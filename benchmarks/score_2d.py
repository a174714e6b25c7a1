"""Score-based models and flow matching in the plane: test log-likelihood by the flow, energy distance, seconds.

Two moons with noise of 0.1, and a ring of radius 1 with noise of 0.08, by scikit-learn; 10,000 rows to learn from and
2,000 to test. Each model learns by its own learner with one network (3 × 128), Adam at 10⁻³ with a cosine
schedule, batches of 256; figures are of a moving average of the parameters. Log-likelihoods are by the adaptive solver
with exact divergence and are of the columns as they are. The energy distance, 2 E‖x − y‖ − E‖x − x'‖ − E‖y − y'‖, is
between the draws of the model's usual sampler and the test rows; the last line of each table has that of other true
rows, which is what chance leaves.

    python benchmarks/score_2d.py [--steps 20000] [--rows 2000] [--plot score_2d.png]
"""

import argparse
import time

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from machine import describe
from scipy.spatial.distance import cdist, pdist
from sklearn.datasets import make_circles, make_moons

from reverie import noise
from reverie.backend import prepare
from reverie.data import Identity, Leaf, Rows, Spec
from reverie.learners import Denoising, FlowMatching
from reverie.loop import Loop
from reverie.models import DDPM, VESDE, VPSDE, StraightFlow
from reverie.pairing import check, fill
from reverie.parts import Optimiser

CONTESTANTS = {
    "ddpm": (DDPM, Denoising),
    "vp-sde": (VPSDE, Denoising),
    "ve-sde": (VESDE, Denoising),
    "straight-flow": (StraightFlow, FlowMatching),
}
SIDE = 80


def rows_of(name, count, seed):
    """So many rows of a set."""
    if name == "moons":
        return make_moons(count, noise=0.1, random_state=seed)[0].astype(np.float32)
    x, ring = make_circles((count, 0), noise=0.08, random_state=seed)
    assert not ring.any()
    return x.astype(np.float32)


def energy(x, y):
    """The energy distance of two samples, without bias."""
    return 2 * cdist(x, y).mean() - pdist(x).mean() - pdist(y).mean()


def fitted(name, raw, steps):
    """The model after so many steps, with the average of its parameters, and the seconds that they took."""
    cls, learner = CONTESTANTS[name]
    leaf = Leaf("continuous", 2, mean=tuple(raw.mean(0).tolist()), std=tuple(raw.std(0).tolist()))
    parts = fill(check(cls(), learner()), noise.make_key(0), Spec({"continuous": leaf}))
    rows = Rows(raw, None, None, np.arange(len(raw)))
    optimisers = {"model": Optimiser(rate=1e-3, schedule="cosine")}
    loop = Loop(
        learner(),
        rows,
        Identity("continuous"),
        noise.make_key(1),
        optimisers=optimisers,
        batch=256,
        steps=steps,
        average=0.999 if steps > 5000 else 0.9,
    )
    began = time.perf_counter()
    state = loop.train(loop.start(parts), steps, steps, lambda state, said: True)
    return eqx.combine(state.average["model"], state.parts["model"]), time.perf_counter() - began


def main():
    """Print the tables, and draw the picture where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--rows", type=int, default=2000, help="test rows, and draws")
    parser.add_argument("--only", nargs="*", help="models")
    parser.add_argument("--plot", help="where to put the picture")
    asked = parser.parse_args()
    prepare()
    names = asked.only or list(CONTESTANTS)
    shown = {}
    print(describe())
    for place in ("moons", "ring"):
        train, test = rows_of(place, 10_000, 0), rows_of(place, asked.rows, 1)
        print(f"\n| {place} | log-likelihood, nats | energy distance | training, s | likelihood, s | draws, s |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name in names:
            model, trained = fitted(name, train, asked.steps)
            score = eqx.filter_jit(lambda model, x: jax.vmap(model.log_prob)(x))
            draw = eqx.filter_jit(lambda model, keys: jax.vmap(model.sample)(keys))
            began = time.perf_counter()
            told = np.asarray(score(model, jnp.asarray(test)), float)
            scored = time.perf_counter() - began
            began = time.perf_counter()
            x = np.asarray(draw(model, jax.random.split(noise.make_key(2), asked.rows)))
            drawn = time.perf_counter() - began
            error = told.std(ddof=1) / np.sqrt(len(told))
            print(
                f"| {name} | {told.mean():.3f} ± {error:.3f} | {energy(x, test):.5f} | {trained:.0f} | {scored:.1f} "
                f"| {drawn:.1f} |",
                flush=True,
            )
            if asked.plot:
                shown[place, name] = (x, test, density(score, model, test))
        print(f"| true rows | | {energy(rows_of(place, asked.rows, 2), test):.5f} | | | |", flush=True)
    if asked.plot:
        picture(shown, names, asked.plot)


def density(score, model, test):
    """log p on a grid around the rows, and its corners."""
    low, high = test.min(0) - 0.3, test.max(0) + 0.3
    axes = [np.linspace(a, b, SIDE) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2).astype(np.float32)
    values = np.asarray(score(model, jnp.asarray(points))).reshape(SIDE, SIDE)
    return values, (low[0], high[0], low[1], high[1])


def picture(shown, names, path):
    """Draws beside the density, a line for each set."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 2 * len(names), figsize=(4 * len(names), 4.4), squeeze=False)
    for line, place in enumerate(("moons", "ring")):
        for column, name in enumerate(names):
            x, _, (values, corners) = shown[place, name]
            left, right = axes[line, 2 * column], axes[line, 2 * column + 1]
            left.scatter(*x.T, s=1, alpha=0.4)
            left.set(xlim=corners[:2], ylim=corners[2:], title=f"{name}: draws")
            right.imshow(np.exp(values), origin="lower", extent=corners, aspect="auto")
            right.set_title("density")
            for axis in (left, right):
                axis.set(xticks=[], yticks=[])
    figure.tight_layout()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
