"""What the gradient of the evidence lower bound is made of, whatever the posterior."""

from jaxtyping import Array

from reverie.capabilities import HasBranches, ReparameterisedProposal
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.base_noise import BaseNoise
from reverie.samplers.importance import Importance
from reverie.samplers.sampler import Chain, Draw, Exactness, Sampler, Tick


class NoiseOrCodes(Sampler):
    """Noise ε where the inference model's draws are functions of it, codes h ~ q(h | x) and their densities elsewhere.

    The parts decide, once, when the step is compiled. It is `BaseNoise` or `Importance`, under one name.

    Args:
        count: draws for each row.

    Example:
        >>> from reverie.samplers import NoiseOrCodes
        >>> NoiseOrCodes(2).gives
        ('noise_or_codes',)

    Reference: Ou 2019, Eq. 12 and 17.
    """

    gives = ("noise_or_codes",)
    exactness = "biased"
    count: int = 1

    def exactness_with(self, parts: Parts) -> Exactness:
        """That of the sampler which serves these parts."""
        return "exact" if _by_noise(parts) else "biased"

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Chain) -> tuple[Draw, Chain, dict[str, Array]]:
        """What the sampler that serves draws."""
        if _by_noise(parts):
            draw, chain, info = BaseNoise("inference", self.count).draw(tick, parts, batch, chain)
            return {"noise_or_codes": draw["noise"]}, chain, info
        draw, chain, info = Importance(self.count).draw(tick, parts, batch, chain)
        return {"noise_or_codes": draw["codes"]}, chain, info


def _by_noise(parts: Parts) -> bool:
    return isinstance(parts["inference"], ReparameterisedProposal | HasBranches)
