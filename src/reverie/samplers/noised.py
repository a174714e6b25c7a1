"""Rows with noise on them, at random times."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie import noise
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Draw, Sampler, Tick


class Noised(NamedTuple):
    """For each row a time, the noise, the noisy row, and its label: −1 where it has none or it was dropped."""

    t: Array
    noise: Array
    z: Array
    y: Array


class NoisedData(Sampler):
    """t, ε ~ N(0, I) and z_t = α(t) x̄ + σ(t) ε for each row; labels are dropped at random.

    The times of a batch are one uniform draw and its shifts by 1/batch, so that each is uniform and together they are
    spread evenly (Kingma, Salimans, Poole & Ho 2021, App. I.1). Exact.

    Args:
        dropout: the probability that a label is dropped, so that the network learns rows of any class too.

    Example:
        >>> from reverie.samplers import NoisedData
        >>> NoisedData(dropout=0.1).gives
        ('noised',)

    Reference: Ho, Jain & Abbeel 2020, Alg. 1, lines 2–4; Ho & Salimans 2022, Alg. 1, line 3, for the labels.
    """

    gives = ("noised",)
    exactness = "exact"
    dropout: float = 0.0

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Fresh times and noise."""
        model, rows = parts["model"], batch.index.shape[0]
        key_time, key_noise, key_drop = jax.random.split(tick.key, 3)
        share = (noise.uniform(key_time) + jnp.arange(rows) / rows) % 1.0
        t = jax.vmap(model.time_at)(share)
        epsilon = jax.vmap(model.noise)(jax.random.split(key_noise, rows))
        y = jnp.full(rows, -1, jnp.int32) if batch.y is None else batch.y
        y = jnp.where(noise.uniform(key_drop, (rows,)) < self.dropout, -1, y)
        return {"noised": Noised(t, epsilon, jax.vmap(model.noised)(batch.x, t, epsilon), y)}, chain, {}
