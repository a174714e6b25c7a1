"""Persistent chains on states of which x is a part."""

from jaxtyping import Array, Key

from reverie.capabilities import whole_of
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.chains import PersistentChains
from reverie.samplers.kernel import Chains
from reverie.samplers.sampler import Draw, Sampler, Tick


class PersistentStates(Sampler):
    """Particles of the whole state, x and hidden layers, that are never reset between steps.

    Args:
        moves: sweeps a step.
        particles: how many chains.

    Example:
        >>> from reverie.samplers import PersistentStates
        >>> PersistentStates(moves=5, particles=100).exactness
        'asymptotic'

    Reference: Salakhutdinov & Hinton 2009, *Deep Boltzmann machines*, Alg. 1.
    """

    gives = ("particles",)
    exactness = "asymptotic"
    moves: int
    particles: int

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Chains:
        """Particles where the model of the state says that a chain may start."""
        return self._chains.init(key, {"model": whole_of(parts["model"])}, rows, batch)

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chains) -> tuple[Draw, Chains, dict[str, Array]]:
        """The particles after some more sweeps."""
        return self._chains.draw(tick, {"model": whole_of(parts["model"])}, batch, chain)

    @property
    def _chains(self) -> PersistentChains:
        return PersistentChains(self.moves, self.particles)
