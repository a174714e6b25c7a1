"""Minimum probability flow."""

from reverie.capabilities import HasRelaxedPotential
from reverie.directions import ProbabilityFlow
from reverie.learners.learner import Learner, named
from reverie.samplers import DataOnly


@named("probability-flow")
def MinimumProbabilityFlow() -> Learner:
    """The least flow of probability away from the rows, by changes of one site at a time.

        θ down E_data Σ_{x'} exp ½ (u(x') − u(x))

    Consistent, without log Z and without chains; rows that the model finds unlikely weigh exponentially. A step costs
    as many potentials as a row has sites, and for categories as many as it has levels in all.

    Example:
        >>> from reverie.learners import MinimumProbabilityFlow
        >>> MinimumProbabilityFlow().name
        'probability-flow'

    Reference: Sohl-Dickstein, Battaglino & DeWeese 2011, *Minimum probability flow learning*.
    """
    return Learner(
        reference="Sohl-Dickstein et al. 2011",
        sampler=DataOnly(),
        direction=ProbabilityFlow(),
        requires={"model": (HasRelaxedPotential,)},
    )
