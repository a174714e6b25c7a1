"""Maximum likelihood of columns given other columns, by sums."""

from reverie.capabilities import TellsLevels
from reverie.directions import ToldLikelihood
from reverie.learners.learner import Learner, named
from reverie.samplers import DataOnly


@named("told-likelihood")
def MaximumToldLikelihood() -> Learner:
    """The exact likelihood of columns given others, where all their values together are few.

        θ up 1/n Σ_i ∇[u(y_i; v_i) − log Σ_y exp u(y; v_i)]

    The sum is written out for every row, up to 2¹² terms: twelve bits, or a machine with twelve hidden units.

    Example:
        >>> from reverie.learners import MaximumToldLikelihood
        >>> MaximumToldLikelihood().name
        'told-likelihood'

    Reference: Lafferty, McCallum & Pereira 2001, *Conditional random fields*, §3.
    """
    return Learner(
        reference="Lafferty, McCallum & Pereira 2001",
        sampler=DataOnly(),
        direction=ToldLikelihood(),
        requires={"model": (TellsLevels,)},
    )
