"""Persistent contrastive divergence of columns given other columns."""

from reverie.capabilities import ConditionsOnColumns
from reverie.directions import ToldContrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import KernelName, PersistentToldChains, kernel_of


@named("told-pcd")
def ToldPCD(k: int = 1, kernel: KernelName = "auto", step: float | None = None) -> Learner:
    """The likelihood gradient of columns given others, its expectation by a chain for each row that is never reset.

        θ up 1/n Σ_i ∇[u(y_i; v_i) − u(ỹ_i; v_i)],    ỹ_i k moves on from where row i's chain was left

    Every row has given columns of its own, and so a chain of its own; with many rows its chain is old when its turn
    comes, and `told-cd` may do as well.

    Args:
        k: moves a visit.
        kernel: how chains move, as `told-cd` has it.
        step: the kernel's step size, where it has one.

    Example:
        >>> from reverie.learners import ToldPCD
        >>> ToldPCD().name
        'told-pcd'

    Reference: Tieleman 2008; Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann machines for structured
    output prediction*, §3.2.
    """
    at_least_one(k=k)
    return Learner(
        reference="Tieleman 2008; Mnih, Larochelle & Hinton 2011",
        sampler=PersistentToldChains(k, kernel_of(kernel, step)),
        direction=ToldContrastive(),
        requires={"model": (ConditionsOnColumns,)},
    )
