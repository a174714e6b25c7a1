"""Generative adversarial nets."""

from typing import Literal

from reverie.capabilities import Discriminates, Pushforward
from reverie.directions import CriticUp, MinimaxGenerator, NonSaturatingGenerator
from reverie.directions.direction import Join
from reverie.learners.learner import Learner, at_least_one, named
from reverie.parts import Optimiser
from reverie.samplers import BaseNoise


@named("gan")
def GAN(loss: Literal["non-saturating", "minimax"] = "non-saturating", critic_steps: int = 1) -> Learner:
    """A generator against a critic.

        min_θ max_ψ E_{p₀} log D_ψ(x) + E_ε log(1 − D_ψ(G_θ(ε))),   D = σ(V)                 (Ou 2019, Eq. 28)

    For the best critic the value is 2 JS[p₀ ‖ p_θ] − log 4 (Eq. 29). The non-saturating form moves the generator up
    E log D(G(ε)) instead: the same fixed point, and a gradient while the critic wins.

    Args:
        loss: `non-saturating` or `minimax`.
        critic_steps: steps of the critic for each step of the generator.

    Example:
        >>> from reverie.learners import GAN
        >>> GAN(critic_steps=5).cadence
        {'model': 5}

    Reference: Goodfellow et al. 2014; Adam's settings: Radford, Metz & Chintala 2016.
    """
    at_least_one(critic_steps=critic_steps)
    generator = NonSaturatingGenerator() if loss == "non-saturating" else MinimaxGenerator()
    adam = Optimiser(rate=2e-4, momentum=0.5)
    return Learner(
        reference="Goodfellow et al. 2014",
        sampler=BaseNoise("model"),
        direction=Join((CriticUp(), generator)),
        requires={"model": (Pushforward,), "critic": (Discriminates,)},
        cadence={"model": critic_steps},
        optimiser={"model": adam, "critic": adam},
    )
