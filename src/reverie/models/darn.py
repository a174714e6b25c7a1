"""The deep autoregressive network."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.bits import as_float, bits_log_prob
from reverie.capabilities import (
    Decodes,
    HasFiniteCodes,
    HasJointSample,
    HasLinks,
    HasPriorLogits,
    Latent,
    Samplable,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.decoder import Decoder, Decoding
from reverie.networks.mlp import MLP
from reverie.parts import filled, learned, option


class Sideways(eqx.Module):
    """Bits of one layer, each given those before it: P(v_i = 1) = σ(a_i + Σ_{j<i} R_{ij} v_j), a from elsewhere."""

    weight: Array

    def log_prob(self, outside: Array, bits: Array) -> Array:
        """log p(v | a)."""
        return bits_log_prob(self.logits(outside, bits), bits)

    def logits(self, outside: Array, bits: Array) -> Array:
        """Of each bit given those before it."""
        return outside + jnp.tril(self.weight, -1) @ as_float(bits)

    def sample(self, key: Key[Array, ""], outside: Array) -> Array:
        """Bit after bit."""
        return self.spoken(noise.uniform(key, outside.shape), outside)

    def spoken(self, uniform: Array, outside: Array) -> Array:
        """Bits that are on where u < P(v_i = 1); each adds its column to the logits of those that come after it."""

        def step(logits: Array, at: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            i, u, column = at
            bit = u < jax.nn.sigmoid(logits[i])
            return logits + jnp.where(bit, column, 0.0), bit

        columns = jnp.tril(self.weight, -1).T
        return jax.lax.scan(step, outside, (jnp.arange(outside.shape[0]), uniform, columns))[1]


class DARN(Decoding, HasPriorLogits, HasFiniteCodes, HasLinks, Decodes, HasJointSample, Samplable):
    """A belief net in which the bits of a layer depend on each other too, each on those before it.

        p(x, h_1, …, h_L) = p(x | h_1) p(h_1 | h_2) … p(h_L),
        p(h_l | h_{l+1}) = Π_i Bernoulli(h_{l,i}; σ(T_l(h_{l+1})_i + Σ_{j<i} R^l_{ij} h_{l,j}))

    and so for x, of bits. T_l is affine, or a perceptron where `hidden` names widths; the top layer has biases in its
    place. Rows of other kinds are drawn from h_1 as a belief net draws them, a column independently of the others. Bits
    stand in the order of their columns. A draw takes as many steps as there are bits; a density takes one.

    Args:
        sizes: units in each stochastic layer, from the one next to x (h_1) to the top (h_L).
        hidden: widths of deterministic hidden layers between one stochastic layer and the next.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import DARN
        >>> [(one.kind, one.size) for one in DARN((30,), hidden=(60,)).latents]
        [('bits', 30)]

    Reference: Gregor, Danihelka, Mnih, Blundell & Wierstra 2014, *Deep autoregressive networks*, §2.
    """

    sizes: tuple[int, ...] = option((50,))
    hidden: tuple[int, ...] | None = option(())
    top: Array = learned()
    decoder: Decoder = learned()
    layers: tuple[MLP, ...] = learned()
    sideways: tuple[Sideways, ...] = learned()
    between: Sideways | None = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.sizes or any(size < 1 for size in self.sizes):
            raise InputError(f"DARN needs at least one layer of at least one unit, not sizes={self.sizes}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights and none sideways; the visible bias at the bits' log-odds, or the columns' means."""
        keys = jax.random.split(key, len(self.sizes))
        layers = tuple(
            self.perceptron(one, above, below)
            for one, below, above in zip(keys[1:], self.sizes[:-1], self.sizes[1:], strict=True)
        )
        return filled(
            self,
            top=jnp.zeros(self.sizes[-1]),
            decoder=self.new_decoder(keys[0], self.sizes[0], spec),
            layers=layers,
            sideways=tuple(Sideways(jnp.zeros((size, size))) for size in self.sizes),
            between=Sideways(jnp.zeros((spec.size, spec.size))) if spec.kind == "binary" else None,
        )

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of bits a layer."""
        return tuple(Latent("bits", size) for size in self.sizes)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(h_1, …, h_L)."""
        *terms, total = self.prior_terms(h)
        for term in terms:
            total += term
        return total

    def prior_terms(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """Of each layer: its bits lean on each other."""
        return tuple(bits_log_prob(one, code) for one, code in zip(self.prior_logits(h), h, strict=True))

    def prior_logits(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """Of each bit given the layer above and the bits before it."""
        outside = [layer(as_float(above)) for layer, above in zip(self.layers, h[1:], strict=True)]
        layers = zip(self.sideways, [*outside, self.top], h, strict=True)
        return tuple(side.logits(one, code) for side, one, code in layers)

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x | h_1)."""
        code = as_float(h[0])
        if self.between is None:
            return self.decoder.log_prob(x, code)
        return self.between.log_prob(self.decoder.outputs(code), x)

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """Draw x ~ p(x | h_1)."""
        code = as_float(h[0])
        if self.between is None:
            return self.decoder.sample(key, code)
        return self.between.sample(key, self.decoder.outputs(code))

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """Bit after bit, each the likelier; of other rows the decoder's centre."""
        code = as_float(h[0])
        if self.between is None:
            return self.decoder.centre(code)
        outside = self.decoder.outputs(code)
        return self.between.spoken(jnp.full_like(outside, 0.5), outside)

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """Ancestral sampling from the top down, bit after bit in each layer."""
        keys = jax.random.split(key, len(self.sizes) + 1)
        codes = [self.sideways[-1].sample(keys[0], self.top)]
        for one, side, layer in zip(keys[1:-1], reversed(self.sideways[:-1]), reversed(self.layers), strict=True):
            codes.append(side.sample(one, layer(as_float(codes[-1]))))
        return self.decode(keys[-1], (codes[-1],)), tuple(reversed(codes))

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]
