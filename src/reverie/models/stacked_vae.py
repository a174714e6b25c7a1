"""Two layers of code under a class: M1 + M2, and the skip deep generative model."""

from abc import abstractmethod
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Int, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    Decodes,
    HasClass,
    HasFirstStage,
    HasJointSample,
    HasPriorTerms,
    HasRelaxedJoint,
    Latent,
    Samplable,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.classes import count_of
from reverie.models.decoder import Decoder, Decoding
from reverie.networks.conditioned import point_of, row_of
from reverie.networks.mlp import MLP
from reverie.parts import filled, known, learned, option

LOWEST_LOG_SCALE = -6.0
"""A density without a floor under its scale has no maximum."""


class StackedVAE(Decoding, HasClass, HasRelaxedJoint, HasPriorTerms, Decodes, HasJointSample, Samplable):
    """Abstract: h = (z₁, z₂, y), p(y) p(z₂) p(z₁ | z₂, y) and below them x."""

    first: int = option(32)
    latent: int = option(16)
    classes: int | None = option(None)
    hidden: tuple[int, ...] | None = option(None)
    levels: int = known()
    logits: Array = learned()
    above: MLP = learned()
    decoder: Decoder = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        few = self.classes is not None and self.classes < 2
        if few or min(self.first, self.latent) < 1:
            raise InputError("a stacked VAE needs first >= 1, latent >= 1 and classes >= 2")

    @abstractmethod
    def reads(self, count: int) -> int:
        """How many numbers the decoder reads, with so many classes."""

    @abstractmethod
    def read(self, code: Array, top: Array, y: Array) -> Array:
        """What the decoder reads of (z₁, z₂, y)."""

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Equal weights, and a decoder whose output bias fits the columns' means."""
        key_above, key_decoder = jax.random.split(key)
        count = count_of(self.classes, spec)
        return filled(
            self,
            levels=count,
            logits=jnp.zeros(count),
            above=self.perceptron(key_above, self.latent + count, 2 * self.first),
            decoder=self.new_decoder(key_decoder, self.reads(count), spec),
        )

    @property
    def latents(self) -> tuple[Latent, ...]:
        """z₁, z₂ and y."""
        return (
            Latent("reals", self.first),
            Latent("reals", self.latent),
            Latent("categories", 1, self.levels or count_of(self.classes)),
        )

    def joined(self, top: Array, y: Array) -> Array:
        """z₂ and the one-hot y, or a point of the simplex."""
        return jnp.concatenate([top, point_of(y, self.levels)])

    def _code_given(self, top: Array, y: Array) -> dist.Independent:
        mean, log_scale = jnp.split(self.above(self.joined(top, y)), 2)
        return dist.Normal(mean, jnp.exp(jnp.maximum(log_scale, LOWEST_LOG_SCALE))).to_event(1)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log p(y) + log p(z₂) + log p(z₁ | z₂, y)."""
        code, top, (y,) = h
        log_top = dist.Normal(0.0, 1.0).log_prob(top).sum()
        return row_of(jax.nn.log_softmax(self.logits), y) + log_top + self._code_given(top, y).log_prob(code)

    def prior_terms(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """Of each variable of both codes, and of y."""
        code, top, y = h
        each = self._code_given(top, y[0]).base_dist.log_prob(code)
        return each, dist.Normal(0.0, 1.0).log_prob(top), jax.nn.log_softmax(self.logits)[y]

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x | h)."""
        code, top, (y,) = h
        return self.decoder.log_prob(x, self.read(code, top, y))

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """Draw x ~ p(x | h)."""
        return self.decoder.sample(key, self.read(h[0], h[1], h[2][0]))

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """The decoder's centre."""
        return self.decoder.centre(self.read(h[0], h[1], h[2][0]))

    def _draw(self, key: Key[Array, ""], y: Int[Array, ""]) -> tuple[PyTree, Array, Array]:
        key_top, key_code, key_x = jax.random.split(key, 3)
        top = noise.normal(key_top, (self.latent,))
        normal = self._code_given(top, y)
        code = normal.mean + jnp.sqrt(normal.variance) * noise.normal(key_code, (self.first,))
        return self.decoder.sample(key_x, self.read(code, top, y)), code, top

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Array, ...]]:
        """From the top down."""
        key_y, key_rest = jax.random.split(key)
        y = noise.categorical(key_y, self.logits)
        x, code, top = self._draw(key_rest, y)
        return x, (code, top, y[None])

    def sample_given(self, key: Key[Array, ""], y: Int[Array, ""]) -> PyTree:
        """z₂, z₁, then x."""
        return self._draw(key, y)[0]

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]


class M1M2(StackedVAE, HasFirstStage):
    """M2 on top of M1's code.

        y ~ Cat(π),    z₂ ~ N(0, I),    z₁ | z₂, y ~ N(μ(z₂, y), diag σ(z₂, y)²),    x | z₁ ~ p(x; f_θ(z₁))

    Args:
        first: the dimension of z₁.
        latent: the dimension of z₂.
        classes: how many; as many as the labels name where not given, ten where there are none.
        hidden: widths of the hidden layers of both networks; where not given one of 200, and none before convolutions.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import M1M2
        >>> [one.size for one in M1M2(first=20, latent=10).latents]
        [20, 10, 1]

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, §2.
    """

    def reads(self, count: int) -> int:
        """z₁ alone."""
        return self.first

    def read(self, code: Array, top: Array, y: Array) -> Array:
        """z₁."""
        return code

    def first_log_joint(self, x: PyTree, code: Array) -> Array:
        """log p(x | z₁) + log N(z₁; 0, I)."""
        return self.decoder.log_prob(x, code) + dist.Normal(0.0, 1.0).log_prob(code).sum()

    def first_held(self) -> Self:
        """With the decoder as it is."""
        return eqx.tree_at(lambda model: model.decoder, self, jax.lax.stop_gradient(self.decoder))


class SDGM(StackedVAE):
    """The skip deep generative model: x reads all of the layers above it.

        y ~ Cat(π),    z₂ ~ N(0, I),    z₁ | z₂, y ~ N(μ(z₂, y), diag σ(z₂, y)²),    x | h ~ p(x; f_θ(z₁, z₂, y))

    z₁ is the auxiliary variable a of the paper.

    Args:
        first: the dimension of z₁.
        latent: the dimension of z₂.
        classes: how many; as many as the labels name where not given, ten where there are none.
        hidden: widths of the hidden layers of both networks; where not given one of 200, and none before convolutions.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        scale: the standard deviation of continuous columns: a number, `shared`, or `None` for the network's.
        likelihood: of continuous columns: `gaussian`, `student-t` or `logistic-mixture`.
        components: how many, of a mixture of logistics.
        network: of the decoder: `mlp`, or `conv` for images.
        channels: of the convolutions, from the code outwards, each of which doubles height and width.

    Example:
        >>> from reverie.models import SDGM
        >>> SDGM(first=20, latent=10, classes=3).reads(3)
        33

    Reference: Maaløe, Sønderby, Sønderby & Winther 2016, *Auxiliary deep generative models*, Eq. 11, §2.4.
    """

    def reads(self, count: int) -> int:
        """All of it."""
        return self.first + self.latent + count

    def read(self, code: Array, top: Array, y: Array) -> Array:
        """z₁, z₂ and the one-hot y."""
        return jnp.concatenate([code, self.joined(top, y)])
