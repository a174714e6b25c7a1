"""Metropolis independence chains on x, proposed by a generator."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.chains import kernel_for
from reverie.samplers.kernel import Chains, Kernel, begin_all, move_all
from reverie.samplers.sampler import Draw, Sampler, Tick


class IndependenceChains(Sampler):
    """Persistent chains that move to rows of a generator q_φ, accepted so that p_θ is left invariant.

        x' ~ q,  accepted with probability min{1, w(x') / w(x)},    w(x) = exp u(x) / q(x)         (Ou 2019, Eq. 44)

    in which log Z cancels. Proposals do not depend on the chain: all are drawn and weighed at once, and only the
    accepting is sequential. The weight of where a chain stands is computed anew at each step, since the parameters have
    moved. How many proposals are accepted is how near q is to p; where that is few, moves of a kernel of the model's
    follow them.

    Args:
        moves: proposals of each chain in a step.
        particles: how many chains.
        sweeps: moves of the kernel after them.
        kernel: how; the model's usual where not given.

    Example:
        >>> from reverie.samplers import IndependenceChains
        >>> IndependenceChains(moves=5, particles=100).exactness
        'asymptotic'

    Reference: Wang & Ou 2017, *Language modeling with neural trans-dimensional random fields*; Tierney 1994, §2.3.3.
    """

    gives = ("particles",)
    exactness = "asymptotic"
    moves: int
    particles: int
    sweeps: int = 0
    kernel: Kernel | None = None

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chains:
        """Draws of the generator."""
        key_sample, key_begin = jax.random.split(key)
        x = jax.vmap(parts["generator"].sample)(jax.random.split(key_sample, self.particles))
        return Chains(x, begin_all(self.kernel or kernel_for(parts["model"]), key_begin, parts["model"], x))

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chains) -> tuple[Draw, Chains, dict[str, Array]]:
        """The particles after the proposals and the sweeps."""
        model = parts["model"]
        key_propose, key_accept, key_sweep = jax.random.split(tick.key, 3)
        keys = jax.random.split(key_propose, (self.moves, self.particles))
        proposed = jax.vmap(jax.vmap(parts["generator"].sample))(keys)
        every = jax.tree.map(lambda old, new: jnp.concatenate([old[None], new]), chain.x, proposed)
        log_w = jax.vmap(jax.vmap(lambda x: model.potential(x) - parts["generator"].log_prob(x)))(every)
        log_u = jnp.log(noise.uniform(key_accept, (self.moves, self.particles)))

        def move(state: tuple[Array, Array], candidate: tuple[Array, Array, Array]) -> tuple[Any, Array]:
            place, log_w_place = state
            number, log_w_new, log_u_new = candidate
            accept = log_u_new < log_w_new - log_w_place
            return (jnp.where(accept, number, place), jnp.where(accept, log_w_new, log_w_place)), accept

        start = (jnp.zeros(self.particles, jnp.int32), log_w[0])
        numbers = jnp.arange(1, self.moves + 1, dtype=jnp.int32)
        (last, _), accepted = jax.lax.scan(move, start, (numbers, log_w[1:], log_u))
        x = jax.tree.map(lambda leaf: leaf[last, jnp.arange(self.particles)], every)
        after = Chains(x, chain.memory)
        info = {"independence_acceptance": jnp.mean(accepted, dtype=jnp.float32)}
        if self.sweeps:
            after, rate = move_all(self.kernel or kernel_for(model), key_sweep, model, after, self.sweeps)
            info["acceptance"] = rate
        return {"particles": after.x}, after, info
