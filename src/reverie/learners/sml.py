"""Stochastic maximum likelihood, also called persistent contrastive divergence."""

from reverie.capabilities import HasPotential, StartsChains
from reverie.directions import Contrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import KernelName, PersistentChains, kernel_of


@named("pcd")
def StochasticMaximumLikelihood(
    k: int = 1, particles: int = 100, kernel: KernelName = "auto", step: float | None = None
) -> Learner:
    """The likelihood gradient with the model's expectation over particles that are never reset.

        E_data ∇u(x) − E_{p_θ} ∇u(x) = 0                                          (Ou 2019, Eq. 39, Alg. 7)

    Asymptotically exact where the kernel leaves p_θ invariant: as the step size falls the particles stay near the
    moving p_θ.

    Args:
        k: moves a step.
        particles: how many chains.
        kernel: how chains move: `gibbs`, `langevin`, `mala`, `hmc`, `sghmc` or `gradient-flips`; `auto` is the
            model's own Gibbs sweep where it has one, else Langevin moves of reals and informed flips of the rest.
        step: the kernel's step size, where it has one.

    Example:
        >>> from reverie.learners import StochasticMaximumLikelihood
        >>> StochasticMaximumLikelihood().name
        'pcd'

    Reference: Younes 1989; Tieleman 2008.
    """
    at_least_one(k=k, particles=particles)
    chosen = kernel_of(kernel, step)
    return Learner(
        reference="Younes 1989; Tieleman 2008",
        sampler=PersistentChains(k, particles, chosen),
        direction=Contrastive(),
        requires={"model": (HasPotential, *((StartsChains,) if chosen is None else chosen.needs))},
    )
