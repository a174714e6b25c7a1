"""What is drawn: the contract of a sampler, and the small algebra that joins them."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import equinox as eqx
import jax
from jaxtyping import Array, Key, PyTree

from reverie.data import Batch
from reverie.parts import Parts

Exactness: TypeAlias = Literal["exact", "asymptotic", "biased"]
Chain: TypeAlias = PyTree
Draw: TypeAlias = Mapping[str, Any]


class Tick(NamedTuple):
    """The time of a draw or an ascent: its own key, and the step of the run."""

    key: Key[Array, ""]
    step: Array


class Codes(NamedTuple):
    """Latent codes for each row of a batch, with weights that sum to one over the first axis.

    Attributes:
        h: a tuple of arrays [count, batch, size].
        weight: [count, batch].
        log_weight: log p(x, h) − log q(h | x) of each, [count, batch], before any normalisation.
    """

    h: PyTree
    weight: Array
    log_weight: Array


class Dreams(NamedTuple):
    """Pairs (x, h) drawn from the model, [batch, …]."""

    x: PyTree
    h: PyTree


class Sampler(eqx.Module):
    """Abstract: draws z ~ K_λ(· | z_previous), a kernel that leaves the target invariant (Ou 2019, Alg. 1, line 1).

    Attributes:
        gives: the names of what it draws; directions ask for them by name.
        exactness: `exact` (independent draws of the target), `asymptotic` (a Markov kernel with the right invariant
            distribution) or `biased`: what holds whichever parts it is given.
    """

    gives: ClassVar[tuple[str, ...]]

    @property
    @abstractmethod
    def exactness(self) -> Exactness:
        """A constant of most samplers, written as a class attribute."""

    def exactness_with(self, parts: Parts) -> Exactness:
        """What holds with these parts, where they have a say in it: a model that chooses how its chains move."""
        return self.exactness

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chain:
        """What persists between steps; `None` where nothing does.

        Args:
            key: a key for the start.
            parts: the filled parts.
            rows: how many rows the training data have.
            batch: any batch, for its shapes and types.
        """
        return None

    @abstractmethod
    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """The draw by name, the chain after it, and numbers for people."""


class DataOnly(Sampler):
    """The draw is the batch of data itself: exact, and nothing is added to it (Ou 2019, Eq. 6).

    Example:
        >>> from reverie.samplers import DataOnly
        >>> DataOnly().exactness
        'exact'
    """

    gives = ()
    exactness = "exact"

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Nothing."""
        return {}, chain, {}


class Together(eqx.Module):
    """Several samplers side by side, each with a key and a chain of its own."""

    samplers: tuple[Sampler, ...]

    @property
    def gives(self) -> tuple[str, ...]:
        """All that the members give."""
        return tuple(name for sampler in self.samplers for name in sampler.gives)

    @property
    def exactness(self) -> Exactness:
        """The weakest member's."""
        return _weakest([sampler.exactness for sampler in self.samplers])

    def exactness_with(self, parts: Parts) -> Exactness:
        """The weakest member's, with these parts."""
        return _weakest([sampler.exactness_with(parts) for sampler in self.samplers])

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chain:
        """One chain a member."""
        keys = jax.random.split(key, len(self.samplers))
        return tuple(sampler.init(one, parts, rows, batch) for sampler, one in zip(self.samplers, keys, strict=True))

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """The members' draws, merged by name."""
        drawn: dict[str, Any] = {}
        info: dict[str, Array] = {}
        chains = []
        keys = jax.random.split(tick.key, len(self.samplers))
        for sampler, one, old in zip(self.samplers, keys, chain, strict=True):
            draw, new, said = sampler.draw(Tick(one, tick.step), parts, batch, old)
            drawn |= draw
            info |= said
            chains.append(new)
        return drawn, tuple(chains), info


def _weakest(members: list[Exactness]) -> Exactness:
    rank: tuple[Exactness, ...] = ("biased", "asymptotic", "exact")
    return min(members, key=rank.index)


AnySampler: TypeAlias = Sampler | Together
