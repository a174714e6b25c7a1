"""Moves between sequences of different lengths."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasLengths
from reverie.samplers.kernel import Kernel


class LengthJumps(Kernel):
    """A symbol more or a symbol less, then the model's sweep within the length: p(l, x) is left invariant.

    With equal odds a symbol is put in or taken out, at a place chosen uniformly: among the l + 1 gaps, or among the
    symbols. What is put in is proposed by the model, q(s | x without the place); then

        l → l + 1 with probability min{1, e^{u(x') − u(x)} / q(s | x)},
        l → l − 1 with probability min{1, e^{u(x') − u(x)} q(s | x')},

    s being what was put in or taken out: the chance of the gap going up, 1/(l + 1), is that of the symbol coming down.
    Below the shortest length and above the longest, and where all lines have one length, nothing is proposed.

    Args:
        jumps: proposals a move, one after the other.
        sweeps: of the model, after them.

    Example:
        >>> from reverie.samplers import LengthJumps
        >>> LengthJumps().exactness
        'asymptotic'

    Reference: Wang, Ou & Tan 2018, *Learning trans-dimensional random fields with applications to language modeling*,
    Alg. 2, where symbols come and go at the end; Green 1995, *Reversible jump Markov chain Monte Carlo computation*.
    """

    exactness = "asymptotic"
    needs = (HasLengths,)
    jumps: int = 1
    sweeps: int = 1

    def move(self, key: Key[Array, ""], model: Any, x: Array, memory: None) -> tuple[Array, None, Array]:
        """The jumps, then the sweeps."""
        key_jumps, key_sweeps = jax.random.split(key)
        shortest, longest = model.lengths
        rate = jnp.ones(())
        if shortest < longest:

            def jump(x: Array, one: Array) -> tuple[Array, Array]:
                return self._jump(one, model, x)

            x, rates = jax.lax.scan(jump, x, jax.random.split(key_jumps, self.jumps))
            rate = jnp.mean(rates)
        for one in jax.random.split(key_sweeps, self.sweeps):
            x = model.gibbs(one, x)
        return x, None, rate

    def _jump(self, key: Key[Array, ""], model: Any, x: Array) -> tuple[Array, Array]:
        """One proposal, accepted or not, and the probability of it."""
        key_way, key_place, key_symbol, key_accept = jax.random.split(key, 4)
        shortest, longest = model.lengths
        length = model.length_of(x)
        up = noise.uniform(key_way) < 0.5
        possible = jnp.where(up, length < longest, length > shortest)
        gaps = length + up
        place = jnp.minimum((noise.uniform(key_place) * gaps).astype(jnp.int32), gaps - 1)
        # The longer of the two rows: what is proposed for the place does not depend on what stands there.
        wide = jnp.where(up, model.inserted(x, place), x)
        log_q = jax.nn.log_softmax(model.symbol_logits(wide, place))
        symbol = jnp.where(up, noise.categorical(key_symbol, log_q), x[place]).astype(x.dtype)
        there = jnp.where(up, model.with_symbol(wide, place, symbol), model.removed(x, place))
        chance = log_q[jnp.minimum(symbol, log_q.shape[0] - 1)]
        log_ratio = model.potential(there) - model.potential(x) + jnp.where(up, -chance, chance)
        rate = jnp.where(possible, jnp.exp(jnp.minimum(log_ratio, 0.0)), 0.0)
        accept = noise.uniform(key_accept) < rate
        return jnp.where(accept, there, x), rate
