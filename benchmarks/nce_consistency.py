"""Noise contrast on four spins, against sums over all their states: its optimum, its error, and its divergence.

1. Theorem 2 of Ou 2019: whatever the noise and ν, the maximum over all functions u and numbers c is exp(u − c) = p₀,
   and there is no other. Looked for from 20 starts by L-BFGS with the library's own value and direction, on rows in the
   exact proportions of p₀ and p_n.
2. Consistency (Gutmann & Hyvärinen 2012, Theorems 2 and 3): the error of the fields and couplings of an Ising model on
   n rows falls as 1/n and, as ν grows, towards that of maximum likelihood, by the covariance that the theorem gives.
   Each estimate is found by Newton's method on counts of states, and a few are shown to the library's direction, which
   must vanish there.
3. The objective is the variational estimate of an f-divergence (Ou 2019, appendix B; Nguyen, Wainwright & Jordan 2010):
   J = E_{p₀} T − E_{p_n} f†(T) + ν log ν with f(u) = u log u − (u + ν) log(u + ν), T = f'(p/p_n), f† found by a search.

    python benchmarks/nce_consistency.py [--repetitions 10000] [--rows 2000] [--out docs/results/nce_consistency.md]
"""

import argparse
import itertools
import sys
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import scipy.special
from machine import describe

from reverie import noise
from reverie.auxiliaries import LogNormaliser
from reverie.backend import prepare
from reverie.capabilities import HasLogProb, HasPotential
from reverie.data import Batch
from reverie.directions import NoiseContrast
from reverie.models import Ising
from reverie.samplers import Tick

SITES = 4
STATES = np.array(list(itertools.product((False, True), repeat=SITES)))
SPINS = 2.0 * STATES - 1.0
PAIRS = np.triu_indices(SITES, 1)
FEATURES = np.concatenate([SPINS, SPINS[:, PAIRS[0]] * SPINS[:, PAIRS[1]]], axis=1)
RNG = np.random.default_rng(0)
FIELD, COUPLINGS = 0.4 * RNG.standard_normal(SITES), 0.5 * RNG.standard_normal(len(PAIRS[0]))
TRUTH = np.concatenate([FIELD, COUPLINGS])
LOG_Z = scipy.special.logsumexp(FEATURES @ TRUTH)
P = np.exp(FEATURES @ TRUTH - LOG_Z)
NOISES = {
    "uniform": np.full(len(P), 1 / len(P)),
    # Of each spin the frequency that p₀ has, which is what independent noise learns of the data.
    "independent": np.prod(np.where(STATES, P @ STATES, 1 - P @ STATES), axis=1),
}
RATIOS = (1, 2, 5, 10, 30, 100, 300)


class Table(HasPotential, HasLogProb):
    """Any function of the spins: a potential, or, where it is one, a log density."""

    u: jax.Array

    def potential(self, x):
        return self.u[x @ (1 << jnp.arange(SITES)[::-1])]

    def log_prob(self, x):
        return self.potential(x)


@eqx.filter_jit
def library(model, log_z, log_noise, rows, fake):
    """The library's value and direction, with the field's numbers first and c last."""
    parts = {"model": model, "normaliser": LogNormaliser(value=log_z), "noise": Table(log_noise)}
    draw = {"noise_rows": fake[:, None]}
    now = Tick(noise.make_key(0), jnp.asarray(0))
    ascent, _, info = NoiseContrast().ascend(now, parts, Batch(jnp.arange(len(rows)), rows), draw, None)
    return info["nce_value"], ascent.along["model"], ascent.along["normaliser"].value


def rows_of(counts):
    """Rows, each state as often as it says."""
    return jnp.asarray(np.repeat(STATES, counts, axis=0))


def optimum(name, ratio, starts, total=4000):
    """From random starts: how far the maximum that is found lies from p₀, and from one start to the next."""
    data, fake = np.round(total * P).astype(int), np.round(total * ratio * NOISES[name]).astype(int)
    p = data / data.sum()
    log_noise = jnp.asarray(np.log(fake / fake.sum()), jnp.float32)
    rows, noise_rows = rows_of(data), rows_of(fake)

    def down(z):
        u = jnp.asarray(z, jnp.float32)
        value, model, slope = library(Table(u[:-1]), u[-1], log_noise, rows, noise_rows)
        return -float(value), -np.append(np.asarray(model.u, float), float(slope))

    rng, ends = np.random.default_rng(1), []
    for _ in range(starts):
        found = scipy.optimize.minimize(
            down,
            2.0 * rng.standard_normal(len(P) + 1),
            jac=True,
            method="L-BFGS-B",
            options={"gtol": 1e-7, "ftol": 1e-12},
        )
        log_p = found.x[:-1] - found.x[-1]
        total_log = scipy.special.logsumexp(log_p)
        ends.append((-found.fun, np.sum(p * (np.log(p) - log_p + total_log)), total_log))
    value, gap, total_logs = np.array(ends).T
    return np.ptp(value), gap.max(), np.abs(total_logs).max()


def newton(slope_and_curvature, start, steps=15):
    """The maximum of concave objectives side by side, by halved Newton steps while they are long; and what is left."""
    z = start
    for _ in range(steps):
        slope, curvature = slope_and_curvature(z)
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        z = z + step / np.maximum(1.0, np.abs(step).max(axis=-1, keepdims=True))
    return z, np.abs(slope_and_curvature(z)[0]).max(axis=-1)


def by_likelihood(frequencies):
    """Maximum likelihood of every row of frequencies."""

    def ascent(z):
        log_p = z @ FEATURES.T
        p = np.exp(log_p - scipy.special.logsumexp(log_p, axis=-1, keepdims=True))
        mean = p @ FEATURES
        second = np.einsum("rs,si,sj->rij", p, FEATURES, FEATURES)
        return frequencies @ FEATURES - mean, second - mean[:, :, None] * mean[:, None, :]

    return newton(ascent, np.tile(TRUTH, (len(frequencies), 1)))


WIDE = np.concatenate([FEATURES, -np.ones((len(P), 1))], axis=1)


def by_contrast(data, fake, ratio, noise_p):
    """Noise contrast of every row of frequencies, the data's and the noise's: (θ, c)."""

    def ascent(z):
        real = scipy.special.expit(z @ WIDE.T - np.log(noise_p) - np.log(ratio))
        slope = (data * (1 - real) - ratio * fake * real) @ WIDE
        return slope, np.einsum("rs,si,sj->rij", (data + ratio * fake) * real * (1 - real), WIDE, WIDE)

    return newton(ascent, np.tile(np.append(TRUTH, LOG_Z), (len(data), 1)))


def asymptotic(ratio, noise_p):
    """n times the error that theory has: of θ, of c (Gutmann & Hyvärinen 2012, Theorem 3)."""
    share = ratio * noise_p / (P + ratio * noise_p)
    inverse = np.linalg.inv((WIDE * (share * P)[:, None]).T @ WIDE)
    mean = inverse @ ((share * P) @ WIDE)
    spread = np.diag(inverse - (1 + 1 / ratio) * np.outer(mean, mean))
    return spread[:-1].sum(), spread[-1]


def errors(found, left, truth, n):
    """n times the mean squared error over estimates that exist, its standard error, and how many do not."""
    good = left < 1e-6
    squares = n * np.sum(np.square(found[good] - truth), axis=1)
    return squares.mean(), squares.std(ddof=1) / np.sqrt(good.sum()), int((~good).sum())


def shown(theta_c, data, fake, noise_p):
    """The largest number of the library's direction at an estimate, on the very rows."""
    couplings = np.zeros((SITES, SITES))
    couplings[PAIRS] = theta_c[SITES:-1]
    model = Ising.from_arrays(field=theta_c[:SITES], couplings=couplings + couplings.T)
    log_noise = jnp.asarray(np.log(noise_p), jnp.float32)
    log_z = jnp.asarray(theta_c[-1], jnp.float32)
    _, along, slope = library(model, log_z, log_noise, rows_of(data), rows_of(fake))
    return max(float(jnp.abs(leaf).max()) for leaf in (along.field, along.couplings, slope))


def consistency(say, n, repetitions):
    """The tables of errors: over ν with both noises, and over n."""
    rng = np.random.default_rng(2)
    information = (FEATURES * P[:, None]).T @ FEATURES - np.outer(P @ FEATURES, P @ FEATURES)
    bound = np.trace(np.linalg.inv(information))

    def measured(n, ratio, name):
        noise_p = NOISES[name]
        data, fake = rng.multinomial(n, P, repetitions), rng.multinomial(ratio * n, noise_p, repetitions)
        found, left = by_contrast(data / n, fake / (ratio * n), ratio, noise_p)
        of_theta = errors(found[:, :-1], left, TRUTH, n)
        of_c = errors(found[:, -1:], left, LOG_Z, n)
        seen = shown(found[0], data[0], fake[0], noise_p) if ratio * n <= 100_000 else None
        return of_theta, of_c, seen

    columns = "noise | ν | n · MSE of θ | theory | over the bound | n · MSE of c | theory | direction left"
    say(f"\n| {columns} |\n{RULE[8]}")
    for name, ratio in itertools.product(NOISES, RATIOS):
        (value, se, none), (of_c, se_c, _), seen = measured(n, ratio, name)
        theory, theory_c = asymptotic(ratio, NOISES[name])
        left = "–" if seen is None else f"{seen:.0e}"
        mark = f" ({none} without)" if none else ""
        say(
            f"| {name} | {ratio} | {value:.2f} ± {se:.2f}{mark} | {theory:.2f} | {value / bound:.2f} "
            f"| {of_c:.2f} ± {se_c:.2f} | {theory_c:.2f} | {left} |"
        )
    found, left = by_likelihood(rng.multinomial(n, P, repetitions) / n)
    value, se, _ = errors(found, left, TRUTH, n)
    say(f"| likelihood | | {value:.2f} ± {se:.2f} | {bound:.2f} | {value / bound:.2f} | | | |")

    say(f"\n| n (independent noise, ν = 10) | MSE of θ | n · MSE of θ | without an estimate |\n{RULE[4]}")
    for rows in (200, 1000, 5000, 25_000, 125_000):
        (value, se, none), _, _ = measured(rows, 10, "independent")
        say(f"| {rows:,} | {value / rows:.2e} ± {se / rows:.0e} | {value:.2f} ± {se:.2f} | {none} |")


def divergence(say, total=4000):
    """The table of values: the library's objective beside the estimate with a conjugate that is searched for."""
    say(f"\n| ν | model | J, the library's | F + ν log ν | D_f + ν log ν | D_f − F |\n{RULE[6]}")
    rng = np.random.default_rng(3)
    data = np.round(total * P).astype(int)
    p = data / data.sum()
    for ratio in (1, 5, 25):
        fake = np.round(total * ratio * NOISES["independent"]).astype(int)
        noise_p, nu = fake / fake.sum(), fake.sum() / data.sum()
        generator = lambda u, nu=nu: scipy.special.xlogy(u, u) - (u + nu) * np.log(u + nu)
        whole = np.sum(noise_p * generator(p / noise_p))
        for name, off in (("p₀", 0.0), ("near", 0.2), ("far", 1.0)):
            log_p = np.log(p) + off * rng.standard_normal(len(p))
            value, _, _ = library(
                Table(jnp.asarray(log_p, jnp.float32)),
                jnp.zeros(()),
                jnp.asarray(np.log(noise_p), jnp.float32),
                rows_of(data),
                rows_of(fake),
            )
            test = -np.logaddexp(0.0, np.log(nu) + np.log(noise_p) - log_p)
            conjugate = [_conjugate(generator, slope) for slope in test]
            estimate = p @ test - noise_p @ conjugate
            shift = nu * np.log(nu)
            say(
                f"| {ratio} | {name} | {float(value):.6f} | {estimate + shift:.6f} | {whole + shift:.6f} "
                f"| {whole - estimate:.6f} |"
            )


def _conjugate(generator, slope):
    """sup_u u t − f(u), by a search over log u."""
    found = scipy.optimize.minimize_scalar(
        lambda log_u: generator(np.exp(log_u)) - slope * np.exp(log_u),
        bounds=(-15, 10),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return -found.fun


RULE = {columns: "|" + " --- |" * columns for columns in (4, 5, 6, 8)}


def main():
    """Measure and print; write the page where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=10_000, help="data sets for each line")
    parser.add_argument("--rows", type=int, default=2000, help="n, rows of each data set in the table over ν")
    parser.add_argument("--starts", type=int, default=20)
    parser.add_argument("--out", type=Path, help="a page that gets all of it")
    given = parser.parse_args()
    prepare()
    lines, began = [], time.perf_counter()

    def say(text):
        print(text, flush=True)
        lines.append(text)

    say("# Noise-contrastive estimation against its theory\n")
    say(f"`python benchmarks/{' '.join([Path(__file__).name, *sys.argv[1:]])}`: {WHAT}\n\n{describe()}. Seed 0.")
    say(f"\n## The maximum is the truth, whatever the noise (Theorem 2)\n\n{OPTIMUM}")
    say(f"\n| noise | ν | spread of the maxima | largest KL[p₀ ‖ p] | largest log of the total |\n{RULE[5]}")
    for name, ratio in itertools.product(NOISES, (1, 10)):
        spread, gap, total = optimum(name, ratio, given.starts)
        say(f"| {name} | {ratio} | {spread:.1e} | {gap:.1e} | {total:.1e} |")
    say(f"\n## The error falls with n, and with ν to that of maximum likelihood\n\n{ERRORS}")
    consistency(say, given.rows, given.repetitions)
    say(f"\n## The objective is the variational estimate of an f-divergence\n\n{DIVERGENCE}")
    divergence(say)
    say(f"\n{time.perf_counter() - began:.0f} s in all.")
    if given.out:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


WHAT = """four spins with fields N(0, 0.4²)
and couplings N(0, 0.5²) between all of them, 16 states, so that each expectation is a sum. The noise is uniform, or
independent spins with the frequencies of p₀."""
OPTIMUM = """Over all functions u of the 16 states and all numbers c, from random starts N(0, 2²), by L-BFGS with the
library's value and direction. The total is Σ_x exp(u(x) − c), which the estimate makes one without being told to; p
is exp(u − c) over it."""
ERRORS = """θ is the fields and couplings, c stands for log Z. Theory is Theorem 3 of Gutmann & Hyvärinen 2012, and for
the likelihood the Cramér–Rao bound, of which the fifth column is the multiple. ± is a standard error over the data
sets. The last column is the largest number of the library's direction at one estimate, on the rows themselves: nought,
but for single precision. Theory is of n without end: at n = 2,000
all errors, the likelihood's too, lie some 2 % above it."""
DIVERGENCE = """J is the library's value; F = E_{p₀} T − E_{p_n} f†(T) with T = log p/(p + ν p_n), its conjugate f†
found by a search over u and not by the closed form; D_f = Σ p_n f(p₀/p_n). J − F is ν log ν (Eq. 54 of Ou 2019 has this
constant with the other sign), and F is below D_f, with equality at p₀."""

if __name__ == "__main__":
    main()
