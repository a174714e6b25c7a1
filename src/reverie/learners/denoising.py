"""Denoising score matching over all levels of noise: diffusion models."""

from reverie.capabilities import Denoises
from reverie.directions import NoiseRegression
from reverie.directions.noise_regression import ScoreWeighting
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import NoisedData


def check_dropout(dropout: float) -> None:
    """Refuse what is no probability."""
    if not 0 <= dropout <= 1:
        raise InputError(f"dropout must lie in [0, 1], not {dropout}")


@named("denoising")
def Denoising(weighting: ScoreWeighting = "simple", dropout: float = 0.1) -> Learner:
    """Put noise on rows and tell it from them.

        θ up −E_t w(t) E ‖ε − ε̂(α x̄ + σ ε, t, y)‖²

    Labels are read where the rows and the model have them. A moving average of the parameters (`average`) serves
    better than the parameters themselves.

    Args:
        weighting: `simple`; `likelihood`, for a bound of log p(x); `snr`, which spares the times with little noise.
        dropout: the probability that a label is dropped, for guidance.

    Example:
        >>> from reverie.learners import Denoising
        >>> Denoising(weighting="likelihood").name
        'denoising'

    Reference: Ho, Jain & Abbeel 2020, Eq. 14, Alg. 1; Song et al. 2021, Eq. 7; dropout: Ho & Salimans 2022, Alg. 1.
    """
    check_dropout(dropout)
    return Learner(
        reference="Ho, Jain & Abbeel 2020",
        sampler=NoisedData(dropout),
        direction=NoiseRegression(weighting),
        requires={"model": (Denoises,)},
    )
