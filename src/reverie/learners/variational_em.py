"""Variational expectation maximisation."""

from typing import Literal

from reverie.capabilities import HasLogJoint, HasPosterior, ReparameterisedProposal
from reverie.directions import Alternating, AutoElbo, Direction, ScoreFunction, expecting, maximising
from reverie.learners.learner import Learner, at_least_one, named
from reverie.learners.target import Target, both
from reverie.samplers import BaseNoise, Importance, Sampler


@named("variational-em")
def VariationalEM(
    e_steps: int = 5,
    m_steps: int = 1,
    tolerance: float | None = None,
    window: int = 10,
    samples: int = 2,
    gradient: Literal["reparameterised", "score-function"] = "reparameterised",
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
        gradient: of the E-phase: `reparameterised`, or `score-function` (codes of any kind).

    Example:
        >>> from reverie.learners import VariationalEM
        >>> VariationalEM(e_steps=10).direction.expect
        10

    Reference: Neal & Hinton 1998, *A view of the EM algorithm that justifies incremental, sparse, and other variants*.
    """
    at_least_one(e_steps=e_steps, m_steps=m_steps, samples=samples)
    by_noise = gradient == "reparameterised"
    inner: Direction = AutoElbo() if by_noise else ScoreFunction("others" if samples > 1 else "none")
    sampler: Sampler = BaseNoise("inference", samples) if by_noise else Importance(samples)
    return Learner(
        reference="Neal & Hinton 1998",
        sampler=sampler,
        direction=Alternating(inner, e_steps, m_steps, tolerance, window),
        target=both(Target("elbo")),
        requires={"model": (HasLogJoint,), "inference": (ReparameterisedProposal if by_noise else HasPosterior,)},
        cadence={"inference": expecting, "model": maximising},
    )
