"""Persistent contrastive divergence with fast weights."""

from reverie.capabilities import HasPotential, StartsChains
from reverie.directions import Contrastive
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import FastWeightChains, KernelName, kernel_of


@named("fast-pcd")
def FastWeightPCD(
    k: int = 1,
    particles: int = 100,
    rate: float = 0.05,
    decay: float = 19 / 20,
    kernel: KernelName = "auto",
    step: float | None = None,
) -> Learner:
    """The likelihood gradient over particles that fast weights keep pushing out of the modes that they are in.

        E_data ∇u_θ(x) − E ∇u_θ(x) = 0,    particles moved by K_{θ+w},    w ← a w + r [E_data ∇u_θ − E ∇u_θ]

    Biased, where `pcd` is so only for step sizes that do not fall; but the particles go on mixing, at no cost beside
    the moves, where the weights are large. With r = 0 it is `pcd`.

    Args:
        k: moves a step.
        particles: how many chains.
        rate: r, at which fast weights learn.
        decay: a, what is left of fast weights after a step.
        kernel: how chains move, as `pcd` has it.
        step: the kernel's step size, where it has one.

    Example:
        >>> from reverie.learners import FastWeightPCD
        >>> FastWeightPCD(rate=0.1).sampler.decay
        0.95

    Reference: Tieleman & Hinton 2009, *Using fast weights to improve persistent contrastive divergence*, §3.
    """
    at_least_one(k=k, particles=particles)
    if not 0.0 <= rate < float("inf") or not 0.0 <= decay < 1.0:
        raise InputError(f"rate must be finite and not negative, and decay lie in [0, 1): they are {rate} and {decay}")
    chosen = kernel_of(kernel, step)
    return Learner(
        reference="Tieleman & Hinton 2009",
        sampler=FastWeightChains(k, particles, rate, decay, chosen),
        direction=Contrastive(),
        target={"model": Target("likelihood", claim="biased")},
        requires={"model": (HasPotential, *((StartsChains,) if chosen is None else chosen.needs))},
    )
