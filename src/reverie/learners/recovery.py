"""Diffusion recovery likelihood."""

from reverie.capabilities import Recovers
from reverie.directions import RecoveryContrast
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import KernelName, RecoveryChains, kernel_of


@named("recovery")
def RecoveryLikelihood(k: int = 30, kernel: KernelName = "langevin", step: float = 0.1) -> Learner:
    """The likelihood of rows given noisier ones, its model's expectation by short chains from the noisier row.

        θ up Σ_k E log p_θ(z_k | z_{k+1}),    ∇_θ = E [∇f_θ(z_k, k) − E_{p_θ(z | z_{k+1})} ∇f_θ(z, k)]

    A field given a noisier row has one narrow mode or few, so that short chains suffice where those of `pcd` and `cd`
    do not mix. Biased by their length, and by the kernel's step where it is not corrected (`mala` is).

    Args:
        k: moves of each chain.
        kernel: how chains move: `langevin`, `mala`, `hmc`, `nuts` or `sghmc`.
        step: the kernel's step size, in units in which a field of no tilt is N(0, I).

    Example:
        >>> from reverie.learners import RecoveryLikelihood
        >>> RecoveryLikelihood(k=10).sampler.moves
        10

    Reference: Gao, Song, Poole, Wu & Kingma 2021, *Learning energy-based models by diffusion recovery likelihood*,
    Eq. 11, Alg. 1.
    """
    at_least_one(k=k)
    return Learner(
        reference="Gao, Song, Poole, Wu & Kingma 2021",
        sampler=RecoveryChains(k, kernel_of(kernel, step)),
        direction=RecoveryContrast(),
        requires={"model": (Recovers,)},
    )
