"""How tests measure: means in standard errors, draws against probabilities, directions against exact gradients."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from reverie import noise
from reverie.parts import parameters
from reverie.samplers import Tick


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


def tick(seed: int = 0, step: int = 0) -> Tick:
    """The time of one draw."""
    return Tick(noise.make_key(seed), jnp.asarray(step))


def along(direction: Any, parts: Any, batch: Any, draw: Any, key: Any = None) -> dict[str, Any]:
    """The direction's ascent for each moved part, as arrays; for directions that remember nothing."""
    key = noise.make_key(0) if key is None else key
    memory = direction.init(key, parts)
    ascent, _, _ = direction.ascend(Tick(key, jnp.asarray(0)), parts, batch, draw, memory)
    return {name: parameters(value) for name, value in ascent.along.items()}


def ascents(sampler: Any, direction: Any, parts: Any, batch: Any, count: int = 4000) -> dict[str, Any]:
    """The ascents of fresh draws, [count, …], for samplers of which nothing persists."""

    def one(key: Any) -> dict[str, Any]:
        key_draw, key_ascend = jax.random.split(key)
        draw, _, _ = sampler.draw(Tick(key_draw, jnp.asarray(0)), parts, batch, None)
        return along(direction, parts, batch, draw, key_ascend)

    return draws(one, count)


def gradient(objective: Any, parts: Any, name: str) -> Any:
    """The exact gradient of an objective of the parts for one of them."""

    def of_one(part: Any) -> Any:
        return objective(parts | {name: part})

    return parameters(eqx.filter_jit(eqx.filter_grad(of_one))(parts[name]))


def label(value: Any) -> str:
    """The name of a case: of a function its own, since its address differs from process to process."""
    return str(getattr(value, "__name__", value))
