"""Noise-contrastive estimation, with noise that is fixed and with noise that learns."""

from reverie.capabilities import HasLogNormaliser, HasLogProb, HasPotential, Samplable
from reverie.directions import NoiseContrast, NoiseLikelihood
from reverie.directions.direction import Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.parts import Optimiser
from reverie.samplers import NoiseRows

REQUIRES: dict[str, tuple[type, ...]] = {
    "model": (HasPotential,),
    "normaliser": (HasLogNormaliser,),
    "noise": (Samplable, HasLogProb),
}
QUICK = Optimiser(rate=1e-2)
"""The log normaliser is one number that follows a whole network."""


@named("nce")
def NoiseContrastiveEstimation(noise: int = 10) -> Learner:
    """A field and its log normaliser c, by telling rows of data from ν times as many rows of a known noise.

        θ, c up E_data log σ(G) + ν E_noise log σ(−G),    G(x) = u_θ(x) − c − log p_n(x) − log ν   (Ou 2019, Alg. 9)

    Neither chains nor log Z; the optimum is p₀ where the noise covers it (Theorem 2), and the larger ν, the nearer the
    estimate is to that of maximum likelihood. How well it does rests on how near the noise is to the data.

    Args:
        noise: ν, rows of noise for each row of the data.

    Example:
        >>> from reverie.learners import NoiseContrastiveEstimation
        >>> NoiseContrastiveEstimation(noise=5).sampler.count
        5

    Reference: Gutmann & Hyvärinen 2010, *Noise-contrastive estimation: a new estimation principle for unnormalized
    statistical models*.
    """
    at_least_one(noise=noise)
    return Learner(
        reference="Gutmann & Hyvärinen 2010",
        sampler=NoiseRows(noise),
        direction=NoiseContrast(),
        requires=REQUIRES,
        optimiser={"normaliser": QUICK},
    )


@named("dynamic-nce")
def DynamicNCE(noise: int = 4, share: float = 0.5) -> Learner:
    """Noise contrast whose noise is a model that learns the data too, and whose data are mixed with noise.

        θ, c up E_{α p₀ + (1 − α) p_n} log σ(G) + ν E_{p_n} log σ(−G),    ψ up E_data log p_n(x; ψ)

    As the noise comes nearer to the data few of its rows do, and the mixture keeps the field from fitting the empirical
    distribution alone. The optimum is α p₀ + (1 − α) p_n: the true density once the noise is true.

    Args:
        noise: ν, rows of noise for each row of the data.
        share: α in (0, 1], of the data in the mixture.

    Example:
        >>> from reverie.learners import DynamicNCE
        >>> DynamicNCE().direction.moves
        ('model', 'normaliser', 'noise')

    Reference: Wang & Ou 2018, *Improved training of neural trans-dimensional random field language models with dynamic
    noise-contrastive estimation*.
    """
    at_least_one(noise=noise)
    if not 0.0 < share <= 1.0:
        raise InputError(f"share must lie in (0, 1], not {share}")
    return Learner(
        reference="Wang & Ou 2018",
        sampler=NoiseRows(noise),
        direction=Join((NoiseContrast(share), NoiseLikelihood())),
        requires=REQUIRES,
        optimiser={"normaliser": QUICK},
    )
