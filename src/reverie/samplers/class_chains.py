"""Chains on x given a class, which they keep."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key, PyTree

from reverie.capabilities import ConditionsOnClass
from reverie.data import Batch
from reverie.data.labels import labels_of
from reverie.parts import Parts
from reverie.samplers.kernel import Chains, Kernel, move_all
from reverie.samplers.sampler import Draw, Sampler, Tick


class ClassParticles(NamedTuple):
    """Particles with their classes, weighted so that each labelled row has one share among those of its class.

    Attributes:
        x: the particles, [count, …].
        y: the class of each, [count].
        weight: [count]; they sum to one where any row of the batch has a label, and to zero where none has.
    """

    x: PyTree
    y: Int[Array, " count"]
    weight: Float[Array, " count"]


class ClampedGibbs(Kernel):
    """A Gibbs sweep of x in the model of its class; the state is (x, y), and y stays.

    Example:
        >>> from reverie.samplers import ClampedGibbs
        >>> ClampedGibbs().exactness
        'asymptotic'

    Reference: Geman & Geman 1984; Taylor & Hinton 2007.
    """

    exactness = "asymptotic"
    needs = (ConditionsOnClass,)

    def move(self, key: Key[Array, ""], model: Any, x: PyTree, memory: None) -> tuple[PyTree, None, Array]:
        """One sweep."""
        row, y = x
        return (model.given(y).gibbs(key, row), y), None, jnp.ones(())


def labelled_weight(y: Int[Array, " batch"]) -> Float[Array, " batch"]:
    """1/n for each of the n rows that have a label, 0 for the others."""
    has = (y >= 0).astype(jnp.float32)
    return has / jnp.maximum(jnp.sum(has), 1.0)


class ClassChainsFromData(Sampler):
    """k sweeps from each row of the batch, in the model of its label; rows without one weigh nothing.

    Biased towards the data for any finite k, geometrically less in k, as `ChainsFromData` is. It needs no memory of any
    class, however many there are: a chain begins where its class's rows are.

    Args:
        moves: k.

    Example:
        >>> from reverie.samplers import ClassChainsFromData
        >>> ClassChainsFromData(moves=25).exactness
        'biased'

    Reference: Hinton 2002; Taylor & Hinton 2007, for rows given a condition.
    """

    gives = ("class_particles",)
    exactness = "biased"
    moves: int

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: None) -> tuple[Draw, None, dict[str, Array]]:
        """The chains' last states."""
        y = labels_of(batch)
        start = Chains((batch.x, jnp.maximum(y, 0)), None)
        ((x, kept), _), _ = move_all(ClampedGibbs(), tick.key, parts["model"], start, self.moves)
        return {"class_particles": ClassParticles(x, kept, labelled_weight(y))}, None, {}


class PersistentClassChains(Sampler):
    """Particles of every class that are never reset, each class's as much as its share of the batch's labels.

    Asymptotically exact as the step size falls. All classes' particles move at every step: chains of a class that
    has not been seen for a while would lag behind the parameters, which the classes share.

    Args:
        moves: sweeps a step.
        particles: how many chains each class has.

    Example:
        >>> from reverie.samplers import PersistentClassChains
        >>> PersistentClassChains(moves=1, particles=20).exactness
        'asymptotic'

    Reference: Tieleman 2008; Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann machines for structured
    output prediction*, on why conditions that never come twice leave it no chains to keep.
    """

    gives = ("class_particles",)
    exactness = "asymptotic"
    moves: int
    particles: int

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chains:
        """Particles where the model of their class says that a chain may start."""
        model = parts["model"]
        y = jnp.repeat(jnp.arange(model.given_classes, dtype=jnp.int32), self.particles)
        x = jax.vmap(lambda key, y: model.given(y).start(key))(jax.random.split(key, y.shape[0]), y)
        return Chains((x, y), None)

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chains) -> tuple[Draw, Chains, dict[str, Array]]:
        """The particles after some more sweeps."""
        model = parts["model"]
        after, _ = move_all(ClampedGibbs(), tick.key, model, chain, self.moves)
        x, y = after.x
        labels = labels_of(batch)
        share = labelled_weight(labels) @ jax.nn.one_hot(labels, model.given_classes)
        pairs = zip(jax.tree.leaves(x), jax.tree.leaves(chain.x[0]), strict=True)
        moved = jnp.mean(jnp.stack([jnp.mean(a != b) for a, b in pairs]))
        particles = ClassParticles(x, y, share[y] / self.particles)
        return {"class_particles": particles}, after, {"particles_moved": moved}
