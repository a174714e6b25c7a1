"""Learners of random fields on three sets in the plane, with log Z by quadrature: the KL to the truth, which is known.

Each set is a curve in the plane, blurred: an equal mixture of Gaussians, p₀ = mean_j N(c_j, 0.1² I), whose 600 centres
c_j lie along two half moons, a ring, or the five arms of a pinwheel, then standardised. So log p₀ is exact, and

    KL[p₀ ‖ p_θ] = Σ_grid p₀ (log p₀ − u_θ) ΔA + log Σ_grid exp(u_θ) ΔA

up to the grid, which reaches as far as the field's reference has mass. All learners move the same field, p(x) ∝
N(x; 0, 2² I) exp f_θ(x) with a perceptron f, from the same start, by Adam at each learner's own rates (10⁻³ where it
has none) with a cosine schedule, for as many steps of 200 rows; figures are of the moving average of the parameters. A
generator's own KL is that of a mixture of 2,048 of its centres.

    python benchmarks/fields_2d.py [--steps 2000] [--seeds 3] [--out fields_2d.md] [--plot fields_2d.png]
"""

import argparse
import functools
import itertools
import json
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib as mpl
import msgspec
import numpy as np
from machine import describe

from reverie import noise
from reverie.auxiliaries import FieldGenerator, IndependentNoise, ModelNoise
from reverie.backend import prepare
from reverie.data import Identity, Leaf, Rows, Spec
from reverie.data.batches import Batches
from reverie.learners import (
    CooperativeField,
    DynamicNCE,
    ExclusiveField,
    InclusiveField,
    NoiseContrastiveEstimation,
    ScoreMatching,
    StochasticMaximumLikelihood,
    TemperedMaximumLikelihood,
)
from reverie.loop import Loop
from reverie.models import RandomField
from reverie.pairing import check, fill
from reverie.parts import Optimiser
from reverie.samplers import MALA
from reverie.samplers.kernel import Chains, move_all

BLUR, CENTRES, REACH, DRAWS = 0.1, 600, 6.0, 1500
LEARNERS = {
    "inclusive, MALA": lambda: InclusiveField(
        moves=25, kernel="mala", step=0.02, code_moves=5, code_step=0.1, penalty=0.01
    ),
    "inclusive, Langevin": lambda: InclusiveField(moves=25, step=0.006, code_moves=5, code_step=0.1, penalty=0.01),
    "cooperative": lambda: CooperativeField(moves=15, step=0.015, penalty=0.01),
    "exclusive": lambda: ExclusiveField(penalty=0.01),
    "exclusive, normalisation": lambda: ExclusiveField(penalty=0.01, entropy="normalisation"),
    "PCD-10, MALA": lambda: StochasticMaximumLikelihood(k=10, particles=200, kernel="mala", step=0.02),
    "tempered PCD, MALA": lambda: TemperedMaximumLikelihood(k=3, particles=100, replicas=8, kernel="mala", step=0.02),
    "NCE, ν = 10": lambda: NoiseContrastiveEstimation(noise=10),
    "dynamic NCE, ν = 4": lambda: DynamicNCE(noise=4, share=0.5),
    "dynamic NCE, data alone": lambda: DynamicNCE(noise=4, share=1.0),
    "score matching, exact": lambda: ScoreMatching(form="exact"),
    "score matching, denoising": lambda: ScoreMatching(form="denoising", sigma=0.05),
}


def curve(name):
    """The centres of a set, [600, 2]."""
    t = (np.arange(CENTRES) + 0.5) / CENTRES
    if name == "ring":
        return 1.5 * np.stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], axis=1)
    if name == "moons":
        half = np.pi * (2 * t % 1)
        upper = np.stack([np.cos(half), np.sin(half)], axis=1)
        return np.where((t < 0.5)[:, None], upper, np.array([1.0, 0.5]) - upper)
    arm, radius = np.floor(5 * t), 0.3 + 1.7 * (5 * t % 1)
    angle = 2 * np.pi * arm / 5 + 0.9 * radius
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@functools.cache
def truth(name):
    """The mixture once it is standardised: centres, and the standard deviation of each column's blur."""
    centres = curve(name)
    spread = np.sqrt(centres.var(0) + BLUR**2)
    return (centres - centres.mean(0)) / spread, BLUR / spread


def draw(name, rows, seed):
    """Rows of the set."""
    rng = np.random.default_rng(seed)
    centres, blur = truth(name)
    return (centres[rng.integers(0, CENTRES, rows)] + blur * rng.normal(size=(rows, 2))).astype(np.float32)


def mixture_log_prob(x, centres, blur):
    """log of an equal mixture of Gaussians at rows x."""
    blocks = []
    for block in np.array_split(x, max(1, len(x) * len(centres) // 2**22)):
        far = np.sum(np.square((block[:, None] - centres[None]) / blur), axis=2)
        blocks.append(np.logaddexp.reduce(-0.5 * far, axis=1))
    return np.concatenate(blocks) - np.log(len(centres)) - np.sum(np.log(blur)) - np.log(2 * np.pi)


def grid(side):
    """The middles of the cells, [side², 2], and the area of one."""
    width = 2 * REACH / side
    middles = -REACH + width * (np.arange(side) + 0.5)
    return np.stack(np.meshgrid(middles, middles, indexing="ij"), axis=-1).reshape(-1, 2), width**2


@functools.cache
def on_grid(name, side):
    """The set's log density there."""
    return mixture_log_prob(grid(side)[0], *truth(name))


def divergence(log_truth, u, area):
    """KL[p₀ ‖ p], log Z and the log density of what is given by its potential on a grid."""
    log_z = np.logaddexp.reduce(u) + np.log(area)
    kept = np.exp(log_truth)
    return float(np.sum(kept * (log_truth - u)) * area + log_z), float(log_z), u - log_z


def course(learner, settings):
    """What fits the learner's parts to a set: the loop is compiled once, and given other rows and other parts."""
    leaf = Leaf("continuous", 2, mean=(0.0, 0.0), std=(1.0, 1.0))
    given = {"generator": FieldGenerator(latent=2, hidden=(64, 64), scale=0.2, detail=2.0), "noise": IndependentNoise()}
    if learner.name == "dynamic-nce":
        given["noise"] = ModelNoise("gaussian-mixture")
    given = {role: part for role, part in given.items() if role in learner.requires}
    blank = check(RandomField(hidden=(64, 64)), learner, given)
    usual = {role: learner.optimiser.get(role, Optimiser(rate=settings.rate)) for role in learner.direction.moves}
    rates = {role: msgspec.structs.replace(one, schedule="cosine") for role, one in usual.items()}

    def start(seed):
        return fill(blank, noise.make_key(seed), Spec({"continuous": leaf}))

    def rows(x):
        return Rows(x, None, None, np.arange(len(x)))

    loop = Loop(
        learner, rows(draw("ring", settings.rows, 0)), Identity("continuous"), noise.make_key(100), optimisers=rates,
        batch=200, steps=settings.steps, average=0.995,
    )  # fmt: skip
    loop.advance(loop.start(start(0)), 1)

    def fit(name, seed):
        loop.rows = rows(draw(name, settings.rows, 1000 + seed))
        loop.tree = {"raw": loop.rows.raw, "y": None, "mask": None}
        loop.resident = jax.device_put(loop.tree)
        loop.batches = Batches(settings.rows, 200, seed)
        parts = start(seed)
        begun = time.process_time()
        state, done = loop.start(parts), 0
        while done < settings.steps:
            count = min(500, settings.steps - done)
            state, _ = loop.advance(state, count)
            done += count
        return parts | dict(state.average), time.process_time() - begun

    return fit


@eqx.filter_jit
def potentials(field, x):
    """u at rows."""
    return jax.vmap(field.potential)(x)


@eqx.filter_jit
def centres_of(generator, codes):
    """g(h) at codes."""
    return jax.vmap(lambda h: generator.centre((h,)))(codes)


@eqx.filter_jit
def chained(field, keys, steps):
    """The ends of chains from the reference."""
    start = Chains(jax.vmap(field.start)(keys), None)
    return move_all(MALA(0.02), noise.make_key(8), field, start, steps)[0].x


@eqx.filter_jit
def drawn_by(generator, keys):
    """A generator's draws."""
    return jax.vmap(lambda key: generator.pair(generator.noise(key))[0])(keys)


def samples(parts, steps):
    """Draws: the generator's where there is one, else the ends of chains that begin at the reference."""
    keys = jax.random.split(noise.make_key(9), DRAWS)
    if "generator" in parts:
        return np.asarray(drawn_by(parts["generator"], keys))
    return np.asarray(chained(parts["model"], keys, steps))


def judged(parts, name, settings):
    """The figures of one run, its density on the grid, and draws."""
    points, area = grid(settings.grid)
    log_truth = on_grid(name, settings.grid)
    u = np.asarray(potentials(parts["model"], jnp.asarray(points, jnp.float32)), np.float64)
    kl, log_z, log_p = divergence(log_truth, u, area)
    row = {"kl": kl, "log_z": log_z}
    if "normaliser" in parts:
        row["c"] = float(parts["normaliser"].log_normaliser())
    if "generator" in parts:
        generator = parts["generator"]
        codes = np.random.default_rng(0).normal(size=(2048, generator.latent)).astype(np.float32)
        centres = np.asarray(centres_of(generator, codes))
        near = points[log_truth > -15.0]
        log_q = mixture_log_prob(near, centres, np.exp(np.asarray(generator.log_scale)))
        log_near = log_truth[log_truth > -15.0]
        row["generator_kl"] = float(np.sum(np.exp(log_near) * (log_near - log_q)) * area)
    return row, log_p


def picture(shown, sets, path, side):
    """One row for each set: the truth, then for each learner its density and its draws."""
    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(label for _, label in shown))
    figure, axes = plt.subplots(
        2 * len(sets), 1 + len(names), figsize=(2 * (1 + len(names)), 4 * len(sets)), squeeze=False
    )
    edge = (-REACH, REACH, -REACH, REACH)
    for line, name in enumerate(sets):
        points, _ = grid(side)
        true = np.exp(mixture_log_prob(points, *truth(name)))
        both = [("truth", true, draw(name, DRAWS, 5))]
        both += [(label, np.exp(shown[name, label][0]), shown[name, label][1]) for label in names]
        for column, (label, density, drawn) in enumerate(both):
            above, below = axes[2 * line, column], axes[2 * line + 1, column]
            above.imshow(density.reshape(side, side).T, origin="lower", extent=edge, vmax=true.max(), cmap="magma")
            below.scatter(*drawn.T, s=0.4, color="black", linewidths=0)
            for one in (above, below):
                one.set(xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xticks=[], yticks=[], aspect="equal")
            if line == 0:
                above.set_title(label.replace(", ", "\n"), fontsize=8)
    figure.tight_layout(pad=0.4)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def table(found, sets):
    """The mean KL over seeds, with its standard error, as Markdown."""

    def told(rows, name):
        values = np.array([row[name] for row in rows if name in row])
        if not len(values):
            return "–"
        spread = f" ± {values.std(ddof=1) / np.sqrt(len(values)):.3f}" if len(values) > 1 else ""
        return f"{values.mean():.3f}{spread}"

    heads = [*(f"{name}, KL" for name in sets), *(f"{name}, generator's KL" for name in sets), "CPU ms a step"]
    lines = ["| learner | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(heads)]
    for label in dict.fromkeys(label for _, label in found):
        cells = [told(found[name, label], key) for key in ("kl", "generator_kl") for name in sets]
        speed = np.mean([row["ms"] for name in sets for row in found[name, label]])
        lines.append(f"| {label} | " + " | ".join(cells) + f" | {speed:.1f} |")
    return "\n".join(lines)


def main():
    """Fit, measure, tell and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--grid", type=int, default=240)
    parser.add_argument("--chain", type=int, default=500, help="moves of the chains that are drawn in the picture")
    parser.add_argument("--sets", nargs="+", default=["moons", "ring", "pinwheel"])
    parser.add_argument("--learners", nargs="+", default=list(LEARNERS), help="names, or their beginnings")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--plot", type=Path, default=None)
    settings = parser.parse_args()
    prepare()
    chosen = [label for label in LEARNERS if any(label.startswith(name) for name in settings.learners)]
    found, shown = {}, {}
    courses = {}
    for seed, label in itertools.product(range(settings.seeds), chosen):
        courses[label] = courses.get(label) or course(LEARNERS[label](), settings)
        for name in settings.sets:
            parts, seconds = courses[label](name, seed)
            row, log_p = judged(parts, name, settings)
            row["ms"] = 1e3 * seconds / settings.steps
            found.setdefault((name, label), []).append(row)
            if settings.plot is not None and (name, label) not in shown:
                shown[name, label] = log_p, samples(parts, settings.chain)
            print(json.dumps({"set": name, "learner": label, "seed": seed, **row}, ensure_ascii=False), flush=True)
        if label == chosen[-1]:
            finished(found, shown, seed + 1, settings)


def finished(found, shown, seeds, settings):
    """Print the table of so many seeds and write what was asked for: after each seed, for a run that is cut short."""
    text = f"{table(found, settings.sets)}\n\n{settings.steps} steps of 200 rows, {seeds} seeds. {describe()}\n"
    print(text, flush=True)
    if settings.out is not None:
        settings.out.write_text(text, encoding="utf-8")
    if settings.plot is not None:
        picture(shown, settings.sets, settings.plot, settings.grid)


if __name__ == "__main__":
    main()
