"""p(x | parameters from a network): one head for each leaf of a row, for models with a decoder."""

from typing import Any

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, Key, PyTree

from reverie import noise
from reverie.data.spec import Spec
from reverie.models.bits import bits_log_prob, draw_bits, log_odds
from reverie.networks.features import Layout, leaves_of, row_of

LOWEST_LOG_SCALE = -6.0


class Observation:
    """The conditional distribution of a row, as a decoder's outputs set it.

    Bits are Bernoulli, categories categorical (levels that a column lacks get no mass), continuous columns Gaussian
    with the mean from the network and a standard deviation that is either a fixed number or, with `scale=None`, the
    network's too: σ = exp(s), s ≥ −6, since a density without a floor has no maximum.
    """

    def __init__(self, shape: tuple[Layout, ...], scale: float | None) -> None:
        self.shape = shape
        self.scale = scale

    def _width(self, layout: Layout) -> int:
        twice = layout.kind == "continuous" and self.scale is None
        return layout.width * (2 if twice else 1)

    @property
    def outputs(self) -> int:
        """How many numbers the network must give."""
        return sum(self._width(layout) for layout in self.shape)

    def starting_bias(self, spec: Spec) -> Float[Array, " outputs"]:
        """The output bias at which each column has the frequency or mean that it has in the training rows."""
        pieces = []
        for leaf, layout in zip(spec.leaves.values(), self.shape, strict=True):
            if layout.kind == "binary":
                pieces.append(log_odds(jnp.asarray(leaf.mean)))
            elif layout.kind == "continuous":
                pieces.append(jnp.asarray(leaf.mean, jnp.float32))
                if self.scale is None:
                    pieces.append(jnp.log(jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-2)))
            else:
                pieces.append(jnp.zeros(layout.width))
        return jnp.concatenate(pieces)

    def _split(self, outputs: Array) -> list[Array]:
        pieces, start = [], 0
        for layout in self.shape:
            pieces.append(outputs[start : start + self._width(layout)])
            start += self._width(layout)
        return pieces

    def _gaussian(self, layout: Layout, outputs: Array) -> Any:
        if self.scale is not None:
            return dist.Normal(outputs, self.scale)
        mean, log_scale = outputs[: layout.size], outputs[layout.size :]
        return dist.Normal(mean, jnp.exp(jnp.maximum(log_scale, LOWEST_LOG_SCALE)))

    def _logits(self, layout: Layout, outputs: Array) -> Array:
        logits = outputs.reshape(layout.size, layout.levels)
        exists = jnp.arange(layout.levels)[None, :] < jnp.asarray(layout.counts)[:, None]
        return jnp.where(exists, logits, -jnp.inf)

    def log_prob(self, outputs: Float[Array, " outputs"], x: PyTree) -> Float[Array, ""]:
        """log p(x | outputs)."""
        total = jnp.zeros(())
        for layout, piece, leaf in zip(self.shape, self._split(outputs), leaves_of(x, self.shape), strict=True):
            if layout.kind == "binary":
                total += bits_log_prob(piece, leaf)
            elif layout.kind == "continuous":
                total += jnp.sum(self._gaussian(layout, piece).log_prob(leaf))
            else:
                rows = jax.nn.log_softmax(self._logits(layout, piece))
                total += jnp.sum(jnp.take_along_axis(rows, leaf[:, None], axis=1))
        return total

    def sample(self, key: Key[Array, ""], outputs: Float[Array, " outputs"]) -> PyTree:
        """Draw x ~ p(x | outputs)."""
        leaves = []
        keys = jax.random.split(key, len(self.shape))
        for one, layout, piece in zip(keys, self.shape, self._split(outputs), strict=True):
            if layout.kind == "binary":
                leaves.append(draw_bits(one, piece))
            elif layout.kind == "continuous":
                leaves.append(self._gaussian(layout, piece).sample(one))
            else:
                leaves.append(noise.categorical(one, self._logits(layout, piece)))
        return row_of(tuple(leaves), self.shape)
