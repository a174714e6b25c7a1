"""A Gaussian posterior that reads a sequence of tokens."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise as random
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.inference.normal import DiagonalGaussian, fresh, halves
from reverie.networks.mlp import Affine, affine
from reverie.networks.recurrent import LSTM, lstm
from reverie.parts import Part, filled, known, learned, option


class SequencePosterior(Part, DiagonalGaussian):
    """A diagonal Gaussian whose moments come from the last state of an LSTM over the tokens.

        q(h | x) = N(h; μ(s_T), diag σ(s_T)²),  s_t = LSTM(e(x_t), s_{t−1}),  T the place of the end mark

    Args:
        width: units of the LSTM.
        embedding: the dimension of a token's vector e.

    Example:
        >>> from reverie.inference import SequencePosterior
        >>> SequencePosterior(width=64).width
        64

    Reference: Bowman et al. 2016, *Generating sentences from a continuous space*, §3.
    """

    width: int = option(128)
    embedding: int = option(64)
    size: int = known()
    end: int | None = known()
    table: Array = learned()
    recurrence: LSTM = learned()
    out: Affine = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if min(self.width, self.embedding) < 1:
            raise InputError("a posterior of sequences needs width and embedding >= 1")

    def unsuited(self, spec: Spec) -> str | None:
        """One block of categories with the same levels."""
        single = spec.single
        if single is not None and single.kind == "categorical" and len(set(single.counts)) == 1:
            return None
        return f"a posterior of sequences reads text, or columns that share their levels, and these are {spec.kind}"

    def unserving(self, model: Any) -> str | None:
        """One block of reals, and nothing else."""
        kinds = kinds_of(model)
        why = f"a posterior of sequences serves one block of reals, not {', '.join(kinds)}"
        return None if kinds == ["reals"] else why

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights."""
        (latent,), (leaf,) = model.latents, spec.leaves.values()
        key_table, key_cell, key_out = jax.random.split(key, 3)
        return filled(
            self,
            size=latent.size,
            end=None if spec.marks is None else spec.marks[0],
            table=0.1 * random.normal(key_table, (leaf.levels, self.embedding)),
            recurrence=lstm(key_cell, self.embedding, self.width),
            out=affine(key_out, self.width, 2 * latent.size),
        )

    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """μ and log σ."""
        states = self.recurrence(self.table[x], jnp.zeros(self.width))
        last = states.shape[0] - 1 if self.end is None else jnp.argmax(x == self.end)
        return halves(self.out(states[last]))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)
