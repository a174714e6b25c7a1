"""Skeleton of a learner: copy to src/reverie/learners/<name>.py, and write every line anew.

One file, one paper's name: a sampler, a direction, what they require of each part, and the paper's defaults. An
assembly has no algorithm of its own. `named` registers it: it is then in `reverie pairs`, on the command line and in
the contract tests.
"""

from examples.skeletons.direction import ConditionalLikelihood
from examples.skeletons.sampler import NextFlip
from reverie.capabilities import HasPotential
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.parts import Optimiser


@named("pseudolikelihood")
def PseudoLikelihood(rate: float = 1e-2) -> Learner:
    """Maximum pseudolikelihood on bits, one conditional for each row and visit.

        max_θ Σ_x Σ_i log p_θ(x_i | x_{−i})

    Args:
        rate: Adam's step size.

    Example:
        >>> from examples.skeletons.learner import PseudoLikelihood
        >>> PseudoLikelihood().direction.moves
        ('model',)

    Reference: Besag 1975.
    """
    if not rate > 0:
        raise InputError(f"rate must be positive, not {rate}")
    return Learner(
        reference="Besag 1975",
        sampler=NextFlip(),
        direction=ConditionalLikelihood(),
        requires={"model": (HasPotential,)},
        optimiser={"model": Optimiser(rate=rate)},
    )
