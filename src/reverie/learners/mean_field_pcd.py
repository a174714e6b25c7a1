"""Stochastic maximum likelihood with a mean-field posterior."""

from reverie.capabilities import HasMeanField
from reverie.directions import MeanFieldContrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import PersistentStates


@named("mean-field-pcd")
def MeanFieldPCD(k: int = 5, particles: int = 100) -> Learner:
    """The gradient of a mean-field bound, with the model's expectation over particles that are never reset.

        θ up E_data ∇ [E_{q(h|x)} log p̃(x, h) + H(q)] − E_{p_θ} ∇ u(state),    q fully factorised

    Args:
        k: sweeps a step.
        particles: how many chains.

    Example:
        >>> from reverie.learners import MeanFieldPCD
        >>> MeanFieldPCD(k=1).name
        'mean-field-pcd'

    Reference: Salakhutdinov & Hinton 2009, *Deep Boltzmann machines*, Alg. 1.
    """
    at_least_one(k=k, particles=particles)
    return Learner(
        reference="Salakhutdinov & Hinton 2009",
        sampler=PersistentStates(k, particles),
        direction=MeanFieldContrastive(),
        requires={"model": (HasMeanField,)},
    )
