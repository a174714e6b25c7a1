"""Adversarial variational Bayes."""

from reverie.capabilities import DiscriminatesPairs, HasJointSample, HasLogJoint, Reparameterised
from reverie.directions import AdversarialElbo, PairCriticUp
from reverie.directions.avb import Contrast
from reverie.directions.direction import Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import BaseNoise


@named("avb")
def AVB(contrast: Contrast = "adaptive", moments: int = 20, samples: int = 1, critic_steps: int = 3) -> Learner:
    """Ascend the evidence lower bound of an inference model that can be drawn from but has no density.

        θ, φ up E_{q(h|x)} [log p(x, h) − log r(h | x) − V(x, h)];   ψ: tell h ~ q(h | x) from h ~ r(h | x)

    For the best critic, V = log q(h | x) − log r(h | x), the first is the evidence lower bound; for any other it is
    biased by the critic's error, so that `elbo_by_critic` is no bound. The adaptive r is a Gaussian with the moments of
    q(h | x), which leaves the critic little to learn.

    Args:
        contrast: `adaptive`, or `prior`: codes are told from the prior's, as in the plain algorithm.
        moments: draws for the moments of q(h | x), where adaptive.
        samples: draws of ε for each row.
        critic_steps: steps of the critic for each step of the others; 1 is enough for a posterior that is nearly
            Gaussian.

    Example:
        >>> from reverie.learners import AVB
        >>> AVB().direction.moves
        ('critic', 'model', 'inference')

    Reference: Mescheder, Nowozin & Geiger 2017, Algorithms 1 and 2.
    """
    at_least_one(samples=samples, critic_steps=critic_steps)
    if moments < 3:
        raise InputError(f"moments must be at least 3, not {moments}")
    adaptive = contrast == "adaptive"
    return Learner(
        reference="Mescheder et al. 2017",
        sampler=BaseNoise("inference", samples + (moments if adaptive else 0)),
        direction=Join((PairCriticUp(contrast, moments), AdversarialElbo(contrast, moments))),
        requires={
            "model": (HasLogJoint,) if adaptive else (HasLogJoint, HasJointSample),
            "inference": (Reparameterised,),
            "critic": (DiscriminatesPairs,),
        },
        usual={"inference": "implicit"},
        cadence={"model": critic_steps, "inference": critic_steps},
    )
