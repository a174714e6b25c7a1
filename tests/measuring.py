"""How tests measure: means in standard errors, draws against probabilities, directions against exact gradients."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats

from reverie import noise
from reverie.evaluation.gradient_draws import along as along
from reverie.evaluation.gradient_draws import ascents as ascents
from reverie.evaluation.gradient_draws import errors_off as errors_off
from reverie.parts import parameters
from reverie.samplers import Tick


def draws(function: Any, count: int, seed: int = 11) -> Any:
    """A function of one key at `count` keys, in one compiled call."""
    return jax.jit(jax.vmap(function))(jax.random.split(noise.make_key(seed), count))


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


def gradient(objective: Any, parts: Any, name: str) -> Any:
    """The exact gradient of an objective of the parts for one of them."""

    def of_one(part: Any) -> Any:
        return objective(parts | {name: part})

    return parameters(eqx.filter_jit(eqx.filter_grad(of_one))(parts[name]))


def label(value: Any) -> str:
    """The name of a case: of a function its own, since its address differs from process to process."""
    return str(getattr(value, "__name__", value))
