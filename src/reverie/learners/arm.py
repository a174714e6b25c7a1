"""ARM."""

from reverie.capabilities import HasBitLogits, HasLogJoint
from reverie.directions import AugmentReinforceMerge
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import CodeNoise


@named("arm")
def ARM(samples: int = 1) -> Learner:
    """Ascend the evidence lower bound of bits by the difference between two mirrored codes.

        ∇_a E f = E_u [f(1[u > σ(−a)]) − f(1[u < σ(a)])] (u − ½)

    Unbiased; it has nothing to tune, and takes two evaluations of f for each layer.

    Args:
        samples: codes for each row.

    Example:
        >>> from reverie.learners import ARM
        >>> ARM().name
        'arm'

    Reference: Yin & Zhou 2019, *ARM: augment-REINFORCE-merge gradient for stochastic binary networks*, Eq. 5.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Yin & Zhou 2019",
        sampler=CodeNoise(samples),
        direction=AugmentReinforceMerge(),
        target=both(Target("elbo")),
        requires={"model": (HasLogJoint,), "inference": (HasBitLogits,)},
    )
