"""Stochastic maximum likelihood with a mean-field posterior."""

from reverie.capabilities import HasMachines, HasMeanField
from reverie.directions import MachinesFirst, MeanFieldContrastive
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import PersistentStates, StackPasses, Together


@named("mean-field-pcd")
def MeanFieldPCD(k: int = 5, particles: int = 100, pretrain: int = 0) -> Learner:
    """The gradient of a mean-field bound, with the model's expectation over particles that are never reset.

        θ up E_data ∇ [E_{q(h|x)} log p̃(x, h) + H(q)] − E_{p_θ} ∇ u(state),    q fully factorised

    With `pretrain`, the machines between the layers are learned one after the other first, each by contrastive
    divergence on what those below make of the data.

    Args:
        k: sweeps a step.
        particles: how many chains.
        pretrain: steps for each machine, 0 for none.

    Example:
        >>> from reverie.learners import MeanFieldPCD
        >>> MeanFieldPCD(k=1).name
        'mean-field-pcd'

    Reference: Salakhutdinov & Hinton 2009, *Deep Boltzmann machines*, Alg. 1; the machines: §3.1.
    """
    at_least_one(k=k, particles=particles)
    if pretrain < 0:
        raise InputError(f"pretrain must not be negative, not {pretrain}")
    states = PersistentStates(k, particles)
    return Learner(
        reference="Salakhutdinov & Hinton 2009",
        sampler=Together((states, StackPasses(k, pretrain))) if pretrain else states,
        direction=MachinesFirst(MeanFieldContrastive(), pretrain) if pretrain else MeanFieldContrastive(),
        requires={"model": (HasMeanField, HasMachines) if pretrain else (HasMeanField,)},
    )
