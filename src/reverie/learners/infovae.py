"""Information-maximising variational autoencoding."""

from reverie.capabilities import HasJointSample, HasLogJoint, ReparameterisedProposal
from reverie.directions import AutoElbo, CodeDiscrepancy, Weighting
from reverie.directions.direction import Join
from reverie.divergences import Kernel
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import BaseNoise, Dream, Together


@named("infovae")
def InfoVAE(alpha: float = 1.0, weight: float = 10.0, kernel: Kernel = "gaussian", scale: float = 1.0) -> Learner:
    """Weigh the divergence of each row's codes against that of all rows' codes together.

        E_q log p(x | h) − (1 − α) KL[q(h | x) ‖ p(h)] − (α + λ − 1) MMD²(q(h), p(h)),   q(h) = E_{p̃(x)} q(h | x)

    α = 1 is the MMD-VAE, which takes no nats away from what h says of x; α = 0, λ = 1 is the evidence lower bound. In
    general there is no bound. Unbiased for its own gradient.

    Args:
        alpha: α, at most 1.
        weight: λ, at least 1 − α.
        kernel: `inverse-multiquadratic` or `gaussian`.
        scale: of the prior, which sets the kernel's width.

    Example:
        >>> from reverie.learners import InfoVAE
        >>> InfoVAE(alpha=0.5, weight=100.0).options["weight"]
        100.0

    Reference: Zhao, Song & Ermon 2019, *InfoVAE: balancing learning and inference in variational autoencoders*, §3.
    """
    if not -float("inf") < alpha <= 1:
        raise InputError(f"alpha must be finite and at most 1, not {alpha}")
    if not 0 <= alpha + weight - 1 < float("inf"):
        raise InputError(f"weight must be finite and at least 1 - alpha = {1 - alpha:g}, not {weight}")
    if not 0 < scale < float("inf"):
        raise InputError(f"scale must be positive and finite, not {scale}")
    discrepancy = CodeDiscrepancy(alpha + weight - 1, kernel, scale)
    return Learner(
        reference="Zhao et al. 2019",
        sampler=Together((BaseNoise("inference"), Dream())),
        direction=Join((AutoElbo(Weighting(1 - alpha)), discrepancy)),
        requires={"model": (HasLogJoint, HasJointSample), "inference": (ReparameterisedProposal,)},
    )
