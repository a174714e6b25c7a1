"""Score matching."""

from typing import Literal

from reverie.capabilities import HasRealPotential
from reverie.directions import DenoisingScoreMatching, ExactScoreMatching, SlicedScoreMatching
from reverie.directions.direction import Direction
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import DataOnly


@named("score-matching")
def ScoreMatching(
    form: Literal["exact", "sliced", "denoising"] = "sliced", slices: int = 1, sigma: float = 0.1
) -> Learner:
    """The slope of the potential towards the slope of the data's log density: neither log Z nor chains.

        θ down ½ E_data |∇u_θ(x) − ∇ log p₀(x)|² = E_data [tr ∇²u_θ(x) + ½ |∇u_θ(x)|²] + a constant

    The exact form costs as many derivatives as there are columns; the sliced one has its mean; the denoising one has
    the data blurred by N(0, σ² I) for its optimum. None sees how much mass each of several parts of the data has, where
    they lie far from each other.

    Args:
        form: `exact`, `sliced` or `denoising`.
        slices: of the sliced form, random directions for each row.
        sigma: of the denoising form, σ in the units of the rows as the model sees them.

    Example:
        >>> from reverie.learners import ScoreMatching
        >>> ScoreMatching(form="denoising", sigma=0.3).direction.sigma
        0.3

    Reference: Hyvärinen 2005; sliced: Song, Garg, Shi & Ermon 2019; denoising: Vincent 2011.
    """
    at_least_one(slices=slices)
    if not 0.0 < sigma < float("inf"):
        raise InputError(f"sigma must be positive and finite, not {sigma}")
    forms: dict[str, Direction] = {
        "exact": ExactScoreMatching(),
        "sliced": SlicedScoreMatching(slices),
        "denoising": DenoisingScoreMatching(sigma),
    }
    return Learner(
        reference="Hyvärinen 2005",
        sampler=DataOnly(),
        direction=forms[form],
        requires={"model": (HasRealPotential,)},
    )
