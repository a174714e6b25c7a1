"""Neural variational inference and learning."""

from reverie.capabilities import HasLogJoint, HasPosterior, PredictsValue
from reverie.directions import NeuralVariational
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import Importance


@named("nvil")
def NVIL(samples: int = 1, decay: float = 0.8) -> Learner:
    """REINFORCE on a signal that is centred by a learned baseline of x and scaled by its own spread.

        φ up (f(h) − C_ψ(x) − c) / max(1, σ) ∇_φ log q(h | x),  f = log p(x, h) − log q(h | x)

    Unbiased for θ, and for φ up to the factor 1/max(1, σ), which comes from the steps before.

    Args:
        samples: codes for each row.
        decay: of the moving averages c and σ².

    Example:
        >>> from reverie.learners import NVIL
        >>> NVIL().direction.moves
        ('model', 'inference', 'baseline')

    Reference: Mnih & Gregor 2014, *Neural variational inference and learning in belief networks*, Alg. 1.
    """
    at_least_one(samples=samples)
    if not 0 <= decay < 1:
        raise InputError(f"decay must lie in [0, 1), not {decay}")
    return Learner(
        reference="Mnih & Gregor 2014",
        sampler=Importance(samples),
        direction=NeuralVariational(decay),
        target={"model": Target("elbo"), "inference": Target("elbo", claim="scaled")},
        requires={"model": (HasLogJoint,), "inference": (HasPosterior,), "baseline": (PredictsValue,)},
    )
