"""REINFORCE."""

from typing import Literal

from reverie.capabilities import HasLogJoint, HasPosterior
from reverie.directions import ScoreFunction
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import Importance


@named("reinforce")
def Reinforce(samples: int = 1, baseline: Literal["none", "others"] = "none") -> Learner:
    """Ascend the evidence lower bound by the score function, for codes of any kind.

        ∇_φ L = E_q [(log p(x, h) − log q(h | x) − b) ∇_φ log q(h | x)]                        (Ou 2019, note 8)

    Unbiased, and of a variance that grows with the signal; NVIL, MuProp and the rest are ways to bring it down.

    Args:
        samples: codes for each row.
        baseline: b: `none`, or `others`, the mean signal of the row's other codes, which needs two at least.

    Example:
        >>> from reverie.learners import Reinforce
        >>> Reinforce(samples=5, baseline="others").name
        'reinforce'

    Reference: Williams 1992, *Simple statistical gradient-following algorithms*; for this bound: Paisley, Blei &
    Jordan 2012.
    """
    at_least_one(samples=samples)
    if baseline == "others" and samples < 2:
        raise InputError("the baseline `others` needs samples of at least 2")
    return Learner(
        reference="Williams 1992",
        sampler=Importance(samples),
        direction=ScoreFunction(baseline),
        target=both(Target("elbo")),
        requires={"model": (HasLogJoint,), "inference": (HasPosterior,)},
    )
