"""The noise ε that a reparameterised part transforms."""

import jax
from jaxtyping import Array

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Draw, Sampler, Tick


class BaseNoise(Sampler):
    """ε ~ p(ε), free of parameters: [count, batch, …] (Ou 2019, Eq. 12).

    Exact; what becomes of it is the direction's affair.

    Args:
        part: whose noise: `inference` for h = h_φ(x, ε), `model` for x = G_θ(ε).
        count: draws for each row.

    Example:
        >>> from reverie.samplers import BaseNoise
        >>> BaseNoise("inference", count=5).gives
        ('noise',)
    """

    gives = ("noise",)
    exactness = "exact"
    part: str
    count: int = 1

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Fresh noise."""
        keys = jax.random.split(tick.key, (self.count, batch.index.shape[0]))
        return {"noise": jax.vmap(jax.vmap(parts[self.part].noise))(keys)}, chain, {}
