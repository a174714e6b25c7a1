"""The deep autoregressive network."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import as_float, bits_log_prob, log_odds
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
from reverie.models.suits import only
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, learned, option


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


class DARN(Part, HasPriorLogits, HasFiniteCodes, HasLinks, Decodes, HasJointSample, Samplable):
    """A belief net in which the bits of a layer depend on each other too, each on those before it.

        p(x, h_1, …, h_L) = p(x | h_1) p(h_1 | h_2) … p(h_L),
        p(h_l | h_{l+1}) = Π_i Bernoulli(h_{l,i}; σ(T_l(h_{l+1})_i + Σ_{j<i} R^l_{ij} h_{l,j}))

    and so for x. T_l is affine, or a perceptron where `hidden` names widths; the top layer has biases in its place.
    Assumes bits, in the order of their columns. A draw takes as many steps as there are bits; a density takes one.

    Args:
        sizes: units in each stochastic layer, from the one next to x (h_1) to the top (h_L).
        hidden: widths of deterministic hidden layers between one stochastic layer and the next.
        activation: of those hidden layers.

    Example:
        >>> from reverie.models import DARN
        >>> [(one.kind, one.size) for one in DARN((30,), hidden=(60,)).latents]
        [('bits', 30)]

    Reference: Gregor, Danihelka, Mnih, Blundell & Wierstra 2014, *Deep autoregressive networks*, §2.
    """

    sizes: tuple[int, ...] = option((50,))
    hidden: tuple[int, ...] = option(())
    activation: str = option("tanh")
    top: Array = learned()
    layers: tuple[MLP, ...] = learned()
    sideways: tuple[Sideways, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.sizes or any(size < 1 for size in self.sizes):
            raise InputError(f"DARN needs at least one layer of at least one unit, not sizes={self.sizes}")
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS:
            raise InputError(f"DARN needs hidden widths >= 1 and an activation of {', '.join(ACTIVATIONS)}")

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "DARN")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights and none sideways; the visible bias at the bits' log-odds."""
        sizes = (spec.size, *self.sizes)
        bias = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        keys = jax.random.split(key, len(self.sizes))
        layers = tuple(
            mlp(one, sizes[i + 1], self.hidden, sizes[i], self.activation, bias if i == 0 else 0.0)
            for i, one in enumerate(keys)
        )
        sideways = tuple(Sideways(jnp.zeros((size, size))) for size in sizes)
        return filled(self, top=jnp.zeros(self.sizes[-1]), layers=layers, sideways=sideways)

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
        outside = [layer(as_float(above)) for layer, above in zip(self.layers[1:], h[1:], strict=True)]
        layers = zip(self.sideways[1:], [*outside, self.top], h, strict=True)
        return tuple(side.logits(one, code) for side, one, code in layers)

    def log_likelihood(self, x: Array, h: tuple[Array, ...]) -> Array:
        """log p(x | h_1)."""
        return self.sideways[0].log_prob(self.layers[0](as_float(h[0])), x)

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> Array:
        """Draw x ~ p(x | h_1)."""
        return self.sideways[0].sample(key, self.layers[0](as_float(h[0])))

    def centre(self, h: tuple[Array, ...]) -> Array:
        """Bit after bit, each the likelier."""
        outside = self.layers[0](as_float(h[0]))
        return self.sideways[0].spoken(jnp.full_like(outside, 0.5), outside)

    def sample_joint(self, key: Key[Array, ""]) -> tuple[Array, tuple[Array, ...]]:
        """Ancestral sampling from the top down, bit after bit in each layer."""
        keys = jax.random.split(key, len(self.sizes) + 1)
        drawn = [self.sideways[-1].sample(keys[0], self.top)]
        for one, side, layer in zip(keys[1:], reversed(self.sideways[:-1]), reversed(self.layers), strict=True):
            drawn.append(side.sample(one, layer(as_float(drawn[-1]))))
        *codes, x = drawn
        return x, tuple(reversed(codes))

    def sample(self, key: Key[Array, ""]) -> Array:
        """x of a dream."""
        return self.sample_joint(key)[0]
