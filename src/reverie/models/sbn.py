"""Sigmoid belief nets."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.bits import as_float, codes_log_prob, draw_bits, each_bit_log_prob
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


class SigmoidBeliefNet(Decoding, HasPriorLogits, HasFiniteCodes, HasLinks, Decodes, HasJointSample, Samplable):
    """A sigmoid belief net of any depth: layers of bits, and rows of any kind below them.

        p(x, h_1, …, h_L) = p(x | h_1) p(h_1 | h_2) … p(h_L),
        p(h_l | h_{l+1}) = Π_i Bernoulli(h_{l,i}; σ(T_l(h_{l+1}))_i)                         (Ou 2019, Eq. 2)

    T_l(h) = W_l h + b_l, or a perceptron where `hidden` names widths; the one next to x sets p(x | h_1): Bernoulli for
    bits, Gaussian for continuous columns, categorical for levels. With a belief net from x upwards for q(h | x)
    (`SigmoidBeliefPosterior`) it is the generative half of a Helmholtz machine.

    Args:
        sizes: units in each stochastic layer, from the one next to x (h_1) to the top (h_L).
        hidden: widths of deterministic hidden layers between one stochastic layer and the next; `()` makes T_l affine.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import SigmoidBeliefNet
        >>> [(one.kind, one.size) for one in SigmoidBeliefNet((50, 20)).latents]
        [('bits', 50), ('bits', 20)]

    Reference: Neal 1992, *Connectionist learning of belief networks*; Saul, Jaakkola & Jordan 1996; with hidden layers
    between the stochastic ones: Ou 2019, §3.2.1.
    """

    sizes: tuple[int, ...] = option((50,))
    hidden: tuple[int, ...] | None = option(())
    top: Array = learned()
    decoder: Decoder = learned()
    layers: tuple[MLP, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.sizes or any(size < 1 for size in self.sizes):
            raise InputError(
                f"a sigmoid belief net needs at least one layer of at least one unit, not sizes={self.sizes}"
            )

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights; the visible bias at the bits' log-odds, or the columns' means."""
        keys = jax.random.split(key, len(self.sizes))
        layers = tuple(
            self.perceptron(one, above, below)
            for one, below, above in zip(keys[1:], self.sizes[:-1], self.sizes[1:], strict=True)
        )
        last = self.new_decoder(keys[0], self.sizes[0], spec)
        return filled(self, top=jnp.zeros(self.sizes[-1]), decoder=last, layers=layers)

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of bits a layer."""
        return tuple(Latent("bits", size) for size in self.sizes)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(h_1, …, h_L)."""
        total = codes_log_prob(self.top, h[-1])
        for layer, below, above in zip(self.layers, h[:-1], h[1:], strict=True):
            total += codes_log_prob(layer(as_float(above)), below)
        return total

    def prior_terms(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """Of each bit."""
        return tuple(each_bit_log_prob(one, code) for one, code in zip(self.prior_logits(h), h, strict=True))

    def prior_logits(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """T_l(h_{l+1}), and the top's biases."""
        return (*(layer(as_float(above)) for layer, above in zip(self.layers, h[1:], strict=True)), self.top)

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x | h_1)."""
        return self.decoder.log_prob(x, as_float(h[0]))

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """Draw x ~ p(x | h)."""
        return self.decoder.sample(key, as_float(h[0]))

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """The decoder's centre."""
        return self.decoder.centre(as_float(h[0]))

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """Ancestral sampling from the top down."""
        keys = jax.random.split(key, len(self.sizes) + 1)
        codes = [draw_bits(keys[0], self.top)]
        for one, layer in zip(keys[1:-1], reversed(self.layers), strict=True):
            codes.append(draw_bits(one, layer(as_float(codes[-1]))))
        return self.decoder.sample(keys[-1], as_float(codes[-1])), tuple(reversed(codes))

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]
