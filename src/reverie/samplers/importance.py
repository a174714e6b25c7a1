"""Independent codes from the inference model, weighted towards the posterior."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Codes, Draw, Sampler, Tick


def propose(key: Key[Array, ""], parts: Parts, x: PyTree, count: int) -> PyTree:
    """`count` codes for each row of a batch: h ~ q(· | x), arrays [count, batch, …]."""
    keys = jax.random.split(key, (count, jax.tree.leaves(x)[0].shape[0]))
    draw = jax.vmap(jax.vmap(parts["inference"].sample), in_axes=(0, None))
    return draw(keys, x)


def log_weights(parts: Parts, h: PyTree, x: PyTree) -> Array:
    """log w = log p(x, h) − log q(h | x) for codes [count, batch, …] (Ou 2019, Eq. 18)."""

    def one(code: PyTree, row: PyTree) -> Array:
        return parts["model"].log_joint(row, code) - parts["inference"].log_prob(code, row)

    return jax.vmap(jax.vmap(one), in_axes=(0, None))(h, x)


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
        h = propose(tick.key, parts, batch.x, self.count)
        log_w = log_weights(parts, h, batch.x)
        weight = jax.nn.softmax(log_w, axis=0)
        bound = jnp.mean(jax.nn.logsumexp(log_w, axis=0)) - jnp.log(float(self.count))
        info = {"iw_bound": bound, "ess": jnp.mean(1.0 / jnp.sum(jnp.square(weight), axis=0))}
        return {"codes": Codes(h, weight, log_w)}, chain, info
