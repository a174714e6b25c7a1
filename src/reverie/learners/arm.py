"""ARM and DisARM."""

from typing import Literal

from reverie.capabilities import HasBitLogits, HasLogJoint
from reverie.directions import AugmentReinforceMerge
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import CodeNoise


@named("arm")
def ARM(samples: int = 1, form: Literal["arm", "disarm"] = "arm") -> Learner:
    """Ascend the evidence lower bound of bits by the difference between two mirrored codes.

        ∇_a E f = E_u [f(1[u > σ(−a)]) − f(1[u < σ(a)])] (u − ½)

    Unbiased; it takes an evaluation of f for each layer and one more. Its noise does not fall as q grows sure of its
    bits, unlike that of REINFORCE; `disarm` sums out what is to blame, with the same mean, less variance and the same
    work. The default is the paper's whose name this has; `disarm` is the one to train with.

    Args:
        samples: pairs of mirrored codes for each row, whose differences are averaged.
        form: `arm`, or `disarm`.

    Example:
        >>> from reverie.learners import ARM
        >>> ARM(samples=2, form="disarm").name
        'arm'

    Reference: Yin & Zhou 2019, *ARM: augment-REINFORCE-merge gradient for stochastic binary networks*, Eq. 5; `disarm`:
    Dong, Mnih & Tucker 2020, *DisARM*, §3.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Yin & Zhou 2019",
        sampler=CodeNoise(samples),
        direction=AugmentReinforceMerge(form),
        target=both(Target("elbo")),
        requires={"model": (HasLogJoint,), "inference": (HasBitLogits,)},
    )
