"""A tilt by telling data from its own reference, and the reference by its likelihood."""

import math

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ReferenceContrast(Direction):
    """∇ of E_data log σ(G) + ν E_r log σ(−G), G(x) = t(x) − ζ_l − log ν, by the tilt; of E_data log r by the reference.

    The noise is the reference r that the field p(l, x) ∝ π_l r(x | l) exp(t(x) − ζ_l) is a tilt of: the densities of
    both hold log r, and what tells them apart does not. So the reference learns from its likelihood alone, and the
    contrast moves t and ζ alone. For a reference that stands still the optimum is p₀ (Ou 2019, Theorem 2), and ζ_l is
    then log Z_l.

    Args:
        first: steps in which only the reference learns.
        share: α: what stands for the data is α p₀ + (1 − α) r, as in `NoiseContrast`.
        still: whether the reference stands still once the tilt learns.

    Example:
        >>> from reverie.directions import ReferenceContrast
        >>> ReferenceContrast().moves
        ('model',)

    Reference: Wang & Ou 2018, *Improved training of neural trans-dimensional random field language models with dynamic
    noise-contrastive estimation*; on top of the noise itself: Deng, Bakhtin, Ott, Szlam & Ranzato 2020, *Residual
    energy-based models for text generation*, Eq. 3.
    """

    moves = ("model",)
    uses = ("noise_rows",)
    first: int = 0
    share: float = 1.0
    still: bool = False

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The sum of both gradients; at the first steps, that of the likelihood."""
        rows = draw["noise_rows"].reshape(-1, *draw["noise_rows"].shape[2:])
        ratio = rows.shape[0] / batch.index.shape[0]

        def learned(parts: Parts) -> tuple[Array, dict[str, Array]]:
            value = jnp.mean(jax.vmap(parts["model"].log_base)(batch.x))
            return value, {"nce_value": jnp.zeros(()), "noise_log_prob": value}

        def contrasted(parts: Parts) -> tuple[Array, dict[str, Array]]:
            tilt = jax.vmap(parts["model"].tilt)
            real, fake = tilt(batch.x) - math.log(ratio), tilt(rows) - math.log(ratio)
            kept = jnp.mean(log_sigmoid(real))
            if self.share < 1.0:
                kept = self.share * kept + (1.0 - self.share) * jnp.mean(log_sigmoid(fake))
            value = kept + ratio * jnp.mean(log_sigmoid(-fake))
            likelihood, info = learned(parts)
            pull = jax.lax.stop_gradient(likelihood) if self.still else likelihood
            return value + pull, info | {"nce_value": value}

        if not self.first:
            ascent, info = gradient(contrasted, parts, self.moves)
            return ascent, memory, info
        ascent, info = jax.lax.cond(
            tick.step < self.first,
            lambda parts: gradient(learned, parts, self.moves),
            lambda parts: gradient(contrasted, parts, self.moves),
            parts,
        )
        return ascent, memory, info
