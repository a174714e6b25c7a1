"""Gumbel-softmax, also called Concrete."""

from typing import Literal

from reverie.capabilities import HasCodeLogits, HasPriorLogits, HasRelaxation, HasRelaxedJoint
from reverie.directions import Concrete, ConcreteBound, StraightThroughConcrete
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target
from reverie.samplers import CodeNoise


@named("gumbel")
def GumbelSoftmax(
    temperature: float = 1.0,
    floor: float = 0.5,
    rate: float = 1e-5,
    *,
    hard: bool = False,
    samples: int = 1,
    density: Literal["discrete", "relaxed"] = "discrete",
    prior_temperature: float | None = None,
) -> Learner:
    """Ascend a relaxed bound: codes between the corners, nearer to them the lower the temperature.

        h̃ = softmax((a + Gumbel noise)/τ), for bits σ((a + logistic noise)/τ)
        τ_t = max(floor, temperature e^{−rate t})

    Biased for the bound of discrete codes; the bias falls with τ and the variance rises. `hard` sends exact codes up
    and the relaxed ones' gradient down (ST-Gumbel).

    log p(h̃) − log q(h̃ | x) is that of discrete codes, taken linearly between the corners (Jang et al.), or, with
    `density="relaxed"`, of Concrete densities on both sides (Maddison et al.): the lower bound of a model of relaxed
    codes, where the other is the bound of none. That one asks for a model that tells its prior's logits.

    Args:
        temperature: τ at the first step.
        floor: the least τ.
        rate: of its decay, a step.
        hard: straight-through.
        samples: codes for each row.
        density: of prior and posterior: `discrete` or `relaxed`.
        prior_temperature: of the prior's relaxed density; τ where none is given.

    Example:
        >>> from reverie.learners import GumbelSoftmax
        >>> GumbelSoftmax(hard=True).name
        'gumbel'

    Reference: Maddison, Mnih & Teh 2017, *The Concrete distribution*, Eq. 20; Jang, Gu & Poole 2017, *Categorical
    reparameterization with Gumbel-softmax*.
    """
    at_least_one(samples=samples)
    if not 0 < floor <= temperature < float("inf"):
        raise InputError(f"0 < floor <= temperature must hold, not {floor} and {temperature}")
    if not 0 <= rate < float("inf"):
        raise InputError(f"rate must be finite and not negative, not {rate}")
    relaxed = density == "relaxed"
    if hard and relaxed:
        raise InputError("exact codes have no relaxed density: leave out hard, or set density to discrete")
    if prior_temperature is not None and not (relaxed and 0 < prior_temperature < float("inf")):
        raise InputError("prior_temperature is a positive number that goes with density=relaxed")
    kind = StraightThroughConcrete if hard else Concrete
    return Learner(
        reference="Maddison, Mnih & Teh 2017; Jang, Gu & Poole 2017",
        sampler=CodeNoise(samples),
        direction=(
            ConcreteBound(temperature, floor, rate, prior_temperature) if relaxed else kind(temperature, floor, rate)
        ),
        target={
            "model": Target("elbo", claim="unbiased" if hard else "biased"),
            "inference": Target("elbo", claim="biased"),
        },
        requires={
            "model": (HasPriorLogits,) if relaxed else (HasRelaxedJoint,),
            "inference": (HasCodeLogits,) if relaxed else (HasRelaxation,),
        },
    )
