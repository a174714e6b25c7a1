"""MuProp."""

from reverie.capabilities import HasCodeLogits, HasPosterior, HasRelaxedJoint
from reverie.directions import MuProp as Expansion
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import Importance


@named("muprop")
def MuProp(samples: int = 1) -> Learner:
    """Ascend the evidence lower bound by its Taylor expansion at the mean code, and by the score function for the rest.

        [f(h) − f(h̄) − f′(h̄)ᵀ(h − h̄)] ∇_φ log q(h | x) + f′(h̄)ᵀ ∇_φ μ(x)

    Unbiased.

    Args:
        samples: codes for each row.

    Example:
        >>> from reverie.learners import MuProp
        >>> MuProp().name
        'muprop'

    Reference: Gu, Levine, Sutskever & Mnih 2016, *MuProp: unbiased backpropagation for stochastic neural networks*.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Gu et al. 2016",
        sampler=Importance(samples),
        direction=Expansion(),
        requires={"model": (HasRelaxedJoint,), "inference": (HasPosterior, HasCodeLogits)},
    )
