"""MuProp."""

from reverie.capabilities import HasCodeLogits, HasPosterior, HasRelaxedJoint, PredictsValue
from reverie.directions import MuProp as Expansion
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import Importance


@named("muprop")
def MuProp(samples: int = 1, decay: float = 0.8) -> Learner:
    """Ascend the evidence lower bound by its Taylor expansion at the mean code, and by the score function for the rest.

        [f(h) − f(h̄) − f′(h̄)ᵀ(h − h̄) − C_ψ(x) − c] ∇_φ log q(h | x) + f′(h̄)ᵀ ∇_φ μ(x)

    Unbiased. The part `baseline` and a moving average centre what the expansion leaves.

    Args:
        samples: codes for each row.
        decay: of the moving average c.

    Example:
        >>> from reverie.learners import MuProp
        >>> MuProp().name
        'muprop'

    Reference: Gu, Levine, Sutskever & Mnih 2016, *MuProp: unbiased backpropagation for stochastic neural networks*.
    """
    at_least_one(samples=samples)
    if not 0 <= decay < 1:
        raise InputError(f"decay must lie in [0, 1), not {decay}")
    return Learner(
        reference="Gu et al. 2016",
        sampler=Importance(samples),
        direction=Expansion(decay),
        target=both(Target("elbo")),
        requires={
            "model": (HasRelaxedJoint,),
            "inference": (HasPosterior, HasCodeLogits),
            "baseline": (PredictsValue,),
        },
    )
