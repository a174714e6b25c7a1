"""Wasserstein autoencoding, by a discrepancy and by a critic."""

from reverie.capabilities import DiscriminatesCodes, Encodes, HasJointSample, HasLogJoint, Reparameterised
from reverie.directions import CodeCriticUp, CodeDiscrepancy, CodesPastCritic, Reconstruction
from reverie.directions.direction import Join
from reverie.divergences import Kernel
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import BaseNoise, Dream, Together


@named("wae-mmd")
def WAEMMD(weight: float = 10.0, kernel: Kernel = "inverse-multiquadratic", scale: float = 1.0) -> Learner:
    """An autoencoder whose codes, over all rows, have a small discrepancy from the prior's.

        θ, φ up E log p(x | h) − λ MMD²(q(h), p(h)),   h = encode(x),  q(h) = E_{p̃(x)} δ(h − encode(x))

    With −log p(x | h) for the cost c(x, G(h)): a squared error for Gaussian columns of fixed scale, a cross-entropy for
    bits. The estimator of MMD² is unbiased. There is no bound.

    Args:
        weight: λ.
        kernel: `inverse-multiquadratic` or `gaussian`.
        scale: of the prior, which sets the kernel's width.

    Example:
        >>> from reverie.learners import WAEMMD
        >>> WAEMMD().options["weight"]
        10.0

    Reference: Tolstikhin, Bousquet, Gelly & Schölkopf 2018, *Wasserstein auto-encoders*, Algorithm 2.
    """
    _check(weight=weight, scale=scale)
    return Learner(
        reference="Tolstikhin et al. 2018",
        sampler=Together((BaseNoise("inference"), Dream())),
        direction=Join((Reconstruction(), CodeDiscrepancy(weight, kernel, scale, random=False))),
        requires={"model": (HasLogJoint, HasJointSample), "inference": (Reparameterised, Encodes)},
    )


@named("wae-gan")
def WAEGAN(weight: float = 10.0) -> Learner:
    """An autoencoder whose codes, over all rows, a critic cannot tell from the prior's.

        θ, φ up E log p(x | h);   φ up λ E log(1 − σ(V(h)));   ψ: tell h = encode(x) from h ~ p(h)

    The adversarial autoencoder with codes without chance and a heavier hand. There is no bound.

    Args:
        weight: λ.

    Example:
        >>> from reverie.learners import WAEGAN
        >>> WAEGAN().direction.moves
        ('model', 'inference', 'critic')

    Reference: Tolstikhin et al. 2018, Algorithm 1.
    """
    _check(weight=weight)
    return Learner(
        reference="Tolstikhin et al. 2018",
        sampler=Together((BaseNoise("inference"), Dream())),
        direction=Join((Reconstruction(), CodeCriticUp(random=False), CodesPastCritic(weight, random=False))),
        requires={
            "model": (HasLogJoint, HasJointSample),
            "inference": (Reparameterised, Encodes),
            "critic": (DiscriminatesCodes,),
        },
    )


def _check(**numbers: float) -> None:
    for name, value in numbers.items():
        if not 0 < value < float("inf"):
            raise InputError(f"{name} must be positive and finite, not {value}")
