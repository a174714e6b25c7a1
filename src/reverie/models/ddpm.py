"""Denoising diffusion in discrete time."""

from typing import Literal

from reverie.capabilities import Denoises
from reverie.errors import InputError
from reverie.models.noise_schedules import Cosine, LinearBeta, NoiseSchedule
from reverie.models.reverse_process import ReverseSampler
from reverie.models.score_model import ScoreModel
from reverie.parts import option


class DDPM(ScoreModel, Denoises):
    """A chain that takes the noise off a row, level by level.

        z_k = √ᾱ_k x̄ + √(1 − ᾱ_k) ε, k = 1 … L,    z_{k−1} | z_k by ε̂(z_k, k)

    Its network learns the noise at L levels. `ancestral` draws by the chain and `ddim` by its implicit relative; where
    `steps` are fewer than the levels, by evenly chosen ones. The density is that of the flow that has the chain's
    marginals in continuous time, from which `ode` draws: the chain itself has none in closed form.

    Args:
        levels: L.
        schedule: `linear` (β from 10⁻⁴ to 0.02, at L = 1000) or `cosine`.
        hidden: widths of the perceptron, for tables.
        channels: of the U-Net at each size, for images.
        classes: how many classes the network reads; none for a model without.
        sampler: `ancestral`, `ddim`, `sde` (Euler–Maruyama) or `ode` (the probability flow).
        steps: of the samplers but `ode`, and of `ode` where there is no tolerance.
        eta: of `ddim`: how much of the ancestral noise is fresh.
        divergence: `exact`, `hutchinson` (unbiased) or `auto`: exact up to 16 columns.
        tolerance: of the solver's adaptive steps; none for equal steps.

    Example:
        >>> from reverie.models import DDPM
        >>> DDPM(levels=1000, steps=50, sampler="ddim").steps
        50

    Reference: Ho, Jain & Abbeel 2020, *Denoising diffusion probabilistic models*, Eq. 4–12, Alg. 2; Song, Meng & Ermon
    2021, *Denoising diffusion implicit models*, Eq. 12.
    """

    levels: int = option(1000)
    schedule: Literal["linear", "cosine"] = option("linear")
    sampler: ReverseSampler = option("ancestral")

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.schedule not in ("linear", "cosine"):
            raise InputError(f"schedule must be linear or cosine, not {self.schedule!r}")
        if self.levels < 2:
            raise InputError(f"levels must be at least 2, not {self.levels}")
        if self.sampler != "ode" and self.steps > self.levels - (self.sampler == "sde"):
            raise InputError(f"a chain of {self.levels} levels cannot be drawn in steps={self.steps}: take fewer steps")

    @property
    def noise_schedule(self) -> NoiseSchedule:
        """As the options say."""
        return LinearBeta(levels=self.levels) if self.schedule == "linear" else Cosine(levels=self.levels)
