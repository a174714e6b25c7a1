"""One Markov move of one x: the contract of a kernel, and Gibbs sweeps by it."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasGibbs, HasLengths
from reverie.samplers.sampler import Exactness


class Kernel(eqx.Module):
    """Abstract: x_{t+1} ~ K(· | x_t) for p(x) ∝ exp u(x), one chain at a time.

    Attributes:
        exactness: `asymptotic` where p is left invariant, `biased` where it nearly is.
        needs: the capabilities that a model must have.
    """

    exactness: ClassVar[Exactness]
    needs: ClassVar[tuple[type, ...]]

    def begin(self, key: Key[Array, ""], model: Any, x: PyTree) -> PyTree:
        """What a chain remembers beside x, such as a momentum; `None` where nothing."""
        return None

    def exactness_with(self, model: Any) -> Exactness:
        """How exact it is for this model."""
        return self.exactness

    @abstractmethod
    def move(self, key: Key[Array, ""], model: Any, x: PyTree, memory: PyTree) -> tuple[PyTree, PyTree, Array]:
        """x and the memory after a move, and the probability of acceptance (1 where nothing is refused)."""


class Gibbs(Kernel):
    """A Gibbs sweep of the model's own. Sequences keep their lengths: there, it is biased towards those of the start.

    Example:
        >>> from reverie.samplers import Gibbs
        >>> Gibbs().exactness
        'asymptotic'

    Reference: Geman & Geman 1984, *Stochastic relaxation, Gibbs distributions, and the Bayesian restoration of images*.
    """

    exactness = "asymptotic"
    needs = (HasGibbs,)

    def exactness_with(self, model: Any) -> Exactness:
        """Biased where rows have lengths, which no sweep changes."""
        return "biased" if isinstance(model, HasLengths) and model.lengths[0] < model.lengths[1] else self.exactness

    def move(self, key: Key[Array, ""], model: Any, x: PyTree, memory: None) -> tuple[PyTree, None, Array]:
        """One sweep."""
        return model.gibbs(key, x), None, jnp.ones(())


class Chains(NamedTuple):
    """A batch of chains: their states, and what their kernel remembers of each."""

    x: PyTree
    memory: PyTree


def move_all(kernel: Kernel, key: Key[Array, ""], model: Any, chains: Chains, moves: int) -> tuple[Chains, Array]:
    """`moves` moves of each of a batch of chains, and the mean rate of acceptance."""
    width = jax.tree.leaves(chains.x)[0].shape[0]

    def move(chains: Chains, one: Array) -> tuple[Chains, Array]:
        keys = jax.random.split(one, width)
        x, memory, rate = jax.vmap(lambda key, x, memory: kernel.move(key, model, x, memory))(keys, *chains)
        return Chains(x, memory), jnp.mean(rate)

    after, rates = jax.lax.scan(move, chains, jax.random.split(key, moves))
    return after, jnp.mean(rates)


def begin_all(kernel: Kernel, key: Key[Array, ""], model: Any, x: PyTree) -> PyTree:
    """The memory of each of a batch of chains."""
    keys = jax.random.split(key, jax.tree.leaves(x)[0].shape[0])
    return jax.vmap(lambda key, x: kernel.begin(key, model, x))(keys, x)
