"""The masked autoencoder for distribution estimation."""

import functools
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie.bits import as_float, bits_log_prob, log_odds
from reverie.capabilities import HasLogProb, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.autoregressive import Conditionals, draw_in_order
from reverie.models.suits import only
from reverie.networks.mlp import ACTIVATIONS, Affine, affine
from reverie.parts import Part, filled, known, learned, option


@functools.lru_cache(maxsize=32)
def degrees(size: int, hidden: tuple[int, ...], orders: int, seed: int) -> tuple[np.ndarray, ...]:
    """m(·) of every layer for every member: [orders, width] each, the inputs' first (Germain et al. 2015, §4).

    The first member keeps the columns' own order; each further one has an order and a connectivity of its own,
    drawn from `seed`. A hidden unit of degree d sees the columns whose place in the order is at most d; degrees are at
    least the smallest below, so that no unit is cut off.
    """
    draw = np.random.default_rng(seed)
    places = np.stack([np.arange(size) if m == 0 else draw.permutation(size) for m in range(orders)])
    layers = [places]
    for width in hidden:
        lowest = layers[-1].min(axis=1)
        layers.append(np.stack([draw.integers(low, max(size - 1, low + 1), width) for low in lowest]))
    return tuple(layer.astype(np.int32) for layer in layers)


class MADE(Part, HasLogProb, Samplable, Conditionals):
    """An autoencoder whose masks make its outputs the conditionals of an autoregressive model of bits.

        p(x) = 1/M Σ_m Π_i p_m(x_i | x_j for j before i in order m)

    One network, `orders` = M pairs of an order and a connectivity: with M > 1 the members share all weights, and the
    model *is* the equal mixture, so that its log-likelihood is exact at the cost of M passes.

    Args:
        hidden: widths of the hidden layers.
        orders: M, how many orders (each with masks of its own).
        seed: draws the masks, and the orders after the first.
        activation: of the hidden layers.

    Example:
        >>> from reverie.models import MADE
        >>> MADE(hidden=(64,)).orders
        1

    Reference: Germain, Gregor, Murray & Larochelle 2015, *MADE*, Eq. 8–13, §4.2–4.3.
    """

    hidden: tuple[int, ...] = option((200,))
    orders: int = option(1)
    seed: int = option(0)
    activation: str = option("relu")
    size: int = known()
    layers: tuple[Affine, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.hidden or any(width < 1 for width in self.hidden) or self.orders < 1 or self.seed < 0:
            raise InputError("MADE needs at least one hidden layer, widths >= 1, orders >= 1 and seed >= 0")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "MADE")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights; the output bias at the bits' log-odds."""
        sizes = (spec.size, *self.hidden, spec.size)
        keys = jax.random.split(key, len(sizes) - 1)
        bias = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        last = len(keys) - 1
        layers = tuple(affine(keys[i], sizes[i], sizes[i + 1], bias if i == last else 0.0) for i in range(len(keys)))
        return filled(self, size=spec.size, layers=layers)

    def conditional_logits(self, x: Array, member: Array) -> Array:
        """One pass with the masks M_{kj} = 1[m(k) ≥ m(j)], strict at the output (Eq. 12 and 13)."""
        levels = [jnp.asarray(d)[member] for d in degrees(self.size, self.hidden, self.orders, self.seed)]
        for layer, below, above in zip(self.layers[:-1], levels[:-1], levels[1:], strict=True):
            mask = above[None, :] >= below[:, None]
            x = ACTIVATIONS[self.activation](x @ jnp.where(mask, layer.weight, 0.0) + layer.bias)
        output = self.layers[-1]
        mask = levels[0][None, :] > levels[-1][:, None]
        return x @ jnp.where(mask, output.weight, 0.0) + output.bias

    def order(self, member: Array) -> Array:
        """The columns by their place in that member's order."""
        return jnp.argsort(jnp.asarray(degrees(self.size, self.hidden, self.orders, self.seed)[0])[member])

    def log_prob(self, x: Array) -> Array:
        """The log of the mean over the members."""
        members = jnp.arange(self.orders)
        each = jax.vmap(lambda m: bits_log_prob(self.conditional_logits(as_float(x), m), x))(members)
        return jax.nn.logsumexp(each) - jnp.log(float(self.orders))

    def sample(self, key: Key[Array, ""]) -> Array:
        """A member, then column after column in its order."""
        key_member, key_bits = jax.random.split(key)
        return draw_in_order(self, key_bits, jax.random.randint(key_member, (), 0, self.orders))
