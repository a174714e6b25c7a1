"""Adversarial autoencoding."""

from reverie.capabilities import DiscriminatesCodes, HasJointSample, HasLogJoint, Reparameterised
from reverie.directions import CodeCriticUp, CodesPastCritic, Reconstruction
from reverie.directions.direction import Join
from reverie.errors import InputError
from reverie.learners.learner import Learner, named
from reverie.samplers import BaseNoise, Dream, Together


@named("aae")
def AAE(weight: float = 1.0) -> Learner:
    """An autoencoder whose codes, over all rows, a critic cannot tell from the prior's.

        θ, φ up E log p(x | h);   φ up λ E_{q(h)} log(1 − σ(V(h)));   ψ: tell h ~ q(h) = E_{p̃(x)} q(h | x) from h ~
        p(h)

    The divergence of the evidence lower bound, KL[q(h | x) ‖ p(h)] for each row, is replaced by one of the
    aggregate q(h); what is left out is the mutual information. There is no bound. A prior with parameters of its
    own stays where it starts.

    Args:
        weight: λ.

    Example:
        >>> from reverie.learners import AAE
        >>> AAE().direction.moves
        ('model', 'inference', 'critic')

    Reference: Makhzani, Shlens, Jaitly, Goodfellow & Frey 2015, *Adversarial autoencoders*, §2.
    """
    if not 0 < weight < float("inf"):
        raise InputError(f"weight must be positive and finite, not {weight}")
    return Learner(
        reference="Makhzani et al. 2015",
        sampler=Together((BaseNoise("inference"), Dream())),
        direction=Join((Reconstruction(random=True), CodeCriticUp(), CodesPastCritic(weight))),
        requires={
            "model": (HasLogJoint, HasJointSample),
            "inference": (Reparameterised,),
            "critic": (DiscriminatesCodes,),
        },
    )
