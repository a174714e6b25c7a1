"""Greedy layer-wise learning of a deep belief net and its fine-tuning."""

from reverie.capabilities import HasBeliefStack
from reverie.directions import UpDown
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import StackPasses


@named("up-down")
def GreedyUpDown(pretrain: int = 2000, k: int = 1, *, persist: bool = False) -> Learner:
    """A stack of restricted machines learned one after the other, then all layers together by the up-down algorithm.

        steps l T … (l + 1) T: machine l up E ∇u_l(h_l) − E_{k sweeps} ∇u_l(h_l), h_l by the recognition of the data
        thereafter: the layers below by wake and sleep, the machine on top by contrastive divergence

    Args:
        pretrain: T, steps for each machine.
        k: sweeps of a machine.
        persist: particles go on from where they were, instead of from the data.

    Example:
        >>> from reverie.learners import GreedyUpDown
        >>> GreedyUpDown(pretrain=500).direction.pretrain
        500

    Reference: Hinton, Osindero & Teh 2006, *A fast learning algorithm for deep belief nets*, §4, §5 and appendix B.
    """
    at_least_one(pretrain=pretrain, k=k)
    return Learner(
        reference="Hinton, Osindero & Teh 2006",
        sampler=StackPasses(k, pretrain, persist),
        direction=UpDown(pretrain),
        requires={"model": (HasBeliefStack,)},
    )
