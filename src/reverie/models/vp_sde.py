"""The variance-preserving diffusion in continuous time."""

from typing import Literal

from reverie.capabilities import Denoises
from reverie.errors import InputError
from reverie.models.noise_schedules import Cosine, LinearBeta, NoiseSchedule
from reverie.models.score_model import ScoreModel
from reverie.parts import option


class VPSDE(ScoreModel, Denoises):
    """A score-based model whose noise takes the place of the signal at a constant total variance.

        dz = −½ β(t) z dt + √β(t) dw,    z_t = α x̄ + σ ε,  α² + σ² = 1

    Rows begin at t = 0.001. The density is exact up to the tolerance of the solver of the probability flow.

    Args:
        schedule: `linear` (β from 0.1 to 20) or `cosine`.
        hidden: widths of the perceptron, for tables.
        channels: of the U-Net at each size, for images.
        classes: how many classes the network reads; none for a model without.
        sampler: `ode` (the probability flow), `sde` (Euler–Maruyama), `ancestral` or `ddim`.
        steps: of the samplers but `ode`, and of `ode` where there is no tolerance.
        eta: of `ddim`: how much of the ancestral noise is fresh.
        divergence: `exact`, `hutchinson` (unbiased) or `auto`: exact up to 16 columns.
        tolerance: of the solver's adaptive steps; none for equal steps.

    Example:
        >>> from reverie.models import VPSDE
        >>> VPSDE(schedule="cosine").schedule
        'cosine'

    Reference: Song, Sohl-Dickstein, Kingma, Kumar, Ermon & Poole 2021, *Score-based generative modeling through
    stochastic differential equations*, Eq. 11 and 39.
    """

    schedule: Literal["linear", "cosine"] = option("linear")

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.schedule not in ("linear", "cosine"):
            raise InputError(f"schedule must be linear or cosine, not {self.schedule!r}")

    @property
    def noise_schedule(self) -> NoiseSchedule:
        """As the option says."""
        return LinearBeta() if self.schedule == "linear" else Cosine()
