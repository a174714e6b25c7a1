"""A flow along straight lines from noise to rows."""

from reverie.models.noise_schedules import LinearPath, NoiseSchedule
from reverie.models.score_model import ScoreModel


class StraightFlow(ScoreModel):
    """A continuous flow whose velocity is the mean of straight lines between rows and noise.

        z_t = (1 − t) x̄ + t ε,    dz/dt = v(z, t) = E[ε − x̄ | z_t = z]

    Time runs from rows (0) to noise (1), as in the other models here and against the paper. The density is exact up to
    the tolerance of the solver.

    Args:
        hidden: widths of the perceptron, for tables.
        channels: of the U-Net at each size, for images.
        classes: how many classes the network reads; none for a model without.
        sampler: `ode` (the flow), `sde` (Euler–Maruyama, with g² = 2t), `ancestral` or `ddim`.
        steps: of the samplers but `ode`, and of `ode` where there is no tolerance.
        eta: of `ddim`: how much of the ancestral noise is fresh.
        divergence: `exact`, `hutchinson` (unbiased) or `auto`: exact up to 16 columns.
        tolerance: of the solver's adaptive steps; none for equal steps.

    Example:
        >>> from reverie.models import StraightFlow
        >>> StraightFlow(hidden=(64, 64)).sampler
        'ode'

    Reference: Lipman, Chen, Ben-Hamu, Nickel & Le 2023, *Flow matching for generative modeling*, Eq. 20–23 with
    σ_min = 0; Liu, Gong & Liu 2023.
    """

    @property
    def noise_schedule(self) -> NoiseSchedule:
        """Linear in time."""
        return LinearPath()
