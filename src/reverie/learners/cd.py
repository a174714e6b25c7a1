"""Contrastive divergence."""

from reverie.capabilities import HasPotential, StartsChains
from reverie.directions import Contrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import ChainsFromData, KernelName, kernel_of


@named("cd")
def ContrastiveDivergence(k: int = 1, kernel: KernelName = "auto", step: float | None = None) -> Learner:
    """The likelihood gradient with the model's expectation taken after k moves of a Markov chain from the data.

        θ up E_data ∇u(x) − E_{k moves from data} ∇u(x)

    Biased: the chain has not forgotten the data. The bias falls as k grows.

    Args:
        k: moves.
        kernel: how chains move: `gibbs`, `langevin`, `mala`, `hmc`, `nuts`, `sghmc`, `gradient-flips` or
            `balanced-flips`; `auto` is the model's own Gibbs sweep where it has one, else Langevin moves of reals and
            flips informed by the gradient of the rest.
        step: the kernel's step size, where it has one.

    Example:
        >>> from reverie.learners import ContrastiveDivergence
        >>> ContrastiveDivergence(k=25).sampler.exactness
        'biased'

    Reference: Hinton 2002, *Training products of experts by minimizing contrastive divergence*.
    """
    at_least_one(k=k)
    chosen = kernel_of(kernel, step)
    return Learner(
        reference="Hinton 2002",
        sampler=ChainsFromData(k, chosen),
        direction=Contrastive(),
        target={"model": Target("likelihood", claim="biased")},
        requires={"model": (HasPotential, *((StartsChains,) if chosen is None else chosen.needs))},
    )
