"""Contrastive divergence of columns given other columns."""

from reverie.capabilities import ConditionsOnColumns
from reverie.directions import ToldContrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import KernelName, ToldChainsFromData, kernel_of


@named("told-cd")
def ToldCD(k: int = 1, kernel: KernelName = "auto", step: float | None = None) -> Learner:
    """The likelihood gradient of columns given others, its expectation by k moves from each row's own.

        θ up 1/n Σ_i ∇[u(y_i; v_i) − u(ỹ_i; v_i)],    ỹ_i k moves from y_i in the model of v_i

    Biased: the chain has not forgotten its row. Nothing is kept between steps, so that it does not matter that no v
    comes twice. Rows given a class are `conditional-cd`'s.

    Args:
        k: moves.
        kernel: how chains move, as `cd` has it; `auto` is the told columns' own sweep where the model has one, else
            Langevin moves of reals and flips informed by the gradient of the rest.
        step: the kernel's step size, where it has one.

    Example:
        >>> from reverie.learners import ToldCD
        >>> ToldCD(k=5).sampler.exactness
        'biased'

    Reference: Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann machines for structured output
    prediction*, §3.1.
    """
    at_least_one(k=k)
    return Learner(
        reference="Mnih, Larochelle & Hinton 2011",
        sampler=ToldChainsFromData(k, kernel_of(kernel, step)),
        direction=ToldContrastive(),
        requires={"model": (ConditionsOnColumns,)},
    )
