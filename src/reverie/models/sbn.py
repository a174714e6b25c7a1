"""Sigmoid belief nets."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie.capabilities import HasFiniteCodes, HasJointSample, HasRelaxedJoint, Latent, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.bits import as_float, bits_log_prob, draw_bits, log_odds
from reverie.models.suits import only
from reverie.networks.mlp import Affine, affine
from reverie.parts import Part, filled, learned, option


class SigmoidBeliefNet(Part, HasRelaxedJoint, HasFiniteCodes, HasJointSample, Samplable):
    """A sigmoid belief net of any depth over bits.

        p(x, h_1, …, h_L) = p(x | h_1) p(h_1 | h_2) … p(h_L),
        p(h_l | h_{l+1}) = Π_i Bernoulli(h_{l,i}; σ(W_l h_{l+1} + b_l)_i)                    (Ou 2019, Eq. 2)

    Args:
        sizes: units in each stochastic layer, from the one next to x (h_1) to the top (h_L).

    Example:
        >>> from reverie.models import SigmoidBeliefNet
        >>> [(one.kind, one.size) for one in SigmoidBeliefNet((50, 20)).latents]
        [('bits', 50), ('bits', 20)]

    Reference: Neal 1992, *Connectionist learning of belief networks*; Saul, Jaakkola & Jordan 1996.
    """

    sizes: tuple[int, ...] = option((50,))
    top: Array = learned()
    layers: tuple[Affine, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.sizes or any(size < 1 for size in self.sizes):
            raise InputError(
                f"a sigmoid belief net needs at least one layer of at least one unit, not sizes={self.sizes}"
            )

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "a sigmoid belief net")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights; the visible bias at the bits' log-odds."""
        below = (spec.size, *self.sizes)
        keys = jax.random.split(key, len(self.sizes))
        bias = (
            log_odds(jnp.asarray(spec.leaves["binary"].mean)),
            *(jnp.zeros(size) for size in self.sizes[:-1]),
        )
        layers = tuple(affine(keys[i], below[i + 1], below[i], bias[i]) for i in range(len(self.sizes)))
        return filled(self, top=jnp.zeros(self.sizes[-1]), layers=layers)

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of bits a layer."""
        return tuple(Latent("bits", size) for size in self.sizes)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(h_1, …, h_L)."""
        total = bits_log_prob(self.top, h[-1])
        for layer, below, above in zip(self.layers[1:], h[:-1], h[1:], strict=True):
            total += bits_log_prob(layer(as_float(above)), below)
        return total

    def log_likelihood(self, x: Array, h: tuple[Array, ...]) -> Array:
        """log p(x | h_1)."""
        return bits_log_prob(self.layers[0](as_float(h[0])), x)

    def sample_joint(self, key: Key[Array, ""]) -> tuple[Array, tuple[Array, ...]]:
        """Ancestral sampling from the top down."""
        keys = jax.random.split(key, len(self.sizes) + 1)
        drawn = [draw_bits(keys[0], self.top)]
        for one, layer in zip(keys[1:], reversed(self.layers), strict=True):
            drawn.append(draw_bits(one, layer(as_float(drawn[-1]))))
        *codes, x = drawn
        return x, tuple(reversed(codes))

    def sample(self, key: Key[Array, ""]) -> Array:
        """x of a dream."""
        return self.sample_joint(key)[0]
