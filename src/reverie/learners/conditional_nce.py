"""Conditional noise-contrastive estimation."""

from reverie.capabilities import HasRealPotential
from reverie.directions import ConditionalContrast
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import DataOnly


@named("conditional-nce")
def ConditionalNCE(noise: int = 5, sigma: float = 0.5) -> Learner:
    """A field, by telling each row from the same row with Gaussian noise on it.

        θ up 2 E_data E_ε log σ(u(x) − u(x + s ε))

    The noise is always near the data, and log Z is not estimated. Like score matching it does not see how much mass
    each of several parts of the data has, where they lie far from each other as measured by s.

    Args:
        noise: draws of ε for each row.
        sigma: s, in the units of the rows as the model sees them.

    Example:
        >>> from reverie.learners import ConditionalNCE
        >>> ConditionalNCE(sigma=0.3).direction.sigma
        0.3

    Reference: Ceylan & Gutmann 2018, *Conditional noise-contrastive estimation of unnormalised models*.
    """
    at_least_one(noise=noise)
    if not 0.0 < sigma < float("inf"):
        raise InputError(f"sigma must be positive and finite, not {sigma}")
    return Learner(
        reference="Ceylan & Gutmann 2018",
        sampler=DataOnly(),
        direction=ConditionalContrast(noise, sigma),
        requires={"model": (HasRealPotential,)},
    )
