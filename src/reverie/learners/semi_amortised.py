"""Semi-amortised variational learning."""

from reverie.capabilities import HasRealCodes, Refines, ReparameterisedProposal
from reverie.directions import AutoElbo, Weighting
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import BaseNoise


@named("semi-amortised")
def SemiAmortised(samples: int = 1, beta: float = 1.0, warmup: int = 0, free_bits: float = 0.0) -> Learner:
    """Ascend the evidence lower bound of posteriors that begin at an amortised guess and are refined for each row.

        λ_0 = λ_φ(x),  λ_{t+1} = λ_t + η ∇_λ L(x; θ, λ_t);   θ, φ up L(x; θ, λ_T)

    The gradient passes through the climb, to φ and, by way of the climb, to θ a second time: the start learns to be
    one from which few steps lead far. How many steps, and whether the gradient passes, are the inference part's
    options. Unbiased for the gradient of the bound at λ_T.

    Args:
        samples: codes for each row.
        beta: the weight of the divergence.
        warmup: steps in which that rises from 0.
        free_bits: nats below which no group's divergence is pushed.

    Example:
        >>> from reverie.learners import SemiAmortised
        >>> SemiAmortised().requires["inference"][0].__name__
        'Refines'

    Reference: Kim, Wiseman, Miller, Sontag & Rush 2018, *Semi-amortized variational autoencoders*, Alg. 1.
    """
    at_least_one(samples=samples)
    return Learner(
        reference="Kim et al. 2018",
        sampler=BaseNoise("inference", samples),
        direction=AutoElbo(Weighting(beta, warmup, free_bits=free_bits)),
        requires={"model": (HasRealCodes,), "inference": (Refines, ReparameterisedProposal)},
    )
