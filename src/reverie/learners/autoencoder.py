"""Autoencoding, plain and denoising."""

from reverie.capabilities import Encodes, HasLogJoint, Reparameterised
from reverie.directions import Reconstruction
from reverie.directions.corruption import Corruption
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import BaseNoise


@named("ae")
def Autoencoder(corruption: Corruption = "none", amount: float = 0.3) -> Learner:
    """Make the decoder give back the row that the encoder read, for comparison with what has a prior.

        θ, φ up E log p(x | encode(x̃)),   x̃ = x, or x with noise on it

    Nothing makes the codes follow the model's prior, so that draws from the model mean little and the likelihood is
    poor.

    Args:
        corruption: `none`; `mask` sets values to zero, `swap` takes another row's value, `gaussian` adds noise to
            columns of real numbers: a denoising autoencoder.
        amount: the probability of the first two, the standard deviation of the last.

    Example:
        >>> from reverie.learners import Autoencoder
        >>> Autoencoder(corruption="mask", amount=0.25).options["amount"]
        0.25

    Reference: Hinton & Salakhutdinov 2006; Vincent, Larochelle, Bengio & Manzagol 2008.
    """
    most = float("inf") if corruption == "gaussian" else 1.0
    if not 0 <= amount <= most or amount == float("inf"):
        raise InputError(f"amount must lie in [0, 1], or be finite for gaussian corruption, not {amount}")
    return Learner(
        reference="Vincent et al. 2008",
        sampler=BaseNoise("inference"),
        direction=Reconstruction(corruption=corruption, amount=amount),
        requires={"model": (HasLogJoint,), "inference": (Reparameterised, Encodes)},
    )
