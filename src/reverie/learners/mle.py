"""Maximum likelihood."""

from reverie.capabilities import HasLogProb
from reverie.directions import Likelihood
from reverie.learners.learner import Learner, named
from reverie.learners.target import Target
from reverie.samplers import DataOnly


@named("mle")
def MaximumLikelihood() -> Learner:
    """Ascend the exact log-likelihood on minibatches.

        max_θ Σ_k log p_θ(x_k)                                                             (Ou 2019, Eq. 6)

    Nothing is drawn beside the data; the gradient is unbiased.

    Example:
        >>> from reverie.learners import MaximumLikelihood
        >>> MaximumLikelihood().name
        'mle'
    """
    return Learner(
        reference="Ou 2019, Eq. 6",
        sampler=DataOnly(),
        direction=Likelihood(),
        target={"model": Target("likelihood")},
        requires={"model": (HasLogProb,)},
    )
