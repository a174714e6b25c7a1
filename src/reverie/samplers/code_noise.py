"""Noise of the shape of a code."""

import jax
from jaxtyping import Array

from reverie import noise
from reverie.capabilities import RelaxesClass, posterior_of
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.sampler import Chain, Draw, Sampler, Tick


class CodeNoise(Sampler):
    """u ~ U(0, 1) for each discrete latent variable, or each level of one: what discrete codes are made of.

    The draw holds `sets` tuples with one array [count, batch, size] a block ([…, size, levels] for categories), and of
    a posterior with a class among reals the noise of these. Exact.

    Args:
        count: codes for each row.
        sets: independent sets of noise for each code.

    Example:
        >>> from reverie.samplers import CodeNoise
        >>> CodeNoise(count=5).gives
        ('noise', 'uniforms')

    Reference: Maddison, Mnih & Teh 2017, *The Concrete distribution*, §2.
    """

    gives = ("noise", "uniforms")
    exactness = "exact"
    count: int = 1
    sets: int = 1

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """Fresh noise."""
        blocks = [one for one in parts["model"].latents if one.kind != "reals"]
        shapes = [(one.size, one.levels) if one.kind == "categories" else (one.size,) for one in blocks]
        keys = jax.random.split(tick.key, (self.sets, len(shapes)))
        lead = (self.count, batch.index.shape[0])
        draw = tuple(
            tuple(noise.uniform(keys[i, place], (*lead, *shape)) for place, shape in enumerate(shapes))
            for i in range(self.sets)
        )
        posterior = posterior_of(parts)
        if not isinstance(posterior, RelaxesClass):
            return {"noise": (), "uniforms": draw}, chain, {}
        rest = jax.vmap(jax.vmap(posterior.noise))(jax.random.split(jax.random.fold_in(tick.key, 1), lead))
        return {"noise": rest, "uniforms": draw}, chain, {}
