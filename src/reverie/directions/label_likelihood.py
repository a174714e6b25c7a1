"""The likelihood of labels under a field of rows and classes."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.data import Batch
from reverie.data.labels import labels_of
from reverie.directions.direction import Ascent, Direction, gradient
from reverie.directions.semi_supervised import Share, share_after, share_start
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class LabelLikelihood(Direction):
    """∇_θ weight · E_labelled log p_θ(y | x),  p_θ(y | x) ∝ exp u_θ(x, y); rows without a label say nothing.

    Args:
        weight: of this term beside the rows' own likelihood; 1 is the likelihood of (x, y).

    Example:
        >>> from reverie.directions import LabelLikelihood
        >>> LabelLikelihood().moves
        ('model',)

    Reference: Grathwohl et al. 2020, *Your classifier is secretly an energy based model*, Eq. 8.
    """

    moves = ("model",)
    uses = ()
    weight: float = 1.0

    def init(self, key: Key[Array, ""], parts: Parts) -> Share:
        """No row seen."""
        return share_start()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Share
    ) -> tuple[Ascent, Share, dict[str, Array]]:
        """The gradient of the mean over labelled rows."""
        y = labels_of(batch)
        after = share_after(memory, y)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_p = jax.nn.log_softmax(jax.vmap(parts["model"].class_potentials)(batch.x))
            told = jnp.sum(jax.nn.one_hot(y, log_p.shape[-1]) * log_p, axis=-1)
            value = jnp.mean(told) / jnp.maximum(after.share, 1e-12)
            return self.weight * value, {"log_p_labels": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, after, info
