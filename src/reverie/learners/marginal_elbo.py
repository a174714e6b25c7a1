"""Variational learning with the class summed out."""

from reverie.capabilities import HasBranches, HasClass
from reverie.directions import MarginalElbo, Weighting
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import BaseNoise


@named("marginal-elbo")
def MarginalELBO(samples: int = 1, beta: float = 1.0, warmup: int = 0, free_bits: float = 0.0) -> Learner:
    """Ascend the evidence lower bound of codes with a class in them, the sum over classes written out.

        L(x; θ, φ) = E_ε Σ_y q(y | x) [log p(x, z_y, y) − log q(z_y | x, y) − log q(y | x)],   z_y = z_φ(x, y, ε)

    Unbiased for the gradient of the bound, with the variance of ε alone. Labels are not used: the classes become what
    tells rows apart best, clusters in a mixture.

    Args:
        samples: draws of ε for each row.
        beta: the weight of the divergence.
        warmup: steps in which that rises from 0.
        free_bits: nats below which the divergence is not pushed.

    Example:
        >>> from reverie.learners import MarginalELBO
        >>> MarginalELBO(samples=2).sampler.count
        2

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, Eq. 7;
    for clustering: Jiang et al. 2017, *Variational deep embedding*.
    """
    at_least_one(samples=samples)
    weighting = Weighting(beta, warmup, free_bits=free_bits)
    return Learner(
        reference="Kingma et al. 2014",
        sampler=BaseNoise("inference", samples),
        direction=MarginalElbo(weighting),
        target=both(Target("elbo")) if weighting.plain else {},
        requires={"model": (HasClass,), "inference": (HasBranches,)},
    )
