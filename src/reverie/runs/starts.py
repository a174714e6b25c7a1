"""Rows as states from which chains come back when log Z is annealed."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from reverie import noise
from reverie.capabilities import HasPotentialBound
from reverie.data import Measure, Rows, to_model_rows

STARTS = 2000
"""Rows that are taken, the first."""


def states_of(model: Any, measure: Measure, rows: Rows, seed: int) -> PyTree:
    """Rows as the model sees them, with what it makes of them higher up where its state is larger than x."""
    x = jax.tree.map(jnp.asarray, to_model_rows(measure, rows[:STARTS].raw, seed))
    if not isinstance(model, HasPotentialBound):
        return x
    keys = jax.random.split(noise.make_key(seed), len(jax.tree.leaves(x)[0]))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(model.state_of))(keys, x))
