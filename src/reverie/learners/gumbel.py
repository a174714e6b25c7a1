"""Gumbel-softmax, also called Concrete."""

from reverie.capabilities import HasRelaxation, HasRelaxedJoint
from reverie.directions import Concrete, StraightThroughConcrete
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import CodeNoise


@named("gumbel")
def GumbelSoftmax(
    temperature: float = 1.0, floor: float = 0.5, rate: float = 1e-5, *, hard: bool = False, samples: int = 1
) -> Learner:
    """Ascend a relaxed bound: codes between the corners, nearer to them the lower the temperature.

        h̃ = softmax((a + Gumbel noise)/τ), for bits σ((a + logistic noise)/τ)
        τ_t = max(floor, temperature e^{−rate t})

    Biased for the bound of discrete codes; the bias falls with τ and the variance rises. `hard` sends exact codes up
    and the relaxed ones' gradient down (ST-Gumbel).

    Args:
        temperature: τ at the first step.
        floor: the least τ.
        rate: of its decay, a step.
        hard: straight-through.
        samples: codes for each row.

    Example:
        >>> from reverie.learners import GumbelSoftmax
        >>> GumbelSoftmax(hard=True).name
        'gumbel'

    Reference: Maddison, Mnih & Teh 2017, *The Concrete distribution*; Jang, Gu & Poole 2017, *Categorical
    reparameterization with Gumbel-softmax*.
    """
    at_least_one(samples=samples)
    if not 0 < floor <= temperature < float("inf"):
        raise InputError(f"0 < floor <= temperature must hold, not {floor} and {temperature}")
    if not 0 <= rate < float("inf"):
        raise InputError(f"rate must be finite and not negative, not {rate}")
    kind = StraightThroughConcrete if hard else Concrete
    return Learner(
        reference="Maddison, Mnih & Teh 2017; Jang, Gu & Poole 2017",
        sampler=CodeNoise(samples),
        direction=kind(temperature, floor, rate),
        target={
            "model": Target("elbo", claim="unbiased" if hard else "biased"),
            "inference": Target("elbo", claim="biased"),
        },
        requires={"model": (HasRelaxedJoint,), "inference": (HasRelaxation,)},
    )
