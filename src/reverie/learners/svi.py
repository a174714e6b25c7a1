"""Stochastic variational inference."""

from reverie.capabilities import HasPosterior, HasRealCodes
from reverie.directions import Fisher, InclusiveFromData
from reverie.directions.direction import Join
from reverie.learners.learner import Learner, named
from reverie.samplers import LocalVariational


@named("svi")
def StochasticVariationalInference(steps: int = 10, rate: float = 0.1, half: int = 100, samples: int = 1) -> Learner:
    """Ascend the evidence lower bound with a Gaussian of its own for every row, in place of an amortised one.

        (μ_i, σ_i) up L_i = E_{N(h; μ_i, diag σ_i²)} [log p(x_i, h) − log q_i(h)];   θ up E_{q_i} ∇_θ log p(x_i, h)

    A row's numbers are kept, and refined some steps further at each visit. No amortisation gap is left, at the price of
    the steps and of two numbers for each row and latent variable. So that other rows can be scored, an inference
    model is fitted to the codes beside it, by the inclusive divergence; it has no say in the rest.

    Args:
        steps: of the row's own numbers, at each visit.
        rate: their size at first.
        half: a row's own steps after which its rate has halved.
        samples: codes for each row.

    Example:
        >>> from reverie.learners import StochasticVariationalInference
        >>> StochasticVariationalInference(steps=20).sampler.steps
        20

    Reference: Hoffman, Blei, Wang & Paisley 2013, *Stochastic variational inference*; for deep models: Kim, Wiseman,
    Miller, Sontag & Rush 2018, *Semi-amortized variational autoencoders*, §2.2.
    """
    return Learner(
        reference="Hoffman et al. 2013",
        sampler=LocalVariational(steps, rate, half, samples),
        direction=Join((Fisher(), InclusiveFromData())),
        requires={"model": (HasRealCodes,), "inference": (HasPosterior,)},
    )
