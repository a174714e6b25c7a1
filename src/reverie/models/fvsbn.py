"""The fully visible sigmoid belief net."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.bits import as_float, bits_log_prob, log_odds
from reverie.capabilities import HasLogProb, Samplable
from reverie.data.spec import Spec
from reverie.models.autoregressive import Conditionals, draw_in_order
from reverie.models.suits import only
from reverie.parts import Part, filled, learned


class FVSBN(Part, HasLogProb, Samplable, Conditionals):
    """Logistic regressions of each bit on the bits before it.

        p(x) = Π_i p(x_i | x_{<i}),    p(x_i = 1 | x_{<i}) = σ(b_i + Σ_{j<i} W_{ij} x_j)

    Assumes bits, in the order of their columns. The log-likelihood is concave in (W, b).

    Example:
        >>> from reverie.capabilities import capabilities_of
        >>> from reverie.models import FVSBN
        >>> capabilities_of(FVSBN)
        ('Samplable', 'HasLogProb')

    Reference: Frey, Hinton & Dayan 1996, *Does the wake-sleep algorithm produce good density estimators?*, §3.
    """

    weight: Array = learned()
    bias: Array = learned()

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "an FVSBN")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Independent bits with the frequencies of the training rows."""
        size = spec.size
        bias = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        return filled(self, weight=jnp.zeros((size, size)), bias=bias)

    def conditional_logits(self, x: Array, member: Array | int = 0) -> Array:
        """b + tril(W, −1) x."""
        return x @ jnp.tril(self.weight, -1).T + self.bias

    def order(self, member: Array | int = 0) -> Array:
        """The columns as they come."""
        return jnp.arange(self.bias.shape[0])

    def log_prob(self, x: Array) -> Array:
        """Σ_i log p(x_i | x_{<i})."""
        return bits_log_prob(self.conditional_logits(as_float(x)), x)

    def sample(self, key: Key[Array, ""]) -> Array:
        """Bit after bit."""
        return draw_in_order(self, key, jnp.zeros((), jnp.int32))
