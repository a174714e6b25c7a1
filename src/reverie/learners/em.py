"""Expectation maximisation."""

from reverie.capabilities import HasExactEM
from reverie.directions import ExpectationMaximisation
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import DataOnly


@named("em")
def EM(ridge: float = 1e-6) -> Learner:
    """Expectation maximisation on all rows, one iteration a step, for models in which both halves are closed forms.

        θ ← argmax_θ' E_{p_θ(h|x)} log p_θ'(x, h)

    Mixtures begin from k-means, linear Gaussian models from the rows' mean. The log-likelihood of the training rows
    never falls, up to the ridge.

    Args:
        ridge: added to the variances of a mixture's reals; the least probability of its bits and categories; of other
            models the least variance.

    Example:
        >>> from reverie.learners import EM
        >>> EM().batch is None
        True

    Reference: Dempster, Laird & Rubin 1977; factor analysis: Rubin & Thayer 1982; PPCA: Tipping & Bishop 1999.
    """
    if not 0 <= ridge < float("inf"):
        raise InputError(f"ridge must be finite and not negative, not {ridge}")
    return Learner(
        reference="Dempster, Laird & Rubin 1977",
        sampler=DataOnly(),
        direction=ExpectationMaximisation(ridge),
        requires={"model": (HasExactEM,)},
        batch=None,
    )
