"""The Metropolis independence sampler over the codes of all rows."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PyTree

from reverie import noise
from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.importance import log_joints, propose
from reverie.samplers.sampler import Codes, Draw, Sampler, Tick


class KeptCodes(NamedTuple):
    """The last accepted code of every row, and whether it has one yet."""

    h: PyTree
    visited: Array


class MetropolisIndependence(Sampler):
    """A chain on (h_1, …, h_n), one code for each row, that leaves Π_j p(h_j | x_j) invariant.

    For each row of the batch, `moves` times: propose h ~ q(h | x), accept with probability

        min{1, w(h) / w(h_kept)},    w(h) = p(x, h) / q(h | x)                   (Ou 2019, §3.2.3 and Alg. 5)

    in which the unknown p(x) cancels, because a row is compared with its own kept code only. All the states that the
    chain passes through are given, each candidate weighted by the share of moves that it stood for. Proposals do not
    depend on the chain, so all of them are drawn and weighed at once, and only the accepting is sequential. The kept
    code's weight is computed anew at each visit, since the parameters have moved. A row's first proposal is accepted.

    While q is far from the posterior, and with parameters that move, a code that was lucky once may be kept for good:
    p and q then learn that code, and nothing replaces it. So codes may be kept from a later step on only (Ou & Song
    2020 keep them after 600 of 1,000 epochs). Until then each visit begins with a fresh code, and is biased.

    Args:
        moves: proposals for each row and step.
        cache_after: the step from which a row begins with its kept code.

    Example:
        >>> from reverie.samplers import MetropolisIndependence
        >>> MetropolisIndependence(moves=5).exactness
        'asymptotic'
    """

    gives = ("codes",)
    exactness = "asymptotic"
    moves: int
    cache_after: int = 0

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> KeptCodes:
        """No row has a code."""
        shapes = jax.eval_shape(lambda: propose(key, parts, batch.x, 1)[0])
        h = jax.tree.map(lambda leaf: jnp.zeros((rows, *leaf.shape[2:]), leaf.dtype), shapes)
        return KeptCodes(h, jnp.zeros(rows, bool))

    def draw(
        self, tick: Tick, parts: Parts, batch: Batch, chain: KeptCodes
    ) -> tuple[Draw, KeptCodes, dict[str, Array]]:
        """`moves` moves of the rows in the batch."""
        key_propose, key_accept = jax.random.split(tick.key)
        kept = jax.tree.map(lambda leaf: leaf[batch.index], chain.h)
        proposed, log_q = propose(key_propose, parts, batch.x, self.moves)
        log_q_kept = jax.vmap(posterior_of(parts).log_prob)(kept, batch.x)
        h = jax.tree.map(lambda old, new: jnp.concatenate([old[None], new]), kept, proposed)
        log_w = log_joints(parts["model"], h, batch.x) - jnp.concatenate([log_q_kept[None], log_q])
        begins = chain.visited[batch.index] & (tick.step >= self.cache_after)
        log_w = log_w.at[0].set(jnp.where(begins, log_w[0], -jnp.inf))
        places = independence_places(key_accept, log_w)
        last = places[-1]
        candidates = jnp.arange(self.moves + 1)[:, None]
        weight = jnp.mean(places[:, None, :] == candidates[None], axis=0, dtype=jnp.float32)

        rows = jnp.arange(batch.index.shape[0])
        after = jax.tree.map(lambda old, leaf: old.at[batch.index].set(leaf[last, rows]), chain.h, h)
        info = {"acceptance": moved_share(places)}
        kept_codes = KeptCodes(after, chain.visited.at[batch.index].set(True))
        return {"codes": Codes(h, weight, log_w)}, kept_codes, info


def independence_places(key: Key[Array, ""], log_w: Float[Array, "candidates chains"]) -> Int[Array, "moves chains"]:
    """Which candidate a chain stands at after each move; it begins at the first, and the others are proposed in turn.

    The k-th is accepted with probability min{1, w_k / w of where the chain stands}.
    """
    moves, chains = log_w.shape[0] - 1, log_w.shape[1]
    log_u = jnp.log(noise.uniform(key, (moves, chains)))

    def move(state: tuple[Array, Array], candidate: tuple[Array, Array, Array]) -> tuple[Any, Array]:
        place, log_w_place = state
        number, log_w_new, log_u_new = candidate
        accept = log_u_new < log_w_new - log_w_place
        place = jnp.where(accept, number, place)
        return (place, jnp.where(accept, log_w_new, log_w_place)), place

    start = (jnp.zeros(chains, jnp.int32), log_w[0])
    return jax.lax.scan(move, start, (jnp.arange(1, moves + 1, dtype=jnp.int32), log_w[1:], log_u))[1]


def moved_share(places: Int[Array, "moves chains"]) -> Float[Array, ""]:
    """The share of proposals that were accepted."""
    changed = jnp.diff(places, axis=0, prepend=jnp.zeros_like(places[:1])) != 0
    return jnp.mean(changed, dtype=jnp.float32)
