"""Auxiliary generators of bits and categories: easy draws, with densities, that a random field is learned with."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import log_odds
from reverie.capabilities import HasLogProb, HasPotential, HasRealPotential, Samplable
from reverie.data.spec import Leaf, Spec
from reverie.errors import InputError
from reverie.models.categories import forbidden
from reverie.networks.mlp import affine
from reverie.parts import Part, filled, known, learned, option


class AutoregressiveGenerator(Part, Samplable, HasLogProb):
    """Bits or categories, each given those before it, by one hidden layer that is shared over the columns.

        q(x) = Π_i q(x_i | x_{<i}),    q(x_i = k | x_{<i}) ∝ exp(b_{ik} + V_{ik} · σ(c + Σ_{j<i} W_{j, x_j}))

    The sum is carried along, so that a draw costs no more than a density. Bits are categories of two levels.

    Args:
        width: hidden units.

    Example:
        >>> from reverie.auxiliaries import AutoregressiveGenerator
        >>> AutoregressiveGenerator(width=50).width
        50

    Reference: Larochelle & Murray 2011, *The neural autoregressive distribution estimator*, Eq. 4–5, with levels; as a
    field's generator: Wang & Ou 2017, *Language modeling with neural trans-dimensional random fields*.
    """

    width: int = option(100)
    kind: str = known()
    counts: tuple[int, ...] = known()
    across: Array = learned()
    down: Array = learned()
    hidden_bias: Array = learned()
    bias: Array = learned()

    def __check_init__(self) -> None:
        """Refuse a width that is none."""
        if self.width < 1:
            raise InputError(f"an autoregressive generator needs width >= 1, not {self.width}")

    def unserving(self, model: Any) -> str | None:
        """Fields of what is discrete."""
        serves = isinstance(model, HasPotential) and not isinstance(model, HasRealPotential)
        return None if serves else "an autoregressive generator serves models with a potential of bits or categories"

    def unsuited(self, spec: Spec) -> str | None:
        """Rows of one kind, bits or categories."""
        if spec.kind in ("binary", "categorical"):
            return None
        return f"an autoregressive generator takes bits or categories and these rows are {spec.kind}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Nearly independent columns: bits at their frequencies, the levels of categories equally likely."""
        (leaf,) = spec.leaves.values()
        counts = leaf.counts if leaf.kind == "categorical" else (2,) * leaf.size
        levels, key_pair = max(counts), jax.random.split(key)
        across = affine(key_pair[0], leaf.size * levels, self.width).weight
        down = affine(key_pair[1], self.width, leaf.size * levels).weight
        return filled(
            self,
            kind=leaf.kind,
            counts=counts,
            across=across.reshape(leaf.size, levels, self.width),
            down=down.T.reshape(leaf.size, levels, self.width),
            hidden_bias=jnp.zeros(self.width),
            bias=_starting_bias(leaf, levels),
        )

    def log_prob(self, x: Array) -> Array:
        """log q(x): all conditionals at once, by running sums."""
        places = x.astype(jnp.int32)[:, None]
        given = jnp.take_along_axis(self.across, places[:, :, None], axis=1)[:, 0]
        hidden = jax.nn.sigmoid(self.hidden_bias + jnp.cumsum(given, axis=0) - given)
        logits = self.bias + jnp.einsum("ikw,iw->ik", self.down, hidden)
        rows = jax.nn.log_softmax(forbidden(logits, self.counts))
        return jnp.sum(jnp.take_along_axis(rows, places, axis=1))

    def sample(self, key: Key[Array, ""]) -> Array:
        """Column after column; each adds its row to what the hidden units have seen."""
        closed = forbidden(jnp.zeros_like(self.bias), self.counts)

        def step(seen: Array, at: tuple[Array, ...]) -> tuple[Array, Array]:
            one, across, down, bias = at
            level = noise.categorical(one, bias + down @ jax.nn.sigmoid(seen))
            return seen + across[level], level

        columns = (jax.random.split(key, len(self.counts)), self.across, self.down, self.bias + closed)
        level = jax.lax.scan(step, self.hidden_bias, columns)[1]
        return level.astype(bool if self.kind == "binary" else jnp.int32)


def _starting_bias(leaf: Leaf, levels: int) -> Array:
    bias = jnp.zeros((leaf.size, levels))
    return bias.at[:, 1].set(log_odds(jnp.asarray(leaf.mean))) if leaf.kind == "binary" else bias
