"""Flow matching."""

from reverie.capabilities import HasVelocity
from reverie.directions import VelocityRegression
from reverie.learners.denoising import check_dropout
from reverie.learners.learner import Learner, named
from reverie.samplers import NoisedData


@named("flow-matching")
def FlowMatching(dropout: float = 0.1) -> Learner:
    """Regress a flow's velocity on that of paths from rows to noise.

        θ up −E ‖α' x̄ + σ' ε − v̂(α x̄ + σ ε, t, y)‖²,    t uniform

    With the model `straight-flow` the paths are straight; with the diffusions they are theirs. Labels are read where
    the rows and the model have them.

    Args:
        dropout: the probability that a label is dropped, for guidance.

    Example:
        >>> from reverie.learners import FlowMatching
        >>> FlowMatching().name
        'flow-matching'

    Reference: Lipman, Chen, Ben-Hamu, Nickel & Le 2023, *Flow matching for generative modeling*, Eq. 9.
    """
    check_dropout(dropout)
    return Learner(
        reference="Lipman et al. 2023",
        sampler=NoisedData(dropout),
        direction=VelocityRegression(),
        requires={"model": (HasVelocity,)},
    )
