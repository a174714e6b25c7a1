"""The amortised posterior over layers of bits."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.bits import as_float, codes_log_prob, draw_bits
from reverie.capabilities import HasBitLogits, HasLogJoint, HasPosterior
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class SigmoidBeliefPosterior(Part, HasPosterior, HasBitLogits):
    """A sigmoid belief net from x upwards: the recognition half of a Helmholtz machine.

        q(h_1, …, h_L | x) = q(h_1 | x) q(h_2 | h_1) … q(h_L | h_{L−1}),  each a vector of independent bits

    Args:
        hidden: widths of deterministic hidden layers inside each layer; `()` makes each of them linear.
        activation: of those hidden layers.

    Example:
        >>> from reverie.inference import SigmoidBeliefPosterior
        >>> SigmoidBeliefPosterior(hidden=(20,)).hidden
        (20,)

    Reference: Dayan, Hinton, Neal & Zemel 1995, *The Helmholtz machine*; Ou 2019, §3.2.2.
    """

    hidden: tuple[int, ...] = option(())
    activation: str = option("tanh")
    shape: tuple[Layout, ...] = known()
    layers: tuple[MLP, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS:
            raise InputError(f"a belief-net posterior needs widths >= 1 and an activation of {', '.join(ACTIVATIONS)}")

    def unserving(self, model: Any) -> str | None:
        """Blocks of bits only."""
        kinds = [latent.kind for latent in model.latents] if isinstance(model, HasLogJoint) else ["no latent variables"]
        return None if set(kinds) == {"bits"} else f"a belief-net posterior serves bits, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """One layer for each of the model's blocks of bits."""
        shape = layouts(spec)
        sizes = (sum(layout.width for layout in shape), *(latent.size for latent in model.latents))
        keys = jax.random.split(key, len(sizes) - 1)
        made = tuple(mlp(keys[i], sizes[i], self.hidden, sizes[i + 1], self.activation) for i in range(len(keys)))
        return filled(self, shape=shape, layers=made)

    def code_logits(self, x: PyTree, below: tuple[Array, ...]) -> Array:
        """The logits of h_l given h_{l−1}, or given x."""
        read = as_float(below[-1]) if below else features(x, self.shape)
        return self.layers[len(below)](read)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """Layer after layer, upwards."""
        below, codes = features(x, self.shape), []
        for one, layer in zip(jax.random.split(key, len(self.layers)), self.layers, strict=True):
            codes.append(draw_bits(one, layer(below)))
            below = as_float(codes[-1])
        return tuple(codes)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """Σ_l log q(h_l | h_{l−1}), with h_0 = x."""
        below, total = features(x, self.shape), jnp.zeros(())
        for layer, code in zip(self.layers, h, strict=True):
            total += codes_log_prob(layer(below), code)
            below = as_float(code)
        return total
