"""The variational mixture of posteriors as a prior."""

from reverie.capabilities import (
    HasMixturePrior,
    HasPosteriorDistribution,
    HasPseudoInputs,
    ReparameterisedProposal,
)
from reverie.directions import TiedPrior
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import BaseNoise


@named("vampprior")
def VampPrior(k: int = 1) -> Learner:
    """Tie the components of a mixture prior to the posterior at rows that are learned with the rest.

        p(h) = 1/C Σ_c q_φ(h | u_c),    θ, φ, u up E log 1/K Σ_k p(x, h_k) / q(h_k | x)

    The prior that is best for q is q's average over the data; here it is q's average over pseudo-inputs u_c, one for
    each component that the model has. A prior that depends on the inference model is a way of moving the model's own
    mixture: what is left after the fit is a model by itself, whose components are those of the last step.

    Args:
        k: K, draws for each row; 1 is the paper's evidence lower bound.

    Example:
        >>> from reverie.learners import VampPrior
        >>> VampPrior().direction.moves
        ('model', 'inference', 'pseudo-inputs')

    Reference: Tomczak & Welling 2018, *VAE with a VampPrior*.
    """
    at_least_one(k=k)
    return Learner(
        reference="Tomczak & Welling 2018",
        sampler=BaseNoise("inference", k),
        direction=TiedPrior(),
        requires={
            "model": (HasMixturePrior,),
            "inference": (ReparameterisedProposal, HasPosteriorDistribution),
            "pseudo-inputs": (HasPseudoInputs,),
        },
    )
