"""An autoregressive posterior over layers of bits or categories."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from reverie import noise
from reverie.bits import as_float, bits_log_prob
from reverie.capabilities import HasPosteriorTerms, Latent
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.inference.reading import Reading
from reverie.networks.codes import code_features, code_width
from reverie.networks.mlp import affine
from reverie.parts import filled, known, learned, option


class NeuralAutoregressive(eqx.Module):
    """Bits, each given those before it and a vector from below.

    P(v_i = 1 | v_{<i}, y) = σ(b_i + B_i y + V_i σ(c + U y + Σ_{j<i} W_j v_j))
    """

    across: Array
    down: Array
    hidden_from: Array
    direct_from: Array
    hidden_bias: Array
    bias: Array

    @classmethod
    def start(cls, key: Key[Array, ""], inputs: int, size: int, hidden: int) -> Self:
        """Small weights; biases of nought."""
        keys = jax.random.split(key, 4)
        shapes = ((size, hidden), (hidden, size), (inputs, hidden), (inputs, size))
        weights = [affine(one, *shape).weight for one, shape in zip(keys, shapes, strict=True)]
        return cls(weights[0], weights[1].T, weights[2], weights[3], jnp.zeros(hidden), jnp.zeros(size))

    def log_prob(self, bits: Array, below: Array) -> Array:
        """log q(v | y): all conditionals at once, by running sums."""
        given = as_float(bits)[:, None] * self.across
        before = jnp.cumsum(given, axis=0) - given
        hidden = jax.nn.sigmoid(before + self.hidden_bias + below @ self.hidden_from)
        return bits_log_prob(self.bias + below @ self.direct_from + jnp.sum(hidden * self.down, axis=1), bits)

    def sample(self, key: Key[Array, ""], below: Array) -> Array:
        """Bit after bit; each adds its row to what the hidden units have seen."""
        uniform = noise.uniform(key, self.bias.shape)
        outside = self.bias + below @ self.direct_from

        def step(seen: Array, at: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
            u, logit, across, down = at
            bit = u < jax.nn.sigmoid(logit + jax.nn.sigmoid(seen) @ down)
            return seen + jnp.where(bit, across, 0.0), bit

        start = self.hidden_bias + below @ self.hidden_from
        return jax.lax.scan(step, start, (uniform, outside, self.across, self.down))[1]


class CategoricalAutoregressive(eqx.Module):
    """The same of categories.

    P(v_i = k | v_{<i}, y) ∝ exp(b_ik + B_ik y + V_ik σ(c + U y + Σ_{j<i} W_j[v_j]))
    """

    across: Float[Array, "size levels hidden"]
    down: Float[Array, "size levels hidden"]
    hidden_from: Float[Array, "inputs hidden"]
    direct_from: Float[Array, "inputs logits"]
    hidden_bias: Float[Array, " hidden"]
    bias: Float[Array, "size levels"]

    @classmethod
    def start(cls, key: Key[Array, ""], inputs: int, size: int, levels: int, hidden: int) -> Self:
        """Small weights; biases of nought."""
        keys = jax.random.split(key, 4)
        shapes = ((size * levels, hidden), (hidden, size * levels), (inputs, hidden), (inputs, size * levels))
        weights = [affine(one, *shape).weight for one, shape in zip(keys, shapes, strict=True)]
        across, down = (one.reshape(size, levels, hidden) for one in (weights[0], weights[1].T))
        return cls(across, down, weights[2], weights[3], jnp.zeros(hidden), jnp.zeros((size, levels)))

    def _outside(self, below: Array) -> Array:
        return self.bias + (below @ self.direct_from).reshape(self.bias.shape)

    def log_prob(self, code: Array, below: Array) -> Array:
        """log q(v | y): all conditionals at once, by running sums."""
        places = jnp.arange(self.bias.shape[0])
        given = self.across[places, code]
        before = jnp.cumsum(given, axis=0) - given
        hidden = jax.nn.sigmoid(before + self.hidden_bias + below @ self.hidden_from)
        logits = self._outside(below) + jnp.einsum("sh,slh->sl", hidden, self.down)
        return jnp.sum(jax.nn.log_softmax(logits)[places, code])

    def sample(self, key: Key[Array, ""], below: Array) -> Array:
        """Category after category; each adds its row to what the hidden units have seen."""

        def step(seen: Array, at: tuple[Array, Array, Array, Array]) -> tuple[Array, Array]:
            one, logits, across, down = at
            level = noise.categorical(one, logits + down @ jax.nn.sigmoid(seen)).astype(jnp.int32)
            return seen + across[level], level

        start = self.hidden_bias + below @ self.hidden_from
        keys = jax.random.split(key, self.bias.shape[0])
        return jax.lax.scan(step, start, (keys, self._outside(below), self.across, self.down))[1]


class AutoregressivePosterior(Reading, HasPosteriorTerms):
    """From x upwards, the bits or categories of each layer depending on each other too.

        q(h_1, …, h_L | x) = q(h_1 | x) q(h_2 | h_1) …,  q(h_l | h_{l−1}) = Π_i q(h_{l,i} | h_{l,<i}, h_{l−1})

    with one hidden layer a factor, shared over i (NADE). A density takes one pass, a draw one step a bit.

    Args:
        width: hidden units of each layer's network.
        activation: of convolutions; `elu` where not given.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import AutoregressivePosterior
        >>> AutoregressivePosterior(width=100).width
        100

    Reference: Bornschein & Bengio 2015, *Reweighted wake-sleep*, §3; Larochelle & Murray 2011, Eq. 4–5.
    """

    width: int = option(200)
    latents: tuple[Latent, ...] = known()
    layers: tuple[NeuralAutoregressive | CategoricalAutoregressive, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse a width that is none."""
        if self.width < 1:
            raise InputError(f"an autoregressive posterior needs width >= 1, not {self.width}")

    def unserving(self, model: Any) -> str | None:
        """Blocks of bits and of categories."""
        kinds = kinds_of(model)
        if set(kinds) <= {"bits", "categories"}:
            return None
        return f"an autoregressive posterior serves bits and categories, not {', '.join(kinds)}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """One network for each of the model's blocks."""
        read = self.new_reader(key, spec, model)
        inputs = (read.width, *(code_width((latent,)) for latent in model.latents[:-1]))
        made: list[NeuralAutoregressive | CategoricalAutoregressive] = []
        for one, width, latent in zip(jax.random.split(key, len(inputs)), inputs, model.latents, strict=True):
            if latent.kind == "bits":
                made.append(NeuralAutoregressive.start(one, width, latent.size, self.width))
            else:
                made.append(CategoricalAutoregressive.start(one, width, latent.size, latent.levels, self.width))
        return filled(self, read=read, latents=model.latents, layers=tuple(made))

    def _features(self, place: int, code: Array) -> Array:
        return code_features((code,), self.latents[place : place + 1])

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """Layer after layer, upwards."""
        below, codes = self.read(x), []
        for place, one in enumerate(jax.random.split(key, len(self.layers))):
            codes.append(self.layers[place].sample(one, below))
            below = self._features(place, codes[-1])
        return tuple(codes)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """Σ_l log q(h_l | h_{l−1}), with h_0 = x."""
        total = jnp.zeros(())
        for term in self.posterior_terms(h, x):
            total += term
        return total

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each layer: its bits lean on each other."""
        below = (self.read(x), *(self._features(place, code) for place, code in enumerate(h[:-1])))
        return tuple(layer.log_prob(code, one) for layer, code, one in zip(self.layers, h, below, strict=True))
