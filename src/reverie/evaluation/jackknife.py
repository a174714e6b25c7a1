"""The log-likelihood by the jackknifed importance-weighted bound (Nowozin 2018, §4 and Table 1).

The bias of the K-sample bound is −a/K + O(1/K²); the jackknife of order m leaves one of order K^−(m + 1). What it
gives is no bound. For weights skewed to the right, the usual ones, it still lies below the log-likelihood on
average, and nothing but the growth of its value with K and m says so for the rows at hand.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasLogJoint, Proposes, posterior_of
from reverie.data import Measure
from reverie.directions.jvi import jackknife
from reverie.errors import InputError
from reverie.estimate import Estimate, mean_of
from reverie.evaluation.chunks import count_rows
from reverie.evaluation.weights import Weighed, weigh
from reverie.parts import Parts

ORDERS = (0, 1, 2)
MOST_SAMPLES = 200
"""The second order sums over K³ weights a row."""


@jax.jit
def _every_order(log_w: Array) -> Array:
    """The bound and its jackknives, [rows, orders]."""
    return jax.lax.map(lambda row: jnp.stack([jackknife(row, order) for order in ORDERS]), log_w)


def jackknifed(
    parts: Parts, measure: Measure, raw: PyTree, key: Key[Array, ""], *, samples: int = 50
) -> tuple[Estimate, ...] | None:
    """The mean over rows of the K-sample bound and of its jackknives of orders 1 and 2, in nats a row, in raw space.

    All three are of the same codes. `None` where the parts give no codes that can be weighed.

    Args:
        parts: the filled parts: a model that `HasLogJoint`, and an inference model that `Proposes`.
        measure: how a raw row becomes the model's.
        raw: an array [n, columns], or a dict of them by kind.
        key: of the codes, and of the noise of a random measure.
        samples: K, from 3 to `MOST_SAMPLES`.
    """
    model, posterior = parts["model"], posterior_of(parts) if "inference" in parts else None
    if not (isinstance(model, HasLogJoint) and isinstance(posterior, Proposes)):
        return None
    if not len(ORDERS) <= samples <= MOST_SAMPLES:
        raise InputError(f"the jackknife needs from {len(ORDERS)} to {MOST_SAMPLES} samples, not {samples}")
    raw = jax.tree.map(np.asarray, raw)
    if not jax.tree.leaves(raw) or not count_rows(raw):
        raise InputError("there are no rows to evaluate")

    def reduce(codes: Weighed) -> np.ndarray:
        top = codes.log_weight.max(axis=1, keepdims=True)
        # Centred: differences of bounds times K² must not drown in the rounding of log p.
        return np.asarray(_every_order(jnp.asarray(codes.log_weight - top, jnp.float32)), np.float64) + top

    values = weigh(model, posterior, measure, raw, key, samples, reduce)
    bound = mean_of(values[:, 0], "lower bound")
    warnings = ("a jackknifed bound is no bound",)
    return bound, *(mean_of(values[:, order], "pessimistic", warnings=warnings) for order in ORDERS[1:])
