"""Maximum pseudo-likelihood of columns given other columns."""

from reverie.capabilities import TellsLevels
from reverie.directions import ToldPseudoLikelihood
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import DataOnly


@named("told-pseudo-likelihood")
def MaximumToldPseudoLikelihood(sites: int | None = None) -> Learner:
    """Each told column given the other told ones and the given ones, summed: no log Z and no chains.

        θ up 1/n Σ_i Σ_t ∇ log p_θ(y_it | the other told columns, v_i)

    Args:
        sites: how many told columns of each row, drawn anew in each step and scaled up; all where not given.

    Example:
        >>> from reverie.learners import MaximumToldPseudoLikelihood
        >>> MaximumToldPseudoLikelihood(sites=5).name
        'told-pseudo-likelihood'

    Reference: Besag 1975, *Statistical analysis of non-lattice data*; Sutton & McCallum 2012, *An introduction to
    conditional random fields*, §5.4.1.
    """
    if sites is not None:
        at_least_one(sites=sites)
    return Learner(
        reference="Besag 1975; Sutton & McCallum 2012",
        sampler=DataOnly(),
        direction=ToldPseudoLikelihood(sites),
        requires={"model": (TellsLevels,)},
    )
