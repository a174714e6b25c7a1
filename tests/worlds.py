"""Tiny data sets and models: few enough states to enumerate, few enough numbers to compile fast."""

import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from reverie import noise
from reverie.data import Identity, Leaf, Measure, Rows, Spec
from reverie.learners import Learner
from reverie.loop import Loop
from reverie.models import MODELS
from reverie.pairing import check, fill, make_learner, make_part, shapes_of

# Options that make a unit small. A unit without a row is taken at its defaults: slower, never left out.
TINY: dict[str, dict[str, Any]] = {
    "vae": {"latent": 2, "hidden": (5,)},
    "sbn": {"sizes": (3, 2)},
    "made": {"hidden": (6,), "orders": 2},
    "realnvp": {"layers": 2, "width": 4},
    "generator": {"latent": 2, "hidden": (4,)},
    "rbm": {"hidden": 3},
    "gaussian-mixture": {"count": 2},
}


class World(NamedTuple):
    """Data as the loop takes them, and what a model may know of them."""

    rows: Rows
    measure: Measure
    spec: Spec


def rows_of(raw: Any) -> Rows:
    """Rows without labels."""
    count = len(next(iter(raw.values())) if isinstance(raw, dict) else raw)
    return Rows(raw, None, None, np.arange(count))


def binary(rows: int = 24, columns: int = 4, seed: int = 0) -> World:
    """Bits of unequal frequencies, the second leaning on the first."""
    rng = np.random.default_rng(seed)
    raw = rng.random((rows, columns)) < np.linspace(0.2, 0.7, columns)
    raw[:, 1] |= raw[:, 0] & (rng.random(rows) < 0.7)
    leaf = Leaf("binary", columns, mean=tuple(raw.mean(0).tolist()), std=tuple(raw.std(0).tolist()))
    return World(rows_of(raw), Identity("binary"), Spec({"binary": leaf}))


def continuous(rows: int = 24, columns: int = 3, seed: int = 0) -> World:
    """Skewed real columns on unequal scales."""
    raw = (np.random.default_rng(seed).gamma(2.0, size=(rows, columns)) * (1 + np.arange(columns))).astype(np.float32)
    leaf = Leaf("continuous", columns, mean=tuple(raw.mean(0).tolist()), std=tuple(raw.std(0).tolist()))
    return World(rows_of(raw), Identity("continuous"), Spec({"continuous": leaf}))


BINARY, CONTINUOUS = binary(), continuous()

# One leaf of each kind; the second categorical column has two levels only.
MIXED = Spec(
    {
        "binary": Leaf("binary", 2, mean=(0.3, 0.6), std=(0.46, 0.49)),
        "categorical": Leaf("categorical", 2, levels=3, counts=(3, 2)),
        "continuous": Leaf("continuous", 2, mean=(1.0, -2.0), std=(0.5, 2.0)),
    }
)


def world_for(model: Any) -> World:
    """The first tiny data set that suits a model."""
    return next(world for world in (BINARY, CONTINUOUS) if model.unsuited(world.spec) is None)


def states(bits: int) -> np.ndarray:
    """Every vector of so many bits: bool [2^bits, bits]."""
    return np.array(list(itertools.product((False, True), repeat=bits)), bool).reshape(-1, bits)


def place(x: Any) -> np.ndarray:
    """The row of `states` that each vector of bits is."""
    x = np.asarray(x)
    return x @ (1 << np.arange(x.shape[-1])[::-1])


def blank(model: str) -> Any:
    """A tiny model by name, without arrays."""
    return make_part("model", model, TINY.get(model, {}))


def made(model: Any, spec: Spec, seed: int = 3, spread: float = 0.0) -> Any:
    """A model filled for data, with N(0, `spread`²) added to every number so that nothing is zero or symmetric."""
    filled = model.init(noise.make_key(seed), spec)
    return scattered(filled, seed + 1, spread) if spread else filled


def scattered(tree: Any, seed: int, spread: float) -> Any:
    """A tree with N(0, `spread`²) added to its floating-point leaves."""
    rng = np.random.default_rng(seed)

    def one(leaf: Any) -> Any:
        if not (isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jnp.floating)):
            return leaf
        return leaf + jnp.asarray(spread * rng.standard_normal(leaf.shape), leaf.dtype)

    return jax.tree.map(one, tree)


def loop_for(model: str, learner: str | Learner, *, seed: int = 0, batch: int = 8, **settings: Any) -> Loop:
    """The loop of a pair on its tiny data set."""
    world = world_for(blank(model))
    made = make_learner(learner) if isinstance(learner, str) else learner
    size = None if made.batch is None else batch
    return Loop(made, world.rows, world.measure, noise.make_key(seed), batch=size, **settings)


def parts_for(model: str, learner: str | Learner, seed: int = 1) -> dict[str, Any]:
    """The filled parts of a pair."""
    made = make_learner(learner) if isinstance(learner, str) else learner
    return fill(check(blank(model), made), noise.make_key(seed), world_for(blank(model)).spec)


def shapes_for(model: str, learner: str) -> dict[str, Any]:
    """The filled parts of a pair as shapes, without arithmetic."""
    blanks = check(blank(model), make_learner(learner))
    return shapes_of(blanks, noise.make_key(0), world_for(blanks["model"]).spec)


def models_with(*capabilities: type) -> list[str]:
    """The names of the models that have all these capabilities."""
    return [name for name, cls in MODELS.items() if all(issubclass(cls, one) for one in capabilities)]


def draws(function: Any, count: int, seed: int = 11) -> Any:
    """A function of one key at `count` keys, in one compiled call."""
    return jax.jit(jax.vmap(function))(jax.random.split(noise.make_key(seed), count))


def errors_off(samples: Any, truth: Any) -> float:
    """How many standard errors the means of samples [count, …] lie from the truth, at worst, over a tree's numbers."""
    worst = 0.0
    for values, expected in zip(jax.tree.leaves(samples), jax.tree.leaves(truth), strict=True):
        values, expected = np.asarray(values, np.float64), np.asarray(expected, np.float64)
        gap = np.abs(values.mean(0) - expected)
        se = values.std(0, ddof=1) / np.sqrt(len(values))
        # Numbers that never vary, such as masked weights, must agree but for rounding.
        off = np.where(se > 1e-7, gap / np.maximum(se, 1e-7), np.where(gap < 1e-5, 0.0, np.inf))
        worst = max(worst, float(off.max(initial=0.0)))
    return worst


def surprise(places: Any, log_prob: Any) -> float:
    """The p-value of a chi-square test that draws, given by place, follow exp(log_prob); rare places are pooled."""
    expected = np.exp(np.asarray(log_prob, np.float64))
    assert abs(expected.sum() - 1.0) < 1e-4
    observed = np.bincount(np.asarray(places), minlength=expected.size).astype(float)
    expected = expected / expected.sum() * observed.sum()
    rare = expected < 10.0
    cells = [observed[~rare], expected[~rare]]
    if rare.any():
        cells = [np.append(cell, whole[rare].sum()) for cell, whole in zip(cells, (observed, expected), strict=True)]
    return float(scipy.stats.chisquare(*cells).pvalue)
