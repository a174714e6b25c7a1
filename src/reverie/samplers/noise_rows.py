"""Rows of a noise distribution, to tell data from."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Draw, Sampler, Tick


class NoiseRows(Sampler):
    """x ~ p_n, the part `noise`: [count, batch, …], independent of the data and of each other (Ou 2019, Alg. 9).

    Where there is no such part the noise is the base of the model, from which its path of temperatures begins.

    Args:
        count: ν, rows of noise for each row of the data.
        first: steps in which none are needed yet: they are then zeros, which cost nothing.

    Example:
        >>> from reverie.samplers import NoiseRows
        >>> NoiseRows(count=5).exactness
        'exact'
    """

    gives = ("noise_rows",)
    exactness = "exact"
    count: int = 1
    first: int = 0

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Fresh rows."""
        sample = parts["noise"].sample if "noise" in parts else parts["model"].base_sample

        def fresh(key: Array) -> PyTree:
            keys = jax.random.split(key, (self.count, batch.index.shape[0]))
            return jax.vmap(jax.vmap(sample))(keys)

        if not self.first:
            return {"noise_rows": fresh(tick.key)}, chain, {}
        shapes = jax.eval_shape(fresh, tick.key)
        none = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
        return {"noise_rows": jax.lax.cond(tick.step < self.first, lambda: none, lambda: fresh(tick.key))}, chain, {}
