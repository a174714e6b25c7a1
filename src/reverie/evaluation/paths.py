"""The paths that codes take between the prior and the posterior of one row, forward and back.

Chains go through p_β(h) ∝ p(h) p(x | h)^β at β_0 = 0, …, β_T = 1 by the moves of `reverie.evaluation.moves`:

    forward   h_0 ~ p(h);  for k = 1 … T:  log w += (β_k − β_{k−1}) log p(x | h_{k−1});  h_k from h_{k−1} at β_k
    back      h_T exact;   for k = T … 1:  h_{k−1} from h_k at β_k, reversed;  log w += the same with that h_{k−1}

Step sizes come from pilots: chains of their own that go the same way first and whose step is moved towards a rate of
acceptance. A chain that is weighed therefore moves by kernels that do not depend on it, as the expectations of w and of
1/w require. β_k is a sigmoid of k, slow at both ends.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.data import Measure
from reverie.evaluation.chunks import seen
from reverie.evaluation.moves import move

PILOTS, SETTLE, FIRST_STEP, TARGET, GAIN = 8, 20, 0.5, 0.8, 0.3
"""Chains that find step sizes, moves that they settle for, the step and the acceptance that they begin and aim at."""
STEEP = 4.0
"""Of the sigmoid."""


def schedule(temperatures: int) -> np.ndarray:
    """β_0 = 0, …, β_T = 1: a sigmoid of k / T."""
    curve = 1.0 / (1.0 + np.exp(-STEEP * np.linspace(-1.0, 1.0, temperatures + 1)))
    return ((curve - curve[0]) / (curve[-1] - curve[0])).astype(np.float32)


class Path(NamedTuple):
    """A row, and how its chains are moved."""

    model: Any
    x: PyTree
    leaps: int

    def moved(self, key: Key[Array, ""], h: PyTree, beta: Array, step: Array, *, back: bool = False) -> Any:
        """All chains once, at β."""

        def density(h: PyTree) -> Array:
            return self.model.log_prior(h) + beta * self.model.log_likelihood(self.x, h)

        keys = jax.random.split(key, len(jax.tree.leaves(h)[0]))
        latents = self.model.latents
        return jax.vmap(lambda one, h: move(one, h, density, latents, step, self.leaps, backwards=back))(keys, h)

    def fit(self, h: PyTree) -> Array:
        """log p(x | h) of each chain."""
        return jax.vmap(lambda h: self.model.log_likelihood(self.x, h))(h)

    def prior(self, key: Key[Array, ""], chains: int) -> PyTree:
        """Codes of the prior."""
        return jax.vmap(lambda one: self.model.sample_joint(one)[1])(jax.random.split(key, chains))

    def steps(self, key: Key[Array, ""], betas: Array) -> Array:
        """The step size at each β, found by the pilots on their way."""
        key_prior, key_path = jax.random.split(key)
        betas = jnp.concatenate([jnp.zeros(SETTLE), betas[1:]])

        def one(state: tuple[PyTree, Array], k: Array) -> tuple[tuple[PyTree, Array], Array]:
            h, log_step = state
            moved = self.moved(jax.random.fold_in(key_path, k), h, betas[k], jnp.exp(log_step))
            after = log_step + GAIN * (jnp.mean(moved.acceptance[:, 0]) - TARGET)
            return (moved.h, after), log_step

        if not any(latent.kind == "reals" for latent in self.model.latents):
            return jnp.ones(betas.shape[0] - SETTLE)
        start = (self.prior(key_prior, PILOTS), jnp.log(FIRST_STEP))
        return jnp.exp(jax.lax.scan(one, start, jnp.arange(betas.shape[0]))[1][SETTLE:])

    def forward(self, key: Key[Array, ""], betas: Array, steps: Array, chains: int) -> tuple[Array, Array]:
        """log w of each chain from the prior, and the mean acceptance."""
        key_prior, key_path = jax.random.split(key)

        def one(state: tuple[PyTree, Array, Array], k: Array) -> tuple[tuple[PyTree, Array, Array], None]:
            h, log_w, rates = state
            log_w = log_w + (betas[k + 1] - betas[k]) * self.fit(h)
            moved = self.moved(jax.random.fold_in(key_path, k), h, betas[k + 1], steps[k])
            return (moved.h, log_w, rates + jnp.mean(moved.acceptance, axis=0)), None

        start = (self.prior(key_prior, chains), jnp.zeros(chains), jnp.zeros(2))
        (_, log_w, rates), _ = jax.lax.scan(one, start, jnp.arange(len(steps)))
        return log_w, rates / len(steps)

    def backward(self, key: Key[Array, ""], betas: Array, steps: Array, chains: int, h: PyTree) -> Array:
        """log w of each chain from one exact draw of the posterior to the prior."""

        def one(state: tuple[PyTree, Array], k: Array) -> tuple[tuple[PyTree, Array], None]:
            h, log_w = state
            h = self.moved(jax.random.fold_in(key, k), h, betas[k + 1], steps[k], back=True).h
            return (h, log_w + (betas[k + 1] - betas[k]) * self.fit(h)), None

        start = (jax.tree.map(lambda leaf: jnp.repeat(leaf[None], chains, axis=0), h), jnp.zeros(chains))
        return jax.lax.scan(one, start, jnp.arange(len(steps))[::-1])[0][1]


@eqx.filter_jit
def rows_forward(
    model: Any, measure: Measure, key: Key[Array, ""], betas: Array, chains: int, leaps: int, rows: PyTree
) -> tuple[Array, Array, Array]:
    """Raw rows: log w of chains from the prior, their acceptance, and the measure's correction."""

    def one(words: Array, raw: PyTree) -> tuple[Array, Array, Array]:
        x, correction, key_row = seen(measure, key, words, raw)
        key_pilots, key_chains = jax.random.split(key_row)
        path = Path(model, x, leaps)
        log_w, rates = path.forward(key_chains, betas, path.steps(key_pilots, betas), chains)
        return log_w, rates, correction

    return jax.vmap(one)(*rows)


@eqx.filter_jit
def drawn_both_ways(
    model: Any, key: Key[Array, ""], betas: Array, chains: int, leaps: int, places: Array
) -> tuple[Array, Array, Array]:
    """Rows that the model draws: log w of chains forward, their acceptance, and log w of chains back."""

    def one(place: Array) -> tuple[Array, Array, Array]:
        keys = jax.random.split(jax.random.fold_in(key, place), 4)
        x, h = model.sample_joint(keys[0])
        path = Path(model, x, leaps)
        steps = path.steps(keys[1], betas)
        log_w, rates = path.forward(keys[2], betas, steps, chains)
        return log_w, rates, path.backward(keys[3], betas, steps, chains, h)

    return jax.vmap(one)(places)
