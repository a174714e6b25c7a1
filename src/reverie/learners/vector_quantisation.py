"""Vector-quantised autoencoding."""

from typing import Literal

from reverie.capabilities import ConsultsModel, EmbedsCodes, HasCodebook
from reverie.directions import VectorQuantisation
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import DataOnly


@named("vector-quantisation")
def VectorQuantisedAutoencoder(
    codebook: Literal["moving-average", "gradient"] = "moving-average",
    commitment: float = 0.25,
    decay: float = 0.99,
    restart: float = 0.1,
    prior_from: int | None = None,
) -> Learner:
    """Round the encoder's vectors to a codebook, and learn all of it from the rows: the VQ-VAE.

        θ, φ up log p(x | z + sg[e_h − z]) + log p(h) − c ‖z − sg[e_h]‖² − ‖sg[z] − e_h‖²

    The decoder ascends the bound log p(x, h) at the encoder's own code; the encoder's direction is biased, for the
    gradient is passed straight through the rounding. The prior is fitted to the codes at the same time, from which
    nothing comes back to them; or, with `prior_from`, in a second phase, in which the codes stand still.

    Args:
        codebook: whether it follows a `moving-average` of what it stands for or a `gradient`.
        commitment: c, the weight of what keeps the encoder near the codebook.
        decay: of the moving averages.
        restart: a vector of the codebook used less often than this share of an equal share is set anew; 0: never.
        prior_from: the step at which the second phase begins; `none`: all at the same time.

    Example:
        >>> from reverie.learners import VectorQuantisedAutoencoder
        >>> VectorQuantisedAutoencoder(codebook="gradient").options["commitment"]
        0.25

    Reference: van den Oord, Vinyals & Kavukcuoglu 2017, Eq. 3; moving averages: appendix A.1.
    """
    if not 0 <= commitment < float("inf"):
        raise InputError(f"commitment must be finite and not negative, not {commitment}")
    if not 0 <= decay < 1:
        raise InputError(f"decay must lie in [0, 1), not {decay}")
    if not 0 <= restart < 1:
        raise InputError(f"restart is a share of an equal share and must lie in [0, 1), not {restart}")
    if prior_from is not None and prior_from < 0:
        raise InputError(f"prior_from is a step and must not be negative, not {prior_from}")
    cadence = {} if prior_from is None else {"inference": lambda step, memory: step < prior_from}
    return Learner(
        reference="van den Oord et al. 2017",
        sampler=DataOnly(),
        direction=VectorQuantisation(codebook, commitment, decay, restart, prior_from),
        requires={"model": (HasCodebook,), "inference": (EmbedsCodes, ConsultsModel)},
        cadence=cadence,
    )
