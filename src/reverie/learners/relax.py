"""RELAX."""

from reverie.capabilities import HasRelaxation, HasRelaxedJoint, StandsInFreely
from reverie.directions import ControlVariate
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import CodeNoise


@named("relax")
def RELAX(samples: int = 1) -> Learner:
    """REBAR with a network added to the control variate, learned by lowering the variance.

        [f(b) − c(z̃)] ∇_φ log q(b | x) + ∇_φ c(z) − ∇_φ c(z̃),  c(z) = f(σ(z/τ)) + r_ψ(x, z)

    Unbiased for any ψ and τ.

    Args:
        samples: codes for each row.

    Example:
        >>> from reverie.learners import RELAX
        >>> RELAX().name
        'relax'

    Reference: Grathwohl, Choi, Wu, Roeder & Duvenaud 2018, *Backpropagation through the void*, Alg. 1.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Grathwohl et al. 2018",
        sampler=CodeNoise(samples, sets=2),
        direction=ControlVariate(),
        target=both(Target("elbo")),
        requires={"model": (HasRelaxedJoint,), "inference": (HasRelaxation,), "surrogate": (StandsInFreely,)},
    )
