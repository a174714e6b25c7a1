"""Independent codes from the inference model, weighted towards the posterior."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Codes, Draw, Sampler, Tick


def log_joints(model: Any, h: PyTree, x: PyTree) -> Array:
    """log p(x, h) of codes [count, batch, …] of the rows of a batch, [count, batch]."""
    return of_codes(model.log_joint, h, x)


def of_codes(function: Callable[[PyTree, PyTree], Array], h: PyTree, x: PyTree) -> Array:
    """A function of a row and a code at codes [count, batch, …] of the rows of a batch, [count, batch, …].

    Codes are laid end to end, each with its row: over one leading axis in place of two XLA need not turn the factors
    of a gradient's matrix product around in memory. Who draws and who ascends should both ask here: what both compute,
    XLA then computes once, if the barrier keeps it from moving the reshaping to different places first.
    """
    count, size = jax.tree.leaves(h)[0].shape[:2]
    codes = jax.tree.map(lambda leaf: leaf.reshape(count * size, *leaf.shape[2:]), h)
    codes = jax.lax.optimization_barrier(codes)
    rows = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)).reshape(-1, *leaf.shape[1:]), x)
    values = jax.vmap(function)(rows, codes)
    return values.reshape(count, size, *values.shape[1:])


def propose(key: Key[Array, ""], parts: Parts, x: PyTree, count: int) -> tuple[PyTree, Array]:
    """`count` codes h ~ q(· | x) for each row of a batch, [count, batch, …], and their log q̂, [count, batch]."""
    keys = jax.random.split(key, (count, jax.tree.leaves(x)[0].shape[0]))
    return jax.vmap(jax.vmap(posterior_of(parts).propose), in_axes=(0, None))(keys, x)


class Importance(Sampler):
    """Self-normalised importance sampling of p(h | x) with q(h | x) as the proposal.

        h_k ~ q(h | x),    w_k = p(x, h_k) / q(h_k | x),    w̄_k = w_k / Σ_j w_j             (Ou 2019, Eq. 17–18)

    A sum Σ_k w̄_k f(h_k) is biased for E_{p(h|x)} f by O(1/count); with `count` = 1 the weight is 1 and the draw is
    exactly one of q.

    Args:
        count: K, codes for each row.

    Example:
        >>> from reverie.samplers import Importance
        >>> Importance(count=5).gives
        ('codes',)
    """

    gives = ("codes",)
    exactness = "biased"
    count: int

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Codes and their normalised weights."""
        h, log_q = propose(tick.key, parts, batch.x, self.count)
        log_w = log_joints(parts["model"], h, batch.x) - log_q
        weight = jax.nn.softmax(log_w, axis=0)
        bound = jnp.mean(jax.nn.logsumexp(log_w, axis=0)) - jnp.log(float(self.count))
        info = {"iw_bound": bound, "ess": jnp.mean(1.0 / jnp.sum(jnp.square(weight), axis=0))}
        return {"codes": Codes(h, weight, log_w)}, chain, info
