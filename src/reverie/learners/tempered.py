"""Stochastic maximum likelihood with tempered particles."""

from typing import Literal, TypeAlias

from reverie.capabilities import HasPotential, HasTemperedGibbs, HasTempering, StartsChains
from reverie.directions import Contrastive
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import ParallelTempering, kernel_of

TemperedKernel: TypeAlias = Literal["auto", "gibbs", "mala", "hmc", "gradient-flips", "balanced-flips"]
"""Those that remember nothing between moves, and leave p_β as it is."""


@named("tempered-pcd")
def TemperedMaximumLikelihood(
    k: int = 1,
    particles: int = 100,
    replicas: int = 10,
    kernel: TemperedKernel = "auto",
    step: float | None = None,
) -> Learner:
    """The likelihood gradient with the model's expectation over particles that exchange states with warmer ones.

        E_data ∇u(x) − E_{p_θ} ∇u(x) = 0,    particles at β = 0, …, 1 that leave Π_r p_{β_r} invariant

    Asymptotically exact, as `pcd` is; the particles go on mixing once the weights are large, where chains at the model
    alone stay in a mode. It costs `replicas` times the moves.

    Args:
        k: rounds of moves and exchanges a step.
        particles: how many chains at each temperature.
        replicas: how many temperatures.
        kernel: how chains move at each temperature: `gibbs`, `mala`, `hmc`, `gradient-flips` or `balanced-flips`;
            `auto` is the model's own sweep where it has one, else `mala` of reals and `gradient-flips`.
        step: the kernel's step size, where it has one.

    Example:
        >>> from reverie.learners import TemperedMaximumLikelihood
        >>> TemperedMaximumLikelihood(replicas=5).sampler.replicas
        5

    Reference: Desjardins, Courville, Bengio, Vincent & Delalleau 2010; Salakhutdinov 2009, *Learning in Markov random
    fields using tempered transitions*.
    """
    at_least_one(k=k, particles=particles)
    if replicas < 2:
        raise InputError(f"tempering needs at least 2 replicas, not {replicas}")
    chosen = kernel_of(kernel, step)
    needs = (HasTemperedGibbs,) if kernel == "gibbs" else (StartsChains,) if chosen is None else chosen.needs
    return Learner(
        reference="Desjardins et al. 2010",
        sampler=ParallelTempering(k, particles, replicas, None if kernel == "gibbs" else chosen),
        direction=Contrastive(),
        target={"model": Target("likelihood", claim="asymptotic")},
        requires={"model": (HasPotential, HasTempering, *needs)},
    )
