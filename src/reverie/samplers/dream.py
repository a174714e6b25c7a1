"""Dreams: draws of the pair (x, h) from the model."""

import jax
from jaxtyping import Array

from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Draw, Dreams, Sampler, Tick


class Dream(Sampler):
    """(x', h') ~ p(x, h), as many as the batch has rows: the sleep minibatch of Ou 2019, Alg. 4. Exact.

    Example:
        >>> from reverie.samplers import Dream
        >>> Dream().gives
        ('dreams',)
    """

    gives = ("dreams",)
    exactness = "exact"

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Ancestral draws."""
        keys = jax.random.split(tick.key, batch.index.shape[0])
        return {"dreams": Dreams(*jax.vmap(parts["model"].sample_joint)(keys))}, chain, {}
