"""The amortised posterior over categories."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import HasCodeLogits, HasPosterior, Latent
from reverie.data.spec import Spec
from reverie.inference.encoded import kinds_of
from reverie.inference.reading import Perceiving
from reverie.networks.codes import code_features
from reverie.networks.mlp import MLP
from reverie.parts import filled, known, learned


class CategoricalPosterior(Perceiving, HasPosterior, HasCodeLogits):
    """From x upwards, layers of categories that are independent given the layer below.

        q(h_1, …, h_L | x) = q(h_1 | x) q(h_2 | h_1) …,    q(h_l = k | h_{l−1}) ∝ exp T_l(h_{l−1})_k

    Args:
        hidden: widths of the hidden layers of every T_l; where not given one of 200, or none right after convolutions
            or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import CategoricalPosterior
        >>> CategoricalPosterior(hidden=(100,)).hidden
        (100,)

    Reference: Jang, Gu & Poole 2017, *Categorical reparameterization with Gumbel-softmax*, §4; Ou 2019, §3.2.
    """

    blocks: tuple[Latent, ...] = known()
    layers: tuple[MLP, ...] = learned()

    def unserving(self, model: Any) -> str | None:
        """Blocks of categories only."""
        kinds = kinds_of(model)
        served = set(kinds) == {"categories"}
        return None if served else f"a categorical posterior serves categories, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """One layer for each of the model's blocks."""
        read, blocks = self.new_reader(key, spec, model), model.latents
        sizes = [one.size * one.levels for one in blocks]
        keys, below = jax.random.split(key, len(blocks)), [read, *sizes[:-1]]
        made = tuple(self.perceptron(*each) for each in zip(keys, below, sizes, strict=True))
        return filled(self, read=read, blocks=blocks, layers=made)

    def code_logits(self, x: PyTree, below: tuple[Array, ...]) -> Array:
        """The logits of h_l given h_{l−1}, or given x, [size, levels]."""
        at = len(below)
        read = code_features(below[-1:], self.blocks[at - 1 : at]) if below else self.read(x)
        return self.layers[at](read).reshape(self.blocks[at].size, self.blocks[at].levels)

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """Layer after layer, upwards."""
        codes: tuple[Array, ...] = ()
        for one in jax.random.split(key, len(self.blocks)):
            codes += (noise.categorical(one, self.code_logits(x, codes)),)
        return codes

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """Σ_l log q(h_l | h_{l−1}), with h_0 = x."""
        total = jnp.zeros(())
        for at, code in enumerate(h):
            rows = jax.nn.log_softmax(self.code_logits(x, h[:at]))
            total += jnp.sum(jnp.take_along_axis(rows, code[:, None], axis=1))
        return total
