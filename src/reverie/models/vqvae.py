"""The generative half of the VQ-VAE."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    Decodes,
    HasCodebook,
    HasFiniteCodes,
    HasJointSample,
    HasRelaxedJoint,
    Latent,
    Samplable,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.decoder import Decoder, Decoding
from reverie.models.priors import CodePrior
from reverie.parts import filled, learned, option


class VQVAE(Decoding, HasCodebook, HasRelaxedJoint, HasFiniteCodes, Decodes, HasJointSample, Samplable):
    """Categories that stand for vectors of a codebook, and a network from the vectors to x.

        h_1, …, h_N ~ p(h), each one of K levels,    x | h ~ p(x; f_θ(e_{h_1}, …, e_{h_N}))

    With convolutions, and as many positions as their smallest map has places (49 for 28×28 pixels and two layers), each
    vector stands at a place of its own.

    p(h) is autoregressive, P(h_n | h_{<n}), in one pass of a masked network, or uniform. This is a distribution like
    any other; what is particular is how it is learned, from the codes of an encoder that rounds (`VectorQuantiser`).

    Args:
        positions: N, how many categories a code has.
        levels: K, how many vectors the codebook has.
        size: the dimension of the vectors.
        hidden: widths of the decoder's hidden layers; where not given one of 200, and none before convolutions.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        prior: `autoregressive` or `uniform`.
        width: of the autoregressive prior's hidden layer.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import VQVAE
        >>> VQVAE(positions=4, levels=32).latents
        (Latent(kind='categories', size=4, levels=32),)

    Reference: van den Oord, Vinyals & Kavukcuoglu 2017, *Neural discrete representation learning*, §3.1 and §3.3.
    """

    usual: ClassVar[Mapping[str, str]] = {"inference": "vector-quantiser"}

    positions: int = option(16)
    levels: int = option(32)
    size: int = option(8)
    hidden: tuple[int, ...] | None = option(None)
    prior: Literal["autoregressive", "uniform"] = option("autoregressive")
    width: int = option(64)
    codebook: Array = learned()
    decoder: Decoder = learned()
    density: CodePrior | None = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if min(self.positions, self.size, self.width) < 1:
            raise InputError("a VQ-VAE needs positions, size and width of at least 1")
        if self.levels < 2:
            raise InputError(f"a VQ-VAE needs a codebook of at least two vectors, not levels={self.levels}")
        if self.prior not in ("autoregressive", "uniform"):
            raise InputError(f"prior must be autoregressive or uniform, not {self.prior!r}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Vectors of about unit length, a decoder whose output bias fits the columns' means, a nearly uniform prior."""
        key_book, key_decoder, key_prior = jax.random.split(key, 3)
        inputs = self.positions * self.size
        density = None
        if self.prior == "autoregressive":
            density = CodePrior.start(key_prior, self.positions, self.levels, self.width)
        return filled(
            self,
            codebook=noise.normal(key_book, (self.levels, self.size)) / math.sqrt(self.size),
            decoder=self.new_decoder(key_decoder, inputs, spec, self.positions),
            density=density,
        )

    @property
    def latents(self) -> tuple[Latent, ...]:
        """One block of categories."""
        return (Latent("categories", self.positions, self.levels),)

    def vectors(self) -> Array:
        """e_1, …, e_K."""
        return self.codebook

    def with_vectors(self, vectors: Array) -> "VQVAE":
        """The model with another codebook."""
        return filled(self, codebook=vectors)

    def _look_up(self, code: Array) -> Array:
        relaxed = jnp.issubdtype(code.dtype, jnp.floating)
        return code @ self.codebook if relaxed else self.codebook[code]

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(h)."""
        if self.density is None:
            return jnp.asarray(-self.positions * math.log(self.levels), jnp.float32)
        return self.density.log_prob(h[0])

    def log_likelihood_of(self, x: PyTree, vectors: Array) -> Array:
        """log p(x; f_θ(v_1, …, v_N))."""
        return self.decoder.log_prob(x, vectors.reshape(-1))

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x | h); where a code is relaxed, of the mean of the vectors under it."""
        return self.log_likelihood_of(x, self._look_up(h[0]))

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """Draw x ~ p(x | h)."""
        return self.decoder.sample(key, self._look_up(h[0]).reshape(-1))

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """The decoder's centre."""
        return self.decoder.centre(self._look_up(h[0]).reshape(-1))

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """h from the prior, then x."""
        key_h, key_x = jax.random.split(key)
        if self.density is None:
            code = noise.categorical(key_h, jnp.zeros((self.positions, self.levels)))
        else:
            code = self.density.sample(key_h)
        return self.decoder.sample(key_x, self._look_up(code).reshape(-1)), (code,)

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]
