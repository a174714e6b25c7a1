"""Variational learning with reparameterised gradients."""

from typing import Literal

from reverie.capabilities import (
    HasLogJoint,
    HasPosterior,
    HasPosteriorDistribution,
    HasPriorDistribution,
    ReparameterisedProposal,
)
from reverie.directions import AutoElbo, ClosedElbo, Direction, PathElbo, SampledElbo, Weighting
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import BaseNoise


@named("elbo")
def ELBO(
    kl: Literal["auto", "closed", "sampled"] = "auto",
    beta: float = 1.0,
    samples: int = 1,
    *,
    gradient: Literal["total", "path"] = "total",
    warmup: int = 0,
    cycles: int = 1,
    ramp: float = 0.5,
    free_bits: float = 0.0,
) -> Learner:
    """Ascend the evidence lower bound in the model and the inference model together.

        L(x; θ, φ) = E_{q(h|x)} log p(x | h) − β KL[q(h | x) ‖ p(h)]            (Ou 2019, Alg. 3, Eq. 8 and 13)

    Unbiased for the gradient of L, whichever gradient and form of the divergence. With β = 1, L lies below the
    log-likelihood by KL[q(h | x) ‖ p(h | x)]. β below 1, warm-up, cycles and free bits keep the divergence from closing
    the code before the decoder reads it.

    Args:
        kl: the divergence in `closed` form, which asks for distributions that have one, `sampled`, or `auto`: closed
            where the parts have it, sampled where they do not.
        beta: β; 1 is the bound, more asks for a simpler code, less for a fuller one.
        samples: draws of ε for each row.
        gradient: `total`, or `path`, through h alone: without variance where q is the posterior. The divergence is
            sampled then.
        warmup: steps in which β rises from 0.
        cycles: how often it rises.
        ramp: the share of a cycle in which it rises; a cycle has `warmup` / `ramp` steps.
        free_bits: λ nats below which no group's divergence is pushed; a group is one variable where the divergence is
            closed and they are independent, and all variables where it is sampled.

    Example:
        >>> from reverie.learners import ELBO
        >>> ELBO(kl="sampled", beta=4.0).options["beta"]
        4.0

    Reference: Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014; β: Higgins et al. 2017; path: Roeder, Wu &
    Duvenaud 2017; cycles: Fu et al. 2019; free bits: Kingma et al. 2016.
    """
    at_least_one(samples=samples)
    if gradient == "path" and kl == "closed":
        raise InputError("the path derivative needs a sampled divergence: leave kl at auto, or set it to sampled")
    if gradient == "path" and free_bits > 0:
        raise InputError(
            "free bits and the path derivative do not go together: the score that it leaves out has a mean"
        )
    weighting = Weighting(beta, warmup, cycles, ramp, free_bits)
    forms: dict[str, Direction] = {
        "auto": AutoElbo(weighting),
        "closed": ClosedElbo(weighting),
        "sampled": SampledElbo(weighting),
    }
    closed = kl == "closed"
    more = (HasPosterior,) if gradient == "path" else (HasPosteriorDistribution,) if closed else ()
    return Learner(
        reference="Kingma & Welling 2014",
        sampler=BaseNoise("inference", samples),
        direction=PathElbo(weighting) if gradient == "path" else forms[kl],
        target=both(Target("elbo")) if weighting.plain else {},
        requires={
            "model": (HasLogJoint, HasPriorDistribution) if closed else (HasLogJoint,),
            "inference": (ReparameterisedProposal, *more),
        },
    )
