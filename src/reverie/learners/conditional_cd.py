"""Contrastive divergence of rows given their labels."""

from reverie.capabilities import ConditionsOnClass
from reverie.directions import ClassContrastive
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import ClassChainsFromData


@named("conditional-cd")
def ConditionalCD(k: int = 1) -> Learner:
    """The likelihood gradient of rows and labels, its expectation by k sweeps from each row that keep its label.

        θ up 1/n Σ_i ∇[log p(y_i) + u(x_i, y_i) − u(x̃_i, y_i)],    x̃_i k sweeps from x_i in the model of y_i

    Biased: the chain has not forgotten its row, and what it never visits may keep too much probability; Mnih,
    Larochelle & Hinton warn of that where rows are to be predicted. But it keeps nothing between steps, and so costs
    the same however many conditions there are. Rows without a label say nothing.

    Args:
        k: sweeps.

    Example:
        >>> from reverie.learners import ConditionalCD
        >>> ConditionalCD(k=5).labels
        True

    Reference: Taylor & Hinton 2007, *Factored conditional restricted Boltzmann machines*; Mnih, Larochelle & Hinton
    2011, *Conditional restricted Boltzmann machines for structured output prediction*.
    """
    at_least_one(k=k)
    return Learner(
        reference="Taylor & Hinton 2007",
        sampler=ClassChainsFromData(k),
        direction=ClassContrastive(),
        requires={"model": (ConditionsOnClass,)},
        labels=True,
    )
