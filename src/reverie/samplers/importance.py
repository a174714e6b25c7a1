"""Independent codes from the inference model, weighted towards the posterior."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Codes, Draw, Sampler, Tick


def propose(key: Key[Array, ""], parts: Parts, x: PyTree, count: int) -> tuple[PyTree, Array]:
    """`count` codes h ~ q(· | x) for each row of a batch, [count, batch, …], and their log w, [count, batch].

    log w = log p(x, h) − log q(h | x)                                                        (Ou 2019, Eq. 18)
    """
    posterior = posterior_of(parts)

    def one(key: Array, row: PyTree) -> tuple[PyTree, Array]:
        code, log_q = posterior.propose(key, row)
        return code, parts["model"].log_joint(row, code) - log_q

    keys = jax.random.split(key, (count, jax.tree.leaves(x)[0].shape[0]))
    return jax.vmap(jax.vmap(one), in_axes=(0, None))(keys, x)


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
        h, log_w = propose(tick.key, parts, batch.x, self.count)
        weight = jax.nn.softmax(log_w, axis=0)
        bound = jnp.mean(jax.nn.logsumexp(log_w, axis=0)) - jnp.log(float(self.count))
        info = {"iw_bound": bound, "ess": jnp.mean(1.0 / jnp.sum(jnp.square(weight), axis=0))}
        return {"codes": Codes(h, weight, log_w)}, chain, info
