"""Expectation maximisation."""

from reverie.capabilities import HasComponents
from reverie.directions import ExpectationMaximisation
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import DataOnly


@named("em")
def EM(ridge: float = 1e-6) -> Learner:
    """Expectation maximisation on all rows, one iteration a step, by scikit-learn.

        θ ← argmax_θ' E_{p_θ(h|x)} log p_θ'(x, h)

    The first step starts from k-means. The log-likelihood of the training rows never falls, up to the ridge.

    Args:
        ridge: added to the covariances' diagonals.

    Example:
        >>> from reverie.learners import EM
        >>> EM().batch is None
        True

    Reference: Dempster, Laird & Rubin 1977.
    """
    if not 0 <= ridge < float("inf"):
        raise InputError(f"ridge must be finite and not negative, not {ridge}")
    return Learner(
        reference="Dempster, Laird & Rubin 1977",
        sampler=DataOnly(),
        direction=ExpectationMaximisation(ridge),
        requires={"model": (HasComponents,)},
        batch=None,
    )
