"""Block Gibbs sampling of x."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Draw, Sampler, Tick


def sweeps_of(model: Any, key: Key[Array, ""], x: PyTree, count: int) -> PyTree:
    """`count` sweeps of a batch of chains."""
    width = jax.tree.leaves(x)[0].shape[0]

    def sweep(x: PyTree, one: Array) -> tuple[PyTree, None]:
        return jax.vmap(model.gibbs)(jax.random.split(one, width), x), None

    return jax.lax.scan(sweep, x, jax.random.split(key, count))[0]


class GibbsFromData(Sampler):
    """k sweeps from the batch itself: biased towards the data for any finite k (Hinton 2002).

    Args:
        sweeps: k.

    Example:
        >>> from reverie.samplers import GibbsFromData
        >>> GibbsFromData(sweeps=25).exactness
        'biased'

    Reference: Hinton 2002, *Training products of experts by minimizing contrastive divergence*.
    """

    gives = ("particles",)
    exactness = "biased"
    sweeps: int

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """The chains' last states."""
        return {"particles": sweeps_of(parts["model"], tick.key, batch.x, self.sweeps)}, chain, {}


class PersistentGibbs(Sampler):
    """Particles that are never reset between steps: asymptotically exact as the step size falls (Ou 2019, Alg. 7).

    Args:
        sweeps: sweeps a step.
        particles: how many chains.

    Example:
        >>> from reverie.samplers import PersistentGibbs
        >>> PersistentGibbs(sweeps=1, particles=100).exactness
        'asymptotic'
    """

    gives = ("particles",)
    exactness = "asymptotic"
    sweeps: int
    particles: int

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> PyTree:
        """Particles where the model says that a chain may start."""
        return jax.vmap(parts["model"].start)(jax.random.split(key, self.particles))

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: PyTree) -> tuple[Draw, PyTree, dict[str, Array]]:
        """The particles after some more sweeps."""
        after = sweeps_of(parts["model"], tick.key, chain, self.sweeps)
        moved = [jnp.mean(a != b) for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(chain), strict=True)]
        return {"particles": after}, after, {"particles_moved": jnp.mean(jnp.stack(moved))}
