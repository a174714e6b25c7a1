"""Signal to noise of the gradients of importance-weighted bounds, on the Gaussian model of Rainforth et al. 2018, §4.

    p(h) = N(h; μ, I),  p(x | h) = N(x; h, I),  q(h | x) = N(h; A x + b, ⅔ I),  h and x of 20 dimensions

1,024 rows come from the model at a μ drawn from N(0, I); the parameters are the best ones, μ* = mean x, A* = I/2 and
b* = μ*/2, each number moved by N(0, 0.01²). The gradient is that of all rows together. Its signal-to-noise ratio is the
length of its mean over the root of its summed variances,

    SNR = ‖E g‖ / √(Σ_i Var g_i),

from R independent repetitions; ‖ḡ‖² is rid of its bias, Σ_i Var g_i / R. Standard errors are the jackknife's over 20
blocks of repetitions, slopes those of weighted least squares of log SNR on log K. They are taken from K = 16 on, where
the asymptotic theory speaks: at K = 1 the gradient of θ is that of the evidence lower bound, another and a longer one.
Theory: +½ for θ = μ, −½ for φ = (A, b), and +½ for φ with the doubly reparameterised gradient (Tucker et al. 2019).

A second table has the bounds that spend T samples in other ways (their §5): MIWAE's M bounds of K = T/M samples, whose
ratio for φ goes as √(M/K), so that it stays where M = K = √T and rises as √T where K does not grow; PIWAE, with that φ
and θ of the bound of all T, as √T; CIWAE with β = ½, whose first term keeps the signal of φ, as √T.

    python benchmarks/rainforth.py [--scale 1] [--tables k ways] [--plot rainforth.png]
"""

import argparse
import time
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib as mpl
import numpy as np
from machine import describe

from reverie import noise
from reverie.backend import prepare
from reverie.capabilities import HasLogJoint, HasPosterior, Latent, ReparameterisedProposal
from reverie.data import Batch
from reverie.directions import (
    CombinedBound,
    DoublyReparameterised,
    ImportanceWeightedBound,
    MultiplyWeightedBound,
    PartiallyWeightedBound,
)
from reverie.samplers import Tick

D, ROWS, MOVED, SPREAD = 20, 1024, 0.01, (2 / 3) ** 0.5
# K, and how often the gradient of all rows is drawn.
PLAN = {1: 800, 4: 800, 16: 1500, 32: 1200, 64: 1000, 128: 700, 256: 400, 512: 250}
WAYS_PLAN = {16: 600, 64: 400, 256: 200}
FIRST = 16
BLOCKS, HELD = 20, 8192
THEORY = {"θ, bound": ("+½", 0.5), "φ, bound": ("−½", -0.5), "φ, doubly reparameterised": ("+½", 0.5)}
WAYS_THEORY = {
    "θ, PIWAE": ("+½", 0.5),
    "φ, PIWAE and MIWAE, M = √T": ("0", 0.0),
    "φ, MIWAE, K = 4": ("+½", 0.5),
    "φ, CIWAE": ("+½", 0.5),
}
LOG_2_PI = float(np.log(2 * np.pi))


class Model(HasLogJoint):
    """p(x, h) with μ to learn."""

    mu: Any

    @property
    def latents(self):
        """One block of reals."""
        return (Latent("reals", D),)

    def log_prior(self, h):
        """log N(h; μ, I)."""
        return -0.5 * jnp.sum((h[0] - self.mu) ** 2) - 0.5 * D * LOG_2_PI

    def log_likelihood(self, x, h):
        """log N(x; h, I)."""
        return -0.5 * jnp.sum((x - h[0]) ** 2) - 0.5 * D * LOG_2_PI


class Posterior(HasPosterior, ReparameterisedProposal):
    """q(h | x) with A and b to learn."""

    A: Any
    b: Any

    def noise(self, key):
        """ε ~ N(0, I)."""
        return noise.normal(key, (D,))

    def transform_and_log_prob(self, noise, x):
        """A x + b + √⅔ ε."""
        log_q = -0.5 * jnp.sum(noise**2) - D * float(np.log(SPREAD)) - 0.5 * D * LOG_2_PI
        return (x @ self.A + self.b + SPREAD * noise,), log_q

    def log_prob(self, h, x):
        """log q(h | x)."""
        off = (h[0] - x @ self.A - self.b) / SPREAD
        return -0.5 * jnp.sum(off**2) - D * float(np.log(SPREAD)) - 0.5 * D * LOG_2_PI

    def sample(self, key, x):
        """Draw h ~ q(h | x)."""
        return self.transform_and_log_prob(self.noise(key), x)[0]


def world(seed):
    """The rows, and the parameters near their best."""
    draw = np.random.default_rng(seed)
    truth = draw.standard_normal(D)
    x = truth + np.sqrt(2.0) * draw.standard_normal((ROWS, D))
    mu = x.mean(0)
    moved = [value + MOVED * draw.standard_normal(value.shape) for value in (mu, np.eye(D) / 2, mu / 2)]
    mu, a, b = (jnp.asarray(value, jnp.float32) for value in moved)
    return jnp.asarray(x, jnp.float32), {"model": Model(mu), "inference": Posterior(a, b)}


def by_k(count):
    """θ and φ of the bound of K samples, and φ doubly reparameterised."""
    return ((ImportanceWeightedBound(), ("θ", "φ")), (DoublyReparameterised(), ("φ",)))


def by_ways(count):
    """θ and φ of PIWAE with M = √T, φ of MIWAE with K = 4, φ of CIWAE."""
    return (
        (PartiallyWeightedBound(round(count**0.5)), ("θ", "φ")),
        (MultiplyWeightedBound(count // 4), ("φ",)),
        (CombinedBound(0.5), ("φ",)),
    )


def gradients(x, parts, wanted, count, repetitions, seed):
    """Independent gradients of all rows, [R, numbers] each: of the directions that are wanted and of their parts."""
    pieces = max(1, ROWS * count // HELD)
    rows = x.reshape(pieces, -1, D)
    index = jnp.arange(rows.shape[1])

    def piece(given):
        key, x = given
        draw = {"noise": noise.normal(key, (count, x.shape[0], D))}
        tick, batch = Tick(key, jnp.asarray(0)), Batch(index, x)
        found = []
        for direction, names in wanted(count):
            along = direction.ascend(tick, parts, batch, draw, None)[0].along
            numbers = {
                "θ": along["model"].mu,
                "φ": jnp.concatenate([along["inference"].A.reshape(-1), along["inference"].b]),
            }
            found += [numbers[name] for name in names]
        return tuple(found)

    def repetition(key):
        return jax.tree.map(
            lambda leaf: jnp.mean(leaf, axis=0), jax.lax.map(piece, (jax.random.split(key, pieces), rows))
        )

    keys = jax.random.split(noise.make_key(seed), repetitions)
    return [np.asarray(leaf, np.float64) for leaf in jax.jit(lambda keys: jax.lax.map(repetition, keys))(keys)]


def squared_ratio(g):
    """SNR² of a gradient from its repetitions."""
    variance = g.var(axis=0, ddof=1).sum()
    return ((g.mean(axis=0) ** 2).sum() - variance / len(g)) / variance


def with_error(g):
    """SNR and its standard error, by the jackknife over blocks of repetitions."""
    blocks = np.array_split(np.arange(len(g)), BLOCKS)
    without = np.array([squared_ratio(np.delete(g, block, axis=0)) for block in blocks])
    value = np.sqrt(max(squared_ratio(g), 0.0))
    error = np.sqrt((BLOCKS - 1) / BLOCKS * ((without - without.mean()) ** 2).sum())
    return value, error / (2 * value) if value else np.inf


def slope(ks, values, errors):
    """The slope of log SNR on log K and its standard error."""
    kept = (np.array(ks) >= FIRST) & (np.array(values) > np.array(errors))
    x, value, error = (np.array(column)[kept] for column in (np.log(ks), values, errors))
    w = (value / error) ** 2
    centred = x - np.average(x, weights=w)
    return (w * centred * np.log(value)).sum() / (w * centred**2).sum(), 1 / np.sqrt((w * centred**2).sum())


def plot(path, table, slopes):
    """SNR against K, with the slopes that theory has."""
    mpl.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="K", ylabel="signal-to-noise ratio")
    ks = np.array(list(PLAN), float)
    for name, marker in zip(table, "os^", strict=True):
        values, errors = (np.array(column) for column in zip(*table[name], strict=True))
        (line, *_) = axes.errorbar(ks, values, errors, fmt=marker, label=f"{name}: slope {slopes[name][0]:+.2f}")
        at = list(PLAN).index(64)
        later = ks[ks >= FIRST]
        axes.plot(later, values[at] * (later / 64) ** THEORY[name][1], "--", color=line.get_color(), linewidth=1)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=100)


def tabled(x, parts, wanted, plan, theory, letter, given):
    """Print a table of ratios and one of slopes; the ratios and the slopes, by column."""
    table = {name: [] for name in theory}
    print(f"\n| {letter} | R | " + " | ".join(f"SNR {name}" for name in table) + " | seconds |")
    print("| --- | --- |" + " --- |" * (len(table) + 1))
    for count, repetitions in plan.items():
        began = time.perf_counter()
        repetitions = max(2 * BLOCKS, round(repetitions * given.scale))
        found = gradients(x, parts, wanted, count, repetitions, given.seed + 1)
        for name, g in zip(table, found, strict=True):
            table[name].append(with_error(g))
        cells = [f"{value:.4f} ± {error:.4f}" for value, error in (column[-1] for column in table.values())]
        print(f"| {count} | {repetitions} | {' | '.join(cells)} | {time.perf_counter() - began:.0f} |", flush=True)
    slopes = {name: slope(list(plan), *zip(*column, strict=True)) for name, column in table.items()}
    print(f"\n| gradient | slope from {letter} = {FIRST} on | theory |\n| --- | --- | --- |")
    for name, (value, error) in slopes.items():
        print(f"| {name} | {value:+.3f} ± {error:.3f} | {theory[name][0]} |")
    return table, slopes


def main() -> None:
    """Print the tables and the slopes, and draw the first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="repetitions, as a multiple of the plan")
    parser.add_argument("--tables", nargs="+", choices=("k", "ways"), default=["k", "ways"], help="which of them")
    parser.add_argument("--plot", default="rainforth.png", help="where the picture goes")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    prepare()
    x, parts = world(given.seed)
    print(describe())
    if "k" in given.tables:
        plot(given.plot, *tabled(x, parts, by_k, PLAN, THEORY, "K", given))
    if "ways" in given.tables:
        tabled(x, parts, by_ways, WAYS_PLAN, WAYS_THEORY, "T", given)


if __name__ == "__main__":
    main()
