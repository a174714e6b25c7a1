"""Are gradient estimators as biased as they say? Measured where the exact gradient can be written out.

Four models: a belief net with two bits, one with two layers (three bits, two bits), two categories of three levels,
and a decoder with one real code. For codes that are few, the exact gradients are sums over all codes, of the K-sample
bound over all sets of K codes. For the real code they are integrals over h by the trapezoidal rule on a grid, which
is exact to rounding for densities that fall off as these do; the density q(h | x) is integrated and not its
reparameterisation, so that nothing of the estimators is in what they are compared with.

Parameters are far from symmetric and nothing has been fitted. Each estimator gives independent gradients of θ and of
φ over the same rows. What is learned beside (baselines, surrogates, running means) has seen 300 steps at these
parameters and is then held, so that all draws are of one law. JSA gives a quarter as many gradients, each from a chain
of its own, which first makes so many moves that (1 − 1/w*)^moves < e⁻⁸, where w* = max p(h | x) / q(h | x): that is
how an independence sampler forgets where it began (Mengersen & Tweedie 1996, Theorem 2.1). The name says how often.

    bias       ‖E g − r‖ / ‖r‖, its square taken over pairs of 20 groups of draws, which has no bias of its own
    deviation  max_i |ḡ_i − r_i| in standard errors of ḡ_i: unbiased estimators stay below 4
    1.1 r      the same against r and a tenth, which shows what the test would see
    variance   Σ_i Var g_i / Σ_i (E g_i)², of one gradient

    python benchmarks/unbiased.py [--draws 40000] [--only shallow deep categories reals] [--names jsa …]
"""

import argparse
import math
import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from machine import describe

from reverie import noise
from reverie.backend import prepare
from reverie.capabilities import posterior_of
from reverie.data import Batch, Leaf, Spec
from reverie.directions import ScoreFunction
from reverie.directions.direction import gradient
from reverie.directions.enumeration import tables, written_out
from reverie.directions.iwae import iw_bound
from reverie.directions.jvi import jackknife
from reverie.directions.renyi import renyi_bound
from reverie.evaluation.gradient_draws import along, ascents, errors_off, warmed
from reverie.evaluation.gradient_lengths import length, squared_bias, squared_norm
from reverie.evaluation.gradient_references import asked_of, enumerated
from reverie.inference import CategoricalPosterior, GaussianPosterior, SigmoidBeliefPosterior
from reverie.learners.target import Target
from reverie.models import VAE, VQVAE, SigmoidBeliefNet
from reverie.parts import parameters
from reverie.samplers import Importance

GROUPS, LEFT, CERTAIN = 20, 8.0, 4.0
GRID = np.linspace(-8.0, 8.0, 49)


class World(NamedTuple):
    """Parts, the rows that gradients are means over, what is known of the data, and all rows where they are few."""

    parts: dict[str, Any]
    batch: Batch
    spec: Spec
    every: Any


class Row(NamedTuple):
    """A line of the table."""

    world: str
    name: str
    part: str
    claim: str
    bias: float
    bias_se: float
    errors: float
    worst: float
    power: float
    variance: float
    size: int
    verdict: str


def scattered(tree, seed, spread):
    """A tree with N(0, `spread`²) added to its numbers."""
    rng = np.random.default_rng(seed)

    def moved(leaf):
        return leaf + jnp.asarray(spread * rng.standard_normal(leaf.shape), leaf.dtype)

    return jax.tree.map(lambda leaf: moved(leaf) if eqx.is_inexact_array(leaf) else leaf, tree)


def filled(model, inference, spec, x, seed, spread=0.7):
    """A world of which no number is zero or symmetric, and whose q(h | x) is wrong."""
    model = scattered(model.init(noise.make_key(seed), spec), seed + 1, spread)
    inference = scattered(inference.init(noise.make_key(seed + 2), spec, model), seed + 3, 0.5)
    x = jnp.asarray(x)
    return World({"model": model, "inference": inference}, Batch(jnp.arange(len(x)), x), spec, None)


def of_bits(model, inference, columns, rows, seed):
    """A world of rows of bits."""
    every = (np.arange(2**columns)[:, None] >> np.arange(columns)) % 2 == 1
    shares = np.linspace(0.3, 0.6, columns)
    leaf = Leaf("binary", columns, mean=tuple(shares), std=tuple(np.sqrt(shares * (1 - shares))))
    return filled(model, inference, Spec({"binary": leaf}), every[rows], seed)._replace(every=jnp.asarray(every))


def worlds():
    """The four worlds."""
    real = Spec({"continuous": Leaf("continuous", 3, mean=(0.2, 0.1, -0.3), std=(1.0, 0.8, 1.2))})
    x = np.array([[0.3, -0.8, 0.5], [1.1, 0.2, -0.4]], np.float32)
    categories = VQVAE(positions=2, levels=3, size=2, hidden=(), width=2)
    return {
        "shallow": of_bits(SigmoidBeliefNet((2,)), SigmoidBeliefPosterior(), 3, [1, 6, 6, 3], 10),
        "deep": of_bits(SigmoidBeliefNet((3, 2)), SigmoidBeliefPosterior(), 4, [1, 6, 11, 12], 20),
        "categories": of_bits(categories, CategoricalPosterior(hidden=()), 3, [1, 6, 6, 3], 30),
        "reals": filled(VAE(latent=1, hidden=(3,), scale=0.7), GaussianPosterior(hidden=()), real, x, 40, 0.4),
    }


# ------------------------------------------------------------------------------------------------- exact gradients


def over_codes(world, target):
    """The exact gradient of a named target, all codes written out."""
    if target.objective != "dreams":
        label = enumerated(target, world.parts)
        direction = asked_of(label, world.parts, None, noise.make_key(0)).learner.direction
        return jax.jit(lambda: along(direction, world.parts, world.batch, {}))()
    codes = world.parts["model"].codes()

    def objective(parts):
        log_p, log_q = jax.vmap(lambda x: tables(parts, codes, x))(world.every)
        return jnp.sum(jax.lax.stop_gradient(jnp.exp(log_p)) * log_q), {}

    return exact(objective, world.parts)


def over_reals(world, count, value, grid=GRID):
    """The exact gradient of E value(log w_1, …, log w_K), h_k ~ q(h | x), by integrals over each h_k."""
    sets, log_tuples = written_out(len(grid), count)
    h, log_step = (jnp.asarray(grid, jnp.float32)[:, None],), math.log(grid[1] - grid[0])

    def objective(parts):
        model, posterior = parts["model"], posterior_of(parts)

        def one(x):
            log_p = jax.vmap(lambda h: model.log_joint(x, h))(h)
            log_q = jax.vmap(lambda h: posterior.log_prob(h, x))(h)
            chance = jnp.exp(log_tuples + jnp.sum((log_q + log_step)[sets], axis=1))
            return jnp.sum(chance * jax.vmap(value)((log_p - log_q)[sets]))

        return jnp.mean(jax.vmap(one)(world.batch.x)), {}

    return exact(objective, world.parts)


def exact(objective, parts):
    """The gradient of an objective for θ and φ."""
    run = eqx.filter_jit(lambda parts: gradient(objective, parts, ("model", "inference"))[0].along)
    return {name: parameters(value) for name, value in run(parts).items()}


# ------------------------------------------------------------------------------------------------------- estimators

RELAXED = tuple(f"gumbel:temperature={heat}:floor={heat}" for heat in (2, 1, 0.5, 0.2))
SCORES = ("reinforce", "reinforce:samples=4:baseline=others", "muprop", "rebar", "relax")
CODES = (*SCORES, "vimco:k=3", "rws:k=3", "wake-sleep", "jsa", *RELAXED, "gumbel:temperature=1:floor=1:hard=true")
DISCRETE = {
    "shallow": (*CODES, "arm", "arm:form=disarm", "rws:k=3:wake-phi=false:sleep-phi=true", "straight-through"),
    "deep": (*CODES, "arm", "arm:form=disarm", "straight-through"),
    "categories": (*CODES, "straight-through"),
}
# Objectives of their own: K, and what E is taken of.
OWN = {
    "jvi:k=3": (3, lambda log_w: jackknife(log_w, 1)),
    "jvi:k=3:order=2": (3, lambda log_w: jackknife(log_w, 2)),
    "ciwae:k=3:beta=0.3": (3, lambda log_w: 0.3 * jnp.mean(log_w) + 0.7 * iw_bound(log_w)),
    "renyi:k=3:alpha=0.5": (3, lambda log_w: renyi_bound(log_w, 0.5)),
    "renyi:k=3:alpha=2": (3, lambda log_w: renyi_bound(log_w, 2.0)),
    "renyi:k=3:alpha=-1": (3, lambda log_w: renyi_bound(log_w, -1.0)),
}
REALS = ("elbo", "elbo:kl=sampled", "elbo:gradient=path", "reinforce", "iwae:k=3", "dreg:k=3", "vimco:k=3", "rws:k=3")
GROUPED = ("miwae:m=2:k=2", "piwae:m=2:k=2")


def drawn(words, world, draws):
    """A learner, its gradients in a world, what its direction remembered, and its name.

    What it moves beside the two parts has been learned.
    """
    one = asked_of(words, world.parts, world.spec, noise.make_key(1))
    learner, memory = one.learner, None
    others = [name for name in one.parts if name not in ("model", "inference")]
    parts = one.parts | {name: scattered(one.parts[name], 3, 0.2) for name in others}
    if others:
        parts, memory = warmed(learner.sampler, learner.direction, parts, world.batch)
    chain = any(target.claim == "asymptotic" for target in learner.target.values())
    settle = settling(world, learner.options["moves"]) if chain else 0
    draws = draws // 4 if chain else draws
    given = ascents(learner.sampler, learner.direction, parts, world.batch, draws, settle=settle, memory=memory)
    return learner, given, memory, f"{words} after {settle} draws" if chain else words


def settling(world, moves):
    """Draws of a chain of independent proposals after which e⁻⁸ of where it began is left, for each row."""
    codes = world.parts["model"].codes()
    log_p, log_q = jax.jit(lambda: jax.vmap(lambda x: tables(world.parts, codes, x))(world.batch.x))()
    heaviest = float(jnp.max(jnp.exp(jax.nn.log_softmax(log_p, axis=1) - log_q)))
    return math.ceil(-LEFT / math.log1p(-1.0 / heaviest) / moves)


def numbers(tree):
    """Gradients as one matrix, [draws, numbers]."""
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(tree)]
    return np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)


def measured(world, name, part, claim, given, truth):
    """A line from the gradients of one part and the exact one."""
    g, r = numbers(given), np.asarray(ravel_pytree(truth)[0], np.float64)
    means = np.stack([group.mean(0) for group in np.array_split(g, GROUPS)])
    square, se = squared_bias(means, r[None])
    bias, bias_se = length(square, se)
    of = float(np.linalg.norm(r))
    mean = length(*squared_norm(means))[0]
    worst, power = errors_off(g, r), errors_off(g, 1.1 * r)
    if claim.startswith(("biased", "scaled")):
        seen = worst >= CERTAIN
        verdict = f"{claim.split()[0]}, as documented" if seen else f"documented as {claim.split()[0]}; none seen here"
    else:
        verdict = "holds to four standard errors" if worst < CERTAIN else "DOES NOT HOLD"
    variance = g.var(0).sum() / mean**2 if mean > 0 else math.inf
    return Row(world, name, part, claim, bias / of, bias_se / of, square / se, worst, power, variance, r.size, verdict)


def discrete(worlds, wanted, names, draws):
    """Every line about codes that are few."""
    for place, estimators in DISCRETE.items():
        if place not in wanted:
            continue
        world, known = worlds[place], {}
        for words in (*estimators, "nvil"):
            if names and words not in names:
                continue
            learner, given, memory, name = drawn(words, world, draws)
            for part, target in learner.target.items():
                if target[:2] not in known:
                    known[target[:2]] = over_codes(world, target)
                truth = known[target[:2]][part]
                yield measured(place, name, part, f"{target.claim} for the {target.words}", given[part], truth)
            if words == "nvil":
                scale = np.maximum(1.0, np.sqrt(memory.variance))
                layers = zip(given["inference"].layers, scale, strict=True)
                plain = [jax.tree.map(lambda leaf, by=by: by * leaf, layer) for layer, by in layers]
                name = f"nvil times its scales {', '.join(f'{by:.2f}' for by in scale)}"
                truth = known["elbo", 1]["inference"].layers
                yield measured(place, name, "inference", "unbiased for the elbo", plain, list(truth))


def reals(world, draws):
    """Every line about a code that is real."""
    known = {}

    def truth(key, count, value):
        if key not in known:
            known[key] = over_reals(world, count, value)
        return known[key]

    for words in (*REALS, *GROUPED):
        learner, given, _, _ = drawn(words, world, draws)
        for part, target in learner.target.items():
            inclusive = target.objective == "likelihood"
            r = posterior_slopes(world) if inclusive else truth(target.k, target.k, iw_bound)
            yield measured("reals", words, part, f"{target.claim} for the {target.words}", given[part], r[part])
    for words, (count, value) in OWN.items():
        given = drawn(words, world, draws)[1]
        for part, r in truth(words, count, value).items():
            yield measured("reals", words, part, "unbiased for its own mean", given[part], r)


def posterior_slopes(world, grid=GRID):
    """∇_φ E_{p(h|x)} log q(h | x), the integrals over h written out."""
    h = (jnp.asarray(grid, jnp.float32)[:, None],)

    def objective(parts):
        model, posterior = parts["model"], posterior_of(parts)

        def one(x):
            log_p = jax.lax.stop_gradient(jax.vmap(lambda h: model.log_joint(x, h))(h))
            return jnp.sum(jax.nn.softmax(log_p) * jax.vmap(lambda h: posterior.log_prob(h, x))(h))

        return jnp.mean(jax.vmap(one)(world.batch.x)), {}

    return exact(objective, world.parts)


def apart(worlds, wanted, draws):
    """VIMCO's θ beside equal weights on the same number of codes, each against either gradient."""
    for place in ("shallow", "deep"):
        if place not in wanted:
            continue
        world = worlds[place]
        bound, elbo = (over_codes(world, Target(*one))["model"] for one in (("bound", 3), ("elbo",)))
        ours = drawn("vimco:k=3", world, draws)[1]["model"]
        equal = ascents(Importance(3), ScoreFunction(), world.parts, world.batch, draws)["model"]
        for name, given in (("weights w̄ₖ (ours)", ours), ("equal weights 1/K", equal)):
            for against, truth in (("bound of 3", bound), ("elbo", elbo)):
                yield against, measured(place, name, "model", "unbiased", given, truth)


def percent(value, error, errors):
    """A relative bias, or what it lies below."""
    if errors < CERTAIN:
        return f"< {100 * (value + error):.2g} %"
    return f"{100 * value:.3g} ± {100 * error:.1g} %"


def shown(row):
    """A line in Markdown."""
    part = "θ" if row.part == "model" else "φ"
    cells = (row.world, f"`{row.name}`", part, row.claim, percent(row.bias, row.bias_se, row.errors))
    return " | ".join((*cells, f"{row.worst:.1f}", f"{row.power:.0f}", f"{row.variance:.3g}", row.verdict))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=40_000, help="gradients of each estimator")
    parser.add_argument("--only", nargs="+", default=["shallow", "deep", "categories", "reals"], help="which worlds")
    parser.add_argument("--names", nargs="+", default=[], help="which estimators of codes; all of them when not given")
    given = parser.parse_args()
    prepare()
    began, found, rows = time.perf_counter(), worlds(), []
    print(f"{describe()}. Seeds are fixed; {given.draws:,} gradients of each estimator.\n")
    print("| model | estimator | of | claims to be | bias | deviation | at 1.1 r | variance | verdict |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in discrete(found, given.only, given.names, given.draws):
        rows.append(row)
        print(f"| {shown(row)} |", flush=True)
    for row in reals(found["reals"], given.draws) if "reals" in given.only else ():
        rows.append(row)
        print(f"| {shown(row)} |", flush=True)
    print("\n| model | weights of θ's gradient | against the | bias | deviation |\n| --- | --- | --- | --- | --- |")
    for against, row in apart(found, given.only, given.draws):
        cells = (row.world, row.name, against, percent(row.bias, row.bias_se, row.errors), f"{row.worst:.1f}")
        print(f"| {' | '.join(cells)} |", flush=True)
    claimed = [row for row in rows if row.claim.startswith(("unbiased", "asymptotic"))]
    count = sum(row.size for row in claimed)
    chance = math.erfc(CERTAIN / math.sqrt(2))
    off = sum(row.worst >= CERTAIN for row in claimed)
    print(
        f"\n{len(claimed)} lines claim to be unbiased or asymptotically so, with {count:,} numbers in all. {off} of the"
    )
    print(
        f"lines lie four standard errors off in some number; chance alone would put {count * chance:.2f} numbers there."
    )
    print(f"The largest deviation is {max((row.worst for row in claimed), default=0.0):.2f}.")
    if "reals" in given.only:
        thin, full = (over_reals(found["reals"], 3, iw_bound, np.linspace(-8, 8, n)) for n in (33, 49))
        off = np.linalg.norm(ravel_pytree(thin)[0] - ravel_pytree(full)[0]) / np.linalg.norm(ravel_pytree(full)[0])
        print(f"Integrals on a grid of 33 points in place of 49 differ by {off:.1e} of their length.")
    print(f"{time.perf_counter() - began:.0f} seconds.")


if __name__ == "__main__":
    main()
