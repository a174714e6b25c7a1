"""Aggressive training of the inference model, against posterior collapse."""

from reverie.capabilities import HasLogJoint, HasPosterior, ReparameterisedProposal
from reverie.directions import LaggingElbo, Weighting, inference_due, model_due
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import BaseNoise


@named("lagging")
def LaggingInference(
    inner: int = 100,
    window: int = 10,
    every: int = 100,
    samples: int = 1,
    beta: float = 1.0,
    warmup: int = 0,
    *,
    cycles: int = 1,
    ramp: float = 0.5,
    free_bits: float = 0.0,
) -> Learner:
    """Ascend the evidence lower bound, at first with many steps of the inference model for each of the model.

        aggressive: φ up L(x; θ, φ) until L stops rising, then θ up L once, and again;
        from when the mutual information I_q(x; h) stops rising: θ and φ up L together

    A decoder that learns before the inference model has caught up learns to do without the code, and the code then
    collapses onto the prior. Unbiased for the gradient of the bound; only the order of the steps is another.

    Args:
        inner: the most steps of the inference model for one of the model.
        window: steps, over two of which the bound is compared.
        every: steps of the model between two looks at the mutual information; an epoch, in the paper.
        samples: codes for each row.
        beta: the weight of the divergence.
        warmup: steps of the model in which that rises from 0.
        cycles: how often it rises.
        ramp: the share of a cycle in which it rises; a cycle has `warmup` / `ramp` steps.
        free_bits: nats below which no group's divergence is pushed, as the learner `elbo` has it.

    Example:
        >>> from reverie.learners import LaggingInference
        >>> LaggingInference(inner=30).direction.window
        10

    Reference: He, Spokoyny, Neubig & Berg-Kirkpatrick 2019, *Lagging inference networks and posterior collapse in
    variational autoencoders*, Algorithm 1.
    """
    at_least_one(samples=samples)
    weighting = Weighting(beta, warmup, cycles, ramp, free_bits)
    return Learner(
        reference="He et al. 2019",
        sampler=BaseNoise("inference", samples),
        direction=LaggingElbo(weighting, inner, window, every),
        target=both(Target("elbo")) if weighting.plain else {},
        requires={"model": (HasLogJoint,), "inference": (HasPosterior, ReparameterisedProposal)},
        cadence={"inference": inference_due, "model": model_due},
    )
