"""Gaussian posteriors over several layers of reals: from x upwards, or from the top down."""

from abc import abstractmethod
from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Encodes, HasPosteriorTerms, ReparameterisedProposal
from reverie.data.spec import Spec
from reverie.inference.encoded import kinds_of
from reverie.inference.normal import each_normal_log_prob, halves, normal_log_prob, standard_log_prob
from reverie.inference.reading import Perceiving
from reverie.networks.mlp import MLP
from reverie.parts import filled, known, learned


class LayeredGaussian(Perceiving, HasPosteriorTerms, ReparameterisedProposal, Encodes):
    """Abstract: q(h_1, …, h_L | x) = Π_l N(h_l; μ_l, diag σ_l²), each given x and the layers drawn before."""

    sizes: tuple[int, ...] = known()
    networks: tuple[MLP, ...] = learned()

    def unserving(self, model: Any) -> str | None:
        """Blocks of reals only."""
        kinds = kinds_of(model)
        what = type(self).__name__
        return None if set(kinds) == {"reals"} else f"{what} serves blocks of reals, not {', '.join(kinds)}"

    @property
    @abstractmethod
    def order(self) -> tuple[int, ...]:
        """The layers in the order in which they are drawn."""

    @abstractmethod
    def moments(self, read: Array, before: dict[int, Array], layer: int) -> tuple[Array, Array]:
        """μ and log σ of a layer, given what is read of x and the layers drawn before it."""

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """Σ_l log q(h_l | …)."""
        read, before = self.read(x), dict[int, Array]()
        total = jnp.zeros(())
        for layer in self.order:
            total += normal_log_prob(h[layer], *self.moments(read, before, layer))
            before[layer] = h[layer]
        return total

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each variable."""
        read, before, found = self.read(x), dict[int, Array](), dict[int, Array]()
        for layer in self.order:
            found[layer] = each_normal_log_prob(h[layer], *self.moments(read, before, layer))
            before[layer] = h[layer]
        return tuple(found[layer] for layer in range(len(h)))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I) for all layers in a row."""
        return noise.normal(key, (sum(self.sizes),))

    def _moved(self, epsilon: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        ends = [sum(self.sizes[:i]) for i in range(len(self.sizes) + 1)]
        read, before = self.read(x), dict[int, Array]()
        log_scales = jnp.zeros(())
        for layer in self.order:
            mean, log_scale = self.moments(read, before, layer)
            before[layer] = mean + jnp.exp(log_scale) * epsilon[ends[layer] : ends[layer + 1]]
            log_scales += jnp.sum(log_scale)
        return tuple(before[layer] for layer in range(len(self.sizes))), log_scales

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """μ_l + σ_l ε_l, layer after layer."""
        h, log_scales = self._moved(noise, x)
        return h, standard_log_prob(noise) - log_scales

    def encode(self, x: PyTree) -> tuple[Array, ...]:
        """The code of no noise."""
        return self._moved(jnp.zeros(sum(self.sizes)), x)[0]

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)


class BottomUpPosterior(LayeredGaussian):
    """From x upwards, each layer given the one below it.

        q(h_1, …, h_L | x) = q(h_1 | x) q(h_2 | h_1) … q(h_L | h_{L−1}), each a diagonal Gaussian

    Args:
        hidden: widths of the hidden layers of each step; where not given one of 200, or none right after convolutions
            or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import BottomUpPosterior
        >>> BottomUpPosterior(hidden=(100,)).hidden
        (100,)

    Reference: Burda, Grosse & Salakhutdinov 2016, §5.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """One perceptron a layer."""
        read, sizes = self.new_reader(key, spec, model), tuple(latent.size for latent in model.latents)
        keys, below = jax.random.split(key, len(sizes)), [read, *sizes[:-1]]
        made = tuple(self.perceptron(keys[i], below[i], 2 * sizes[i]) for i in range(len(sizes)))
        return filled(self, read=read, sizes=sizes, networks=made)

    @property
    def order(self) -> tuple[int, ...]:
        """From the one next to x."""
        return tuple(range(len(self.sizes)))

    def moments(self, read: Array, before: dict[int, Array], layer: int) -> tuple[Array, Array]:
        """From the layer below, or from x."""
        return halves(self.networks[layer](before[layer - 1] if layer else read))


class TopDownPosterior(LayeredGaussian):
    """From the top down, each layer given x and the layer above it: structured as the model's own posterior is.

        q(h_1, …, h_L | x) = q(h_L | x) q(h_{L−1} | h_L, x) … q(h_1 | h_2, x), each a diagonal Gaussian

    Each layer reads x and the layer above by a perceptron of its own.

    Args:
        hidden: widths of the hidden layers of each step; where not given one of 200, or none right after convolutions
            or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import TopDownPosterior
        >>> TopDownPosterior(hidden=(100,)).hidden
        (100,)

    Reference: Sønderby, Raiko, Maaløe, Sønderby & Winther 2016, *Ladder variational autoencoders*, §2.2.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """One perceptron a layer."""
        read, sizes = self.new_reader(key, spec, model), tuple(latent.size for latent in model.latents)
        keys, above = jax.random.split(key, len(sizes)), (*sizes[1:], 0)
        made = tuple(self.perceptron(keys[i], read, 2 * sizes[i], above[i]) for i in range(len(sizes)))
        return filled(self, read=read, sizes=sizes, networks=made)

    @property
    def order(self) -> tuple[int, ...]:
        """From the top."""
        return tuple(reversed(range(len(self.sizes))))

    def moments(self, read: Array, before: dict[int, Array], layer: int) -> tuple[Array, Array]:
        """From x and the layer above."""
        if layer + 1 in before:
            read = jnp.concatenate([read, before[layer + 1]])
        return halves(self.networks[layer](read))
