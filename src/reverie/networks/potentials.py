"""Networks for potentials: perceptrons, residual ones, convolutions of pictures, attention between columns."""

from collections.abc import Callable
from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.networks.conv import conv_inwards
from reverie.networks.mlp import ACTIVATIONS, Affine, affine, affine_of_reals, mlp

PotentialNetwork = Literal["mlp", "residual", "conv", "attention"]


class Residual(eqx.Module):
    """A stream of one width, to which each block adds: s ← s + B act(A s).

    Reference: He, Zhang, Ren & Sun 2016, *Identity mappings in deep residual networks*.
    """

    first: Affine
    blocks: tuple[tuple[Affine, Affine], ...]
    last: Affine
    activation: str = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """The network's value at one vector."""
        act = ACTIVATIONS[self.activation]
        stream = self.first(x)
        for inwards, outwards in self.blocks:
            stream = stream + outwards(act(inwards(act(stream))))
        return self.last(act(stream))


def residual(
    key: Key[Array, ""],
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    activation: str,
    detail: float | None = None,
) -> Residual:
    """A stream as wide as the first of `hidden`; each further width is a block's inner one."""
    width = hidden[0]
    keys = jax.random.split(key, 2 * len(hidden))
    blocks = tuple(
        (affine(keys[2 * i], width, inner), affine(keys[2 * i + 1], inner, width))
        for i, inner in enumerate(hidden[1:], 1)
    )
    first = affine(keys[0], inputs, width) if detail is None else affine_of_reals(keys[0], inputs, width, detail)
    return Residual(first, blocks, affine(keys[1], width, outputs), activation)


class AttentionBlock(eqx.Module):
    """Self-attention, then a perceptron, each added to the tokens after their length is made one.

    Reference: Vaswani et al. 2017, *Attention is all you need*, §3.2.
    """

    queries: Affine
    out: Affine
    inwards: Affine
    outwards: Affine
    heads: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __call__(self, tokens: Float[Array, "tokens width"]) -> Float[Array, "tokens width"]:
        """The tokens after the block."""
        count, width = tokens.shape
        q, k, v = jnp.split(self.queries(_evened(tokens)).reshape(count, self.heads, -1), 3, axis=-1)
        weight = jax.nn.softmax(jnp.einsum("ihd,jhd->hij", q, k) / q.shape[-1] ** 0.5)
        tokens = tokens + self.out(jnp.einsum("hij,jhd->ihd", weight, v).reshape(count, width))
        return tokens + self.outwards(ACTIVATIONS[self.activation](self.inwards(_evened(tokens))))


class Attention(eqx.Module):
    """Columns as tokens, each with a place of its own; blocks of attention; the mean over tokens; an affine map."""

    read: Array
    places: Array
    blocks: tuple[AttentionBlock, ...]
    last: Affine

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """The network's value at one vector."""
        tokens = x[:, None] * self.read + self.places
        for block in self.blocks:
            tokens = block(tokens)
        return self.last(jnp.mean(_evened(tokens), axis=0))


def attention(key: Key[Array, ""], inputs: int, hidden: tuple[int, ...], outputs: int, activation: str) -> Attention:
    """As many blocks as `hidden` has widths; the first is the tokens' width, each a perceptron's inner one."""
    width = hidden[0]
    heads = next(count for count in (4, 2, 1) if width % count == 0)
    key_read, key_places, key_last, key_blocks = jax.random.split(key, 4)

    def block(key: Array, inner: int) -> AttentionBlock:
        one, two, three, four = jax.random.split(key, 4)
        return AttentionBlock(
            affine(one, width, 3 * width),
            affine(two, width, width),
            affine(three, width, inner),
            affine(four, inner, width),
            heads,
            activation,
        )

    blocks = tuple(
        block(one, inner) for one, inner in zip(jax.random.split(key_blocks, len(hidden)), hidden, strict=True)
    )
    places = 0.5 * noise.normal(key_places, (inputs, width))
    return Attention(noise.normal(key_read, (inputs, width)), places, blocks, affine(key_last, width, outputs))


def _evened(tokens: Array) -> Array:
    return tokens * jax.lax.rsqrt(jnp.mean(jnp.square(tokens), axis=-1, keepdims=True) + 1e-6)


def potential_network(
    key: Key[Array, ""],
    kind: str,
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    activation: str,
    image: tuple[int, ...] | None,
    detail: float | None = None,
) -> Callable[[Array], Array]:
    """A network from a row's features to some numbers; `detail` is of the first layer of `mlp` and `residual`."""
    if kind == "conv":
        height, width, *channels = image or (1, inputs)
        shape = (height, width, *(channels or [1]))
        return conv_inwards(key, (shape[0], shape[1], shape[2]), shape[2], hidden, outputs, activation)
    if kind == "residual":
        return residual(key, inputs, hidden, outputs, activation, detail)
    if kind == "attention":
        return attention(key, inputs, hidden, outputs, activation)
    return mlp(key, inputs, hidden, outputs, activation, detail=detail)
