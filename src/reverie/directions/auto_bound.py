"""The gradient of the evidence lower bound, by the estimator that the parts allow."""

from jaxtyping import Array

from reverie.capabilities import ReparameterisedProposal
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory
from reverie.directions.elbo import AutoElbo
from reverie.directions.marginal_elbo import MarginalElbo
from reverie.directions.score_function import ScoreFunction
from reverie.parts import Parts
from reverie.samplers import Codes, Draw, Tick


class AutoBound(Direction):
    """∇ E_q [log p(x, h) − log q(h | x)], unbiased for codes of every kind.

    Of draws that are functions of noise it is `AutoElbo`; where a class is among the codes, and the rest is such,
    `MarginalElbo`; of all others `ScoreFunction`, with the mean signal of the row's other codes for a baseline where
    there are any. The parts decide, once, when the step is compiled.

    Example:
        >>> from reverie.directions import AutoBound
        >>> AutoBound().uses
        ('noise_or_codes',)

    Reference: Ou 2019, Eq. 8 and note 8.
    """

    moves = ("model", "inference")
    uses = ("noise_or_codes",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The ascent of the form that serves."""
        drawn = draw["noise_or_codes"]
        if isinstance(drawn, Codes):
            form = ScoreFunction("others" if drawn.log_weight.shape[0] > 1 else "none")
            return form.ascend(tick, parts, batch, {"codes": drawn}, memory)
        by_noise = AutoElbo() if isinstance(parts["inference"], ReparameterisedProposal) else MarginalElbo()
        return by_noise.ascend(tick, parts, batch, {"noise": drawn}, memory)
