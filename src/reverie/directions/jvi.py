"""Jackknife variational inference: the importance-weighted bound with its bias taken off."""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.iwae import iw_bound, log_weights
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def jackknife(log_w: Float[Array, " K"], order: int) -> Float[Array, ""]:
    """The jackknifed bound of one row's log weights.

        Σ_{j=0}^m (−1)^j (K − j)^m / ((m − j)! j!) L̄_{K−j},   L̄_{K−j}: the mean of the bound over subsets of K − j

    Args:
        log_w: log w_1, …, log w_K.
        order: m, 0 (the bound itself), 1 or 2; the cost grows as K^(m + 1).
    """
    count = log_w.shape[0]
    if not 0 <= order <= 2:
        raise InputError(f"the jackknife is of order 0, 1 or 2, not {order}")
    if count <= order:
        raise InputError(f"a jackknife of order {order} needs more than {order} samples, not {count}")
    means = [iw_bound(log_w), *(_mean_without(log_w, left) for left in range(1, order + 1))]
    coefficients = [
        (-1) ** j * (count - j) ** order / (math.factorial(order - j) * math.factorial(j)) for j in range(order + 1)
    ]
    # The coefficients add up to one and are as large as K^m: only differences from the bound may meet them.
    terms = [factor * (mean - means[0]) for factor, mean in zip(coefficients[1:], means[1:], strict=True)]
    return means[0] + sum(terms, start=jnp.zeros(()))


def _mean_without(log_w: Array, left: int) -> Array:
    """The mean of the bound over all ways to leave out so many weights (1 or 2)."""
    count = log_w.shape[0]
    outside = jnp.where(jnp.eye(count, dtype=bool), -jnp.inf, log_w[None])
    if left == 1:
        return jnp.mean(jax.nn.logsumexp(outside, axis=1)) - math.log(count - 1)
    # log Σ without i and j for all i, j; those with i = j leave out one only and are not counted.
    pairs = jnp.where(jnp.eye(count, dtype=bool)[None], -jnp.inf, outside[:, None])
    totals = jnp.where(jnp.eye(count, dtype=bool), 0.0, jax.nn.logsumexp(pairs, axis=2))
    return jnp.sum(totals) / (count * (count - 1)) - math.log(count - 2)


class JackknifeBound(Direction):
    """∇ of E_ε of the jackknifed K-sample bound of order m, at h_k = h_φ(x, ε_k).

    The bias of the K-sample bound, −a/K + O(1/K²), becomes one of order K^−(m+1); what comes out is no bound any
    more, and varies more. Unbiased for the gradient of its own mean.

    Args:
        order: m, 0, 1 or 2; 0 is the bound itself.

    Example:
        >>> from reverie.directions import JackknifeBound
        >>> JackknifeBound(1).order
        1

    Reference: Nowozin 2018, *Debiasing evidence approximations: on importance-weighted autoencoders and jackknife
    variational inference*, §4.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    order: int = 1

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_w = log_weights(parts, draw["noise"], batch.x)
            value = jnp.mean(jax.vmap(lambda row: jackknife(row, self.order), in_axes=1)(log_w))
            return value, {"jackknife": value, "iw_bound": jnp.mean(iw_bound(log_w))}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
