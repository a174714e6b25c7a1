"""Trans-dimensional random fields by telling lines from those of their own reference."""

from reverie.capabilities import HasLengthNormalisers
from reverie.directions import ReferenceContrast
from reverie.errors import InputError
from reverie.learners.learner import Learner, at_least_one, named
from reverie.samplers import NoiseRows


@named("trf-nce")
def ReferenceNCE(noise: int = 1, first: int = 0, share: float = 1.0, *, still: bool = False) -> Learner:
    """Noise contrast of a tilt of a reference with that reference, which learns beside it by its likelihood.

        t, ζ up E_data log σ(G) + ν E_r log σ(−G),    G(x) = t(x) − ζ_l − log ν;    r up E_data log r(x | l)

    No chains, and no density of the noise. Made for a reference that is a language model (`SequenceField` with
    `reference=lstm`): the better it is, the closer the noise, and the less is left to the tilt. log Z_l is then a mean
    over draws of the reference.

    Args:
        noise: ν, rows of the reference for each row of the data.
        first: steps in which only the reference learns, which cost a fraction of the others.
        share: α in (0, 1]; below one the data are mixed with rows of the reference, which keeps the tilt from fitting
            the training lines alone, and pulls the field towards its reference.
        still: whether the reference stands still once the tilt learns, but for what momentum the optimiser has left.

    Example:
        >>> from reverie.learners import ReferenceNCE
        >>> ReferenceNCE(first=100).name
        'trf-nce'

    Reference: Wang & Ou 2018, *Improved training of neural trans-dimensional random field language models with dynamic
    noise-contrastive estimation*; Deng, Bakhtin, Ott, Szlam & Ranzato 2020, *Residual energy-based models for text
    generation*.
    """
    at_least_one(noise=noise)
    if first < 0:
        raise InputError(f"first must not be negative, and it is {first}")
    if not 0.0 < share <= 1.0:
        raise InputError(f"share must lie in (0, 1], not {share}")
    return Learner(
        reference="Wang & Ou 2018; Deng et al. 2020",
        sampler=NoiseRows(noise, first),
        direction=ReferenceContrast(first, share, still),
        requires={"model": (HasLengthNormalisers,)},
    )
