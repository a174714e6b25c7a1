"""Reweighted wake-sleep."""

import typing

from reverie.capabilities import HasJointSample, HasLogJoint, HasPosterior, Proposes
from reverie.directions import Fisher, InclusiveFromData, InclusiveFromDreams
from reverie.directions.direction import Direction, Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, bound
from reverie.samplers import Dream, Importance, Sampler, Together


@named("rws")
def ReweightedWakeSleep(
    k: int = 5, *, wake_theta: bool = True, wake_phi: bool = True, sleep_phi: bool = False
) -> Learner:
    """Wake-sleep with K weighted codes, and the inference model fitted on data, on dreams, or on both.

        w̄_k ∝ p(x, h_k) / q(h_k | x);   θ up Σ_k w̄_k ∇_θ log p(x, h_k)                      (Ou 2019, Eq. 23)
        wake φ up Σ_k w̄_k ∇_φ log q(h_k | x);   sleep φ as in wake-sleep                     (Ou 2019, Eq. 25)

    The wake updates are biased by O(1/K) for the gradient of the log-likelihood and of KL[p(h|x) ‖ q(h|x)]; for θ
    the expectation is exactly the gradient of the K-sample bound (Eq. 24). With both φ updates on, they add.

    Args:
        k: K, codes for each row.
        wake_theta: move the model.
        wake_phi: move the inference model on data; with neither update of φ it need only propose codes that can be
            weighed, with auxiliary variables or without.
        sleep_phi: move the inference model on dreams.

    Example:
        >>> from reverie.learners import ReweightedWakeSleep
        >>> ReweightedWakeSleep(k=5, sleep_phi=True).sampler.gives
        ('codes', 'dreams')

    Reference: Bornschein & Bengio 2015.
    """
    at_least_one(k=k)
    switched = ((wake_theta, Fisher()), (wake_phi, InclusiveFromData()), (sleep_phi, InclusiveFromDreams()))
    directions = tuple(typing.cast(Direction, direction) for on, direction in switched if on)
    if not directions:
        raise InputError("reweighted wake-sleep with every update switched off moves nothing")
    # The two updates of φ together are the gradient of nothing that has a name.
    alone = Target("dreams") if sleep_phi else Target("likelihood", claim="biased")
    targets = {"model": bound(k) if wake_theta else None, "inference": alone if wake_phi != sleep_phi else None}
    samplers: tuple[Sampler, ...] = (Importance(k), Dream()) if sleep_phi else (Importance(k),)
    model = (HasLogJoint, HasJointSample) if sleep_phi else (HasLogJoint,)
    # Where φ rests, its draws need only be weighed.
    inference = (HasPosterior,) if wake_phi or sleep_phi else (Proposes,)
    return Learner(
        reference="Bornschein & Bengio 2015",
        sampler=Together(samplers),
        direction=Join(directions),
        target={name: target for name, target in targets.items() if target},
        requires={"model": model, "inference": inference},
    )
