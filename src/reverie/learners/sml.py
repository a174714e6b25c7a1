"""Stochastic maximum likelihood, also called persistent contrastive divergence."""

from reverie.capabilities import HasGibbs, HasPotential
from reverie.directions import Contrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import PersistentGibbs


@named("pcd")
def StochasticMaximumLikelihood(k: int = 1, particles: int = 100) -> Learner:
    """The likelihood gradient with the model's expectation over particles that are never reset.

        E_data ∇u(x) − E_{p_θ} ∇u(x) = 0                                          (Ou 2019, Eq. 39, Alg. 7)

    Asymptotically exact: as the step size falls the particles stay near the moving p_θ.

    Args:
        k: sweeps a step.
        particles: how many chains.

    Example:
        >>> from reverie.learners import StochasticMaximumLikelihood
        >>> StochasticMaximumLikelihood().name
        'pcd'

    Reference: Younes 1989; Tieleman 2008.
    """
    at_least_one(k=k, particles=particles)
    return Learner(
        reference="Younes 1989; Tieleman 2008",
        sampler=PersistentGibbs(k, particles),
        direction=Contrastive(),
        requires={"model": (HasPotential, HasGibbs)},
    )
