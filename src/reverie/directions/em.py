"""Expectation maximisation, one iteration a step."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class ExpectationMaximisation(Direction):
    """θ ← argmax_θ' E_{p_θ(h|x)} log p_θ'(x, h) over the batch, which should be all rows.

    The step is a replacement, not a gradient: both halves are closed forms of the model. The first step begins where
    the model says that EM should. The log-likelihood of the batch never falls, up to the ridge.

    Args:
        ridge: added to the variances of a mixture's reals; the least probability of its bits and categories; of other
            models the least variance.

    Example:
        >>> from reverie.directions import ExpectationMaximisation
        >>> ExpectationMaximisation().moves
        ()

    Reference: Dempster, Laird & Rubin 1977.
    """

    moves = ()
    uses = ()
    ridge: float = 1e-6

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """Whether EM has begun."""
        return jnp.zeros((), bool)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """One iteration."""
        model, x = parts["model"], batch.x
        begun = jax.lax.cond(memory, lambda: model, lambda: model.em_start(tick.key, x, self.ridge))
        after = begun.maximise(begun.expected_statistics(x), self.ridge)
        return Ascent({}, {"model": after}), jnp.ones((), bool), {}
