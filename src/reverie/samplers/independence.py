"""Metropolis independence chains on x, proposed by a generator."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.chains import PersistentChains, kernel_for
from reverie.samplers.kernel import Chains, Kernel, begin_all, move_all
from reverie.samplers.metropolis import independence_places, moved_share
from reverie.samplers.sampler import Draw, Exactness, Sampler, Tick


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
        >>> IndependenceChains(moves=5, particles=100).exactness  # without sweeps
        'asymptotic'

    Reference: Wang & Ou 2017, *Language modeling with neural trans-dimensional random fields*; Tierney 1994, §2.3.3.
    """

    gives = ("particles",)
    moves: int
    particles: int
    sweeps: int = 0
    kernel: Kernel | None = None

    @property
    def exactness(self) -> Exactness:
        """That of the sweeps, where there are any."""
        return PersistentChains(self.sweeps, self.particles, self.kernel).exactness if self.sweeps else "asymptotic"

    def exactness_with(self, parts: Parts) -> Exactness:
        """That of the sweeps of this model."""
        chains = PersistentChains(self.sweeps, self.particles, self.kernel)
        return chains.exactness_with(parts) if self.sweeps else "asymptotic"

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
        places = independence_places(key_accept, log_w)
        last = places[-1]
        x = jax.tree.map(lambda leaf: leaf[last, jnp.arange(self.particles)], every)
        after = Chains(x, chain.memory)
        info = {"independence_acceptance": moved_share(places)}
        if self.sweeps:
            after, rate = move_all(self.kernel or kernel_for(model), key_sweep, model, after, self.sweeps)
            info["acceptance"] = rate
        return {"particles": after.x}, after, info
