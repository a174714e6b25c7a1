"""Regression on the noise of noisy rows: the score."""

from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Noised, Tick

ScoreWeighting: TypeAlias = Literal["simple", "likelihood", "snr"]
MOST_SNR = 5.0
"""γ of Hang et al. 2023."""


def weight_of(weighting: ScoreWeighting, log_snr: Array, rate: Array) -> Array:
    """w(t), from log α²/σ² and its derivative."""
    if weighting == "simple":
        return jnp.ones_like(log_snr)
    if weighting == "likelihood":
        return -0.5 * rate
    return jnp.minimum(1.0, MOST_SNR * jnp.exp(-log_snr))


class NoiseRegression(Direction):
    """∇_θ of −E w(t) ‖ε − ε̂(z_t, t, y)‖², whose maximum is at ε̂ = E[ε | z_t] = −σ ∇ log p_t(z_t).

    Args:
        weighting: `simple`, w = 1; `likelihood`, w = −½ d log SNR/dt = ½ g²/σ², with which the objective is a lower
            bound of log p(x) but for a constant; `snr`, w = min(1, 5/SNR), which spares the times with little noise.

    Example:
        >>> from reverie.directions import NoiseRegression
        >>> NoiseRegression("likelihood").uses
        ('noised',)

    Reference: Vincent 2011, Eq. 11; Ho, Jain & Abbeel 2020, Eq. 14; Song, Durkan, Murray & Ermon 2021, Theorem 1 and
    §4.1; Hang et al. 2023, Eq. 8.
    """

    moves = ("model",)
    uses = ("noised",)
    weighting: ScoreWeighting = "simple"

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch."""
        noised: Noised = draw["noised"]

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model = parts["model"]

            def one(row: Noised) -> tuple[Array, Array]:
                log_snr, rate = jax.jvp(model.log_snr, (row.t,), (jnp.ones_like(row.t),))
                gap = jnp.sum((row.noise - model.predicted_noise(row.z, row.t, row.y)) ** 2)
                return weight_of(self.weighting, log_snr, rate) * gap, gap / row.noise.shape[-1]

            weighted, gap = jax.vmap(one)(noised)
            return -jnp.mean(weighted), {"noise_error": jnp.mean(gap)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
