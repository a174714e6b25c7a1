"""Noise contrast: the field and its log normaliser by telling data from noise, and the noise by its likelihood."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class NoiseContrast(Direction):
    """∇_{θ,c} E_data log σ(G(x)) + ν E_noise log σ(−G(x)),  G = u_θ(x) − c − log p_n(x) − log ν   (Ou 2019, Eq. 46–49).

    σ(G) is the probability that x is data where ν rows of noise come for each of the data. The optimum is
    exp(u_θ − c) = p₀ (Ou 2019, Theorem 2), so that c is log Z there.

    With a share α < 1 what stands for the data is the mixture α p₀ + (1 − α) p_n, whose noisy part is averaged over the
    same rows of noise; the optimum is then that mixture, which is p₀ once the noise is.

    Args:
        share: α.

    Example:
        >>> from reverie.directions import NoiseContrast
        >>> NoiseContrast().moves
        ('model', 'normaliser')

    Reference: Gutmann & Hyvärinen 2010, *Noise-contrastive estimation*, Eq. 3, for ν = 1; Gutmann & Hyvärinen 2012,
    Eq. 8; the mixture: Wang & Ou 2018, *Improved training of neural trans-dimensional random field language models
    with dynamic noise-contrastive estimation*.
    """

    moves = ("model", "normaliser")
    uses = ("noise_rows",)
    share: float = 1.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the objective."""
        rows = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), draw["noise_rows"])
        ratio = jax.tree.leaves(rows)[0].shape[0] / batch.index.shape[0]
        offset = math.log(ratio)
        density = parts["noise"].log_prob
        of_data, of_noise = jax.vmap(density)(batch.x) + offset, jax.vmap(density)(rows) + offset

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_z = parts["normaliser"].log_normaliser()
            real = jax.vmap(parts["model"].potential)(batch.x) - log_z - of_data
            fake = jax.vmap(parts["model"].potential)(rows) - log_z - of_noise
            kept = jnp.mean(log_sigmoid(real))
            if self.share < 1.0:
                kept = self.share * kept + (1.0 - self.share) * jnp.mean(log_sigmoid(fake))
            value = kept + ratio * jnp.mean(log_sigmoid(-fake))
            log_p = jnp.mean(real + of_data)
            return value, {"nce_value": value, "nce_log_normaliser": log_z, "nce_log_prob": log_p}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class NoiseLikelihood(Direction):
    """∇_ψ E_data log p_ψ(x), ψ the noise model: down KL[p₀ ‖ p_n].

    Example:
        >>> from reverie.directions import NoiseLikelihood
        >>> NoiseLikelihood().moves
        ('noise',)

    Reference: Wang & Ou 2018, *Improved training of neural trans-dimensional random field language models with dynamic
    noise-contrastive estimation*.
    """

    moves = ("noise",)
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of the mean log density."""

        def objective(parts: dict[str, Any]) -> tuple[Array, dict[str, Array]]:
            value = jnp.mean(jax.vmap(parts["noise"].log_prob)(batch.x))
            return value, {"noise_log_prob": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
