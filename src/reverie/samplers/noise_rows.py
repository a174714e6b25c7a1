"""Rows of a noise distribution, to tell data from."""

import jax
from jaxtyping import Array

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Draw, Sampler, Tick


class NoiseRows(Sampler):
    """x ~ p_n, the part `noise`: [count, batch, …], independent of the data and of each other (Ou 2019, Alg. 9).

    Args:
        count: ν, rows of noise for each row of the data.

    Example:
        >>> from reverie.samplers import NoiseRows
        >>> NoiseRows(count=5).exactness
        'exact'
    """

    gives = ("noise_rows",)
    exactness = "exact"
    count: int = 1

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Fresh rows."""
        keys = jax.random.split(tick.key, (self.count, batch.index.shape[0]))
        return {"noise_rows": jax.vmap(jax.vmap(parts["noise"].sample))(keys)}, chain, {}
