"""REBAR."""

from reverie.capabilities import HasRelaxation, HasRelaxedJoint, StandsIn
from reverie.directions import ControlVariate
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import CodeNoise


@named("rebar")
def REBAR(samples: int = 1) -> Learner:
    """REINFORCE with the relaxed code's signal for a control variate, whose temperature and scale are learned.

        [f(b) − η f(σ(z̃/τ))] ∇_φ log q(b | x) + η ∇_φ f(σ(z/τ)) − η ∇_φ f(σ(z̃/τ))

    Unbiased for any η and τ; both go down the variance. Another `surrogate` part makes it RELAX.

    Args:
        samples: codes for each row.

    Example:
        >>> from reverie.learners import REBAR
        >>> REBAR().direction.moves
        ('model', 'inference', 'surrogate')

    Reference: Tucker, Mnih, Maddison, Lawson & Sohl-Dickstein 2017, *REBAR*, Eq. 7.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Tucker et al. 2017",
        sampler=CodeNoise(samples, sets=2),
        direction=ControlVariate(),
        target=both(Target("elbo")),
        requires={"model": (HasRelaxedJoint,), "inference": (HasRelaxation,), "surrogate": (StandsIn,)},
    )
