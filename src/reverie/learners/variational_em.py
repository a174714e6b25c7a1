"""Variational expectation maximisation."""

from typing import Literal

from reverie.capabilities import HasBoundGradient, HasLogJoint, HasPosterior, ReparameterisedProposal
from reverie.directions import Alternating, AutoBound, AutoElbo, Direction, ScoreFunction, expecting, maximising
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import BaseNoise, Importance, NoiseOrCodes, Sampler


@named("variational-em")
def VariationalEM(
    e_steps: int = 5,
    m_steps: int = 1,
    tolerance: float | None = None,
    window: int = 10,
    samples: int = 2,
    gradient: Literal["auto", "reparameterised", "score-function"] = "auto",
) -> Learner:
    """Ascend the evidence lower bound in the inference model and in the model by turns.

        E: φ up L(x; θ, φ), θ held;   M: θ up L(x; θ, φ), φ held;   L = E_q [log p(x, h) − log q(h | x)]

    Coordinate ascent on one objective: where the E-phase reaches the posterior it is EM, and an M-step of gradients is
    generalised EM. A phase has its number of steps, or ends before where the bound stops rising.

    Args:
        e_steps: the most steps of an E-phase.
        m_steps: the most steps of an M-phase.
        tolerance: a phase ends where the mean bound over a window exceeds that of the window before by less than this
            share of it; `none`: by its number of steps alone.
        window: steps.
        samples: codes for each row.
        gradient: `reparameterised`; `score-function`, for codes of any kind, with the mean signal of the row's other
            codes for a baseline where `samples` leaves any; or `auto`: by noise where the parts allow it, a class
            among the codes being summed out, and by the score function elsewhere.

    Example:
        >>> from reverie.learners import VariationalEM
        >>> VariationalEM(e_steps=10).direction.expect
        10

    Reference: Neal & Hinton 1998, *A view of the EM algorithm that justifies incremental, sparse, and other variants*.
    """
    at_least_one(e_steps=e_steps, m_steps=m_steps, samples=samples)
    forms: dict[str, tuple[Sampler, Direction, type]] = {
        "auto": (NoiseOrCodes(samples), AutoBound(), HasBoundGradient),
        "reparameterised": (BaseNoise("inference", samples), AutoElbo(), ReparameterisedProposal),
        "score-function": (Importance(samples), ScoreFunction("others" if samples > 1 else "none"), HasPosterior),
    }
    sampler, inner, needed = forms[gradient]
    return Learner(
        reference="Neal & Hinton 1998",
        sampler=sampler,
        direction=Alternating(inner, e_steps, m_steps, tolerance, window),
        target=both(Target("elbo")),
        requires={"model": (HasLogJoint,), "inference": (needed,)},
        cadence={"inference": expecting, "model": maximising},
    )
