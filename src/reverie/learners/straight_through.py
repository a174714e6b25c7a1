"""Straight-through."""

from reverie.capabilities import HasRelaxation, HasRelaxedJoint
from reverie.directions import StraightThrough as Past
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import CodeNoise


@named("straight-through")
def StraightThrough(samples: int = 1) -> Learner:
    """Ascend the evidence lower bound as if each discrete code were its mean when the gradient comes back.

        h = H(a + noise) going up;  ∂h/∂a = ∂σ(a)/∂a coming down

    Biased, with no bound on the bias.

    Args:
        samples: codes for each row.

    Example:
        >>> from reverie.learners import StraightThrough
        >>> StraightThrough().name
        'straight-through'

    Reference: Bengio, Léonard & Courville 2013, *Estimating or propagating gradients through stochastic neurons*, §4.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Bengio, Léonard & Courville 2013",
        sampler=CodeNoise(samples),
        direction=Past(),
        target={"model": Target("elbo"), "inference": Target("elbo", claim="biased")},
        requires={"model": (HasRelaxedJoint,), "inference": (HasRelaxation,)},
    )
