"""Variational learning with reparameterised gradients."""

from typing import Literal

from reverie.capabilities import (
    HasLogJoint,
    HasPosteriorDistribution,
    HasPriorDistribution,
    ReparameterisedProposal,
)
from reverie.directions import ClosedElbo, SampledElbo
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import BaseNoise


@named("elbo")
def ELBO(kl: Literal["closed", "sampled"] = "closed", beta: float = 1.0, samples: int = 1) -> Learner:
    """Ascend the evidence lower bound in the model and the inference model together.

        L(x; θ, φ) = E_{q(h|x)} log p(x | h) − β KL[q(h | x) ‖ p(h)]            (Ou 2019, Alg. 3, Eq. 8 and 13)

    Unbiased for the gradient of the bound; the bound lies below the log-likelihood by KL[q(h | x) ‖ p(h | x)].

    Args:
        kl: the divergence in `closed` form, which asks for distributions that have one, or `sampled`.
        beta: β; 1 is the bound, more asks for a simpler code.
        samples: draws of ε for each row.

    Example:
        >>> from reverie.learners import ELBO
        >>> ELBO(kl="sampled", beta=4.0).options["beta"]
        4.0

    Reference: Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014; β: Higgins et al. 2017.
    """
    at_least_one(samples=samples)
    if not 0 <= beta < float("inf"):
        raise InputError(f"beta must be finite and not negative, not {beta}")
    closed = kl == "closed"
    return Learner(
        reference="Kingma & Welling 2014",
        sampler=BaseNoise("inference", samples),
        direction=ClosedElbo(beta) if closed else SampledElbo(beta),
        requires={
            "model": (HasLogJoint, HasPriorDistribution) if closed else (HasLogJoint,),
            "inference": (ReparameterisedProposal, *((HasPosteriorDistribution,) if closed else ())),
        },
    )
