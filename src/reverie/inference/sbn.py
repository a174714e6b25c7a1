"""The amortised posterior over layers of bits."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.bits import as_float, codes_log_prob, draw_bits
from reverie.capabilities import HasBitLogits, HasLogJoint, HasPosterior
from reverie.data.spec import Spec
from reverie.inference.reading import Perceiving
from reverie.networks.mlp import MLP
from reverie.parts import filled, learned, option


class SigmoidBeliefPosterior(Perceiving, HasPosterior, HasBitLogits):
    """A sigmoid belief net from x upwards: the recognition half of a Helmholtz machine.

        q(h_1, …, h_L | x) = q(h_1 | x) q(h_2 | h_1) … q(h_L | h_{L−1}),  each a vector of independent bits

    Args:
        hidden: widths of deterministic hidden layers inside each layer; `()` makes each of them linear.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import SigmoidBeliefPosterior
        >>> SigmoidBeliefPosterior(hidden=(20,)).hidden
        (20,)

    Reference: Dayan, Hinton, Neal & Zemel 1995, *The Helmholtz machine*; Ou 2019, §3.2.2.
    """

    hidden: tuple[int, ...] | None = option(())
    layers: tuple[MLP, ...] = learned()

    def unserving(self, model: Any) -> str | None:
        """Blocks of bits only."""
        kinds = [latent.kind for latent in model.latents] if isinstance(model, HasLogJoint) else ["no latent variables"]
        return None if set(kinds) == {"bits"} else f"a belief-net posterior serves bits, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """One layer for each of the model's blocks of bits."""
        read, sizes = self.new_reader(key, spec, model), [latent.size for latent in model.latents]
        keys, below = jax.random.split(key, len(sizes)), [read, *sizes[:-1]]
        made = tuple(self.perceptron(*each) for each in zip(keys, below, sizes, strict=True))
        return filled(self, read=read, layers=made)

    def code_logits(self, x: PyTree, below: tuple[Array, ...]) -> Array:
        """The logits of h_l given h_{l−1}, or given x."""
        read = as_float(below[-1]) if below else self.read(x)
        return self.layers[len(below)](read)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """Layer after layer, upwards."""
        below, codes = self.read(x), []
        for one, layer in zip(jax.random.split(key, len(self.layers)), self.layers, strict=True):
            codes.append(draw_bits(one, layer(below)))
            below = as_float(codes[-1])
        return tuple(codes)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """Σ_l log q(h_l | h_{l−1}), with h_0 = x."""
        below, total = self.read(x), jnp.zeros(())
        for layer, code in zip(self.layers, h, strict=True):
            total += codes_log_prob(layer(below), code)
            below = as_float(code)
        return total
