"""Maximum pseudo-likelihood."""

from reverie.capabilities import HasRelaxedPotential
from reverie.directions import PseudoLikelihood
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import DataOnly


@named("pseudo-likelihood")
def MaximumPseudoLikelihood(sites: int | None = None) -> Learner:
    """Each site given all the others, summed: no log Z and no chains.

        θ up E_data Σ_i log p_θ(x_i | the other sites)

    Consistent, though of a larger variance than maximum likelihood; exact where the sites are independent. A step costs
    as many potentials as a row has sites, unless only some are drawn.

    Args:
        sites: how many sites of each row, drawn anew in each step and scaled up; all where not given.

    Example:
        >>> from reverie.learners import MaximumPseudoLikelihood
        >>> MaximumPseudoLikelihood(sites=20).name
        'pseudo-likelihood'

    Reference: Besag 1975, *Statistical analysis of non-lattice data*.
    """
    if sites is not None:
        at_least_one(sites=sites)
    return Learner(
        reference="Besag 1975",
        sampler=DataOnly(),
        direction=PseudoLikelihood(sites),
        requires={"model": (HasRelaxedPotential,)},
    )
