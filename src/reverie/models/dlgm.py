"""Deep latent Gaussian models."""

import math
from typing import Any, Literal, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float, Key, PyTree

from reverie import noise
from reverie.capabilities import Decodes, HasJointSample, HasPriorTerms, HasRealCodes, Latent, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.decoder import Decoder, Decoding
from reverie.models.heads import LOWEST_LOG_SCALE
from reverie.networks.mlp import MLP
from reverie.parts import filled, learned, option


class GaussianLayer(eqx.Module):
    """h = μ(above) + G ξ, ξ ~ N(0, I): one layer given the one above it.

    Attributes:
        network: μ, and after it log diag G where that depends on the layer above; `None` at the top, where μ = 0.
        log_diagonal: log diag G where it is a parameter.
        below: G's entries below the diagonal; `None` where there are none.
        size: how many variables.
    """

    network: MLP | None
    log_diagonal: Array | None
    below: Array | None
    size: int = eqx.field(static=True)

    def _moments(self, above: Array | None) -> tuple[Array, Array]:
        """μ and log diag G."""
        output = jnp.zeros(self.size) if self.network is None or above is None else self.network(above)
        if self.log_diagonal is not None:
            return output, self.log_diagonal
        if self.network is None:
            return output, jnp.zeros(self.size)
        return output[: self.size], jnp.maximum(output[self.size :], LOWEST_LOG_SCALE)

    def _cost(self, h: Array, above: Array | None) -> Float[Array, " size"]:
        """½ ξ² + log diag G, of the noise ξ = G⁻¹ (h − μ) that would have given h."""
        mean, log_diagonal = self._moments(above)
        if self.below is None:
            xi = (h - mean) * jnp.exp(-log_diagonal)
        else:
            factor = jnp.tril(self.below, -1) + jnp.diag(jnp.exp(log_diagonal))
            xi = solve_triangular(factor, h - mean, lower=True)
        return 0.5 * xi**2 + log_diagonal

    def log_prob(self, h: Array, above: Array | None) -> Float[Array, ""]:
        """log N(h; μ, G Gᵀ)."""
        return -jnp.sum(self._cost(h, above)) - 0.5 * self.size * math.log(2.0 * math.pi)

    def log_probs(self, h: Array, above: Array | None) -> Array:
        """The same of each variable where G is diagonal, else of all."""
        each = -self._cost(h, above) - 0.5 * math.log(2.0 * math.pi)
        return each if self.below is None else jnp.sum(each)

    def sample(self, key: Key[Array, ""], above: Array | None) -> Array:
        """μ + G ξ."""
        mean, log_diagonal = self._moments(above)
        xi = noise.normal(key, (self.size,))
        sideways = 0.0 if self.below is None else jnp.tril(self.below, -1) @ xi
        return mean + jnp.exp(log_diagonal) * xi + sideways


class DeepLatentGaussian(Decoding, HasRealCodes, HasPriorTerms, Decodes, HasJointSample, Samplable):
    """Layers of Gaussian variables, each around a function of the layer above it.

        h_L = G_L ξ_L,    h_l = T_l(h_{l+1}) + G_l ξ_l,    x ~ p(x; T_0(h_1)),    ξ_l ~ N(0, I)

    so that log p(h_l | h_{l+1}) = log N(h_l; T_l(h_{l+1}), G_l G_lᵀ): codes are the h, not the ξ. T_l is a perceptron,
    or affine where `hidden` is `()`. With `scales="network"` it is the model of importance-weighted autoencoders with
    several stochastic layers, h_l ~ N(μ_l(h_{l+1}), diag σ_l(h_{l+1})²) below a standard normal.

    Args:
        sizes: variables in each stochastic layer, from the one next to x (h_1) to the top (h_L).
        hidden: widths of the hidden layers of every T_l.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scales: G_l: `diagonal` or `full` (lower triangular), parameters both, or `network`, diagonal and given by the
            layer above.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import DeepLatentGaussian
        >>> [(one.kind, one.size) for one in DeepLatentGaussian((100, 50), hidden=(200, 200)).latents]
        [('reals', 100), ('reals', 50)]

    Reference: Rezende, Mohamed & Wierstra 2014, *Stochastic backpropagation*, Eq. 1–4; scales from the layer above:
    Burda, Grosse & Salakhutdinov 2016, §5.
    """

    sizes: tuple[int, ...] = option((32, 16))
    hidden: tuple[int, ...] | None = option((100,))
    scales: Literal["diagonal", "full", "network"] = option("diagonal")
    decoder: Decoder = learned()
    layers: tuple[GaussianLayer, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.sizes or any(size < 1 for size in self.sizes):
            raise InputError(
                f"a deep latent Gaussian model needs at least one layer of one variable, not sizes={self.sizes}"
            )
        if self.scales not in ("diagonal", "full", "network"):
            raise InputError(f"scales must be diagonal, full or network, not {self.scales!r}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights, unit scales, and a decoder whose output bias fits the columns' means."""
        keys = jax.random.split(key, len(self.sizes))
        first = self.new_decoder(keys[0], self.sizes[0], spec)
        above = (*self.sizes[1:], None)
        layers = tuple(
            self._layer(one, size, over) for one, size, over in zip((*keys[1:], key), self.sizes, above, strict=True)
        )
        return filled(self, decoder=first, layers=layers)

    def _layer(self, key: Key[Array, ""], size: int, above: int | None) -> GaussianLayer:
        own = self.scales != "network"
        outputs = size if own else 2 * size
        network = None if above is None else self.perceptron(key, above, outputs)
        below = jnp.zeros((size, size)) if self.scales == "full" else None
        return GaussianLayer(network, jnp.zeros(size) if own else None, below, size)

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of reals a layer."""
        return tuple(Latent("reals", size) for size in self.sizes)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(h_1, …, h_L)."""
        total = jnp.zeros(())
        for layer, code, above in zip(self.layers, h, (*h[1:], None), strict=True):
            total += layer.log_prob(code, above)
        return total

    def prior_terms(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """Of each variable, or of each layer where G is full."""
        layers = zip(self.layers, h, (*h[1:], None), strict=True)
        return tuple(layer.log_probs(code, above) for layer, code, above in layers)

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x | h_1)."""
        return self.decoder.log_prob(x, h[0])

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """Draw x ~ p(x | h)."""
        return self.decoder.sample(key, h[0])

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """The decoder's centre."""
        return self.decoder.centre(h[0])

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """Ancestral sampling from the top down."""
        keys = jax.random.split(key, len(self.sizes) + 1)
        codes: list[Array] = []
        for one, layer in zip(keys[:-1], reversed(self.layers), strict=True):
            codes.append(layer.sample(one, codes[-1] if codes else None))
        return self.decoder.sample(keys[-1], codes[-1]), tuple(reversed(codes))

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]
