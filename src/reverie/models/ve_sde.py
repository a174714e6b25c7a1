"""The variance-exploding diffusion in continuous time."""

from reverie.capabilities import Denoises
from reverie.errors import InputError
from reverie.models.noise_schedules import GeometricSigma, NoiseSchedule
from reverie.models.score_model import ScoreModel
from reverie.parts import option


class VESDE(ScoreModel, Denoises):
    """A score-based model that adds ever more noise and leaves the signal as it is.

        z_t = x̄ + σ(t) ε,    σ(t) = σ_min (σ_max/σ_min)ᵗ

    At t = 1 rows are drawn from N(0, 1 + σ_max²), which is exact for normal ones. The density is exact up to the
    tolerance of the solver of the probability flow.

    Args:
        sigma_min: the noise on a row at t = 0, in standard deviations of its columns.
        sigma_max: the noise at t = 1.
        hidden: widths of the perceptron, for tables.
        channels: of the U-Net at each size, for images.
        classes: how many classes the network reads; none for a model without.
        sampler: `ode` (the probability flow), `sde` (Euler–Maruyama), `ancestral` or `ddim`.
        steps: of the samplers but `ode`, and of `ode` where there is no tolerance.
        eta: of `ddim`: how much of the ancestral noise is fresh.
        divergence: `exact`, `hutchinson` (unbiased) or `auto`: exact up to 16 columns.
        tolerance: of the solver's adaptive steps; none for equal steps.

    Example:
        >>> from reverie.models import VESDE
        >>> VESDE(sigma_max=20.0).sigma_max
        20.0

    Reference: Song, Sohl-Dickstein, Kingma, Kumar, Ermon & Poole 2021, *Score-based generative modeling through
    stochastic differential equations*, Eq. 9 and 30; Song & Ermon 2019.
    """

    sigma_min: float = option(0.01)
    sigma_max: float = option(50.0)

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not 0 < self.sigma_min < self.sigma_max < float("inf"):
            raise InputError(f"0 < sigma_min < sigma_max must hold; these are {self.sigma_min} and {self.sigma_max}")

    @property
    def noise_schedule(self) -> NoiseSchedule:
        """Geometric."""
        return GeometricSigma(least=self.sigma_min, most=self.sigma_max)
