"""Posteriors refined for each row by the model's own gradients."""

from typing import Any, ClassVar, Self

import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Encodes, HasPosteriorTerms, ReparameterisedProposal
from reverie.data.spec import Spec
from reverie.inference.climb import Climbing
from reverie.inference.normal import (
    DiagonalGaussian,
    each_normal_log_prob,
    fresh,
    normal_log_prob,
    standard_log_prob,
)
from reverie.parts import filled


class RefinedPosterior(Climbing, DiagonalGaussian):
    """A diagonal Gaussian that starts where the encoder says and climbs the row's own bound before it is used.

        λ_0 = (μ(x), log σ(x)),  λ_{t+1} = λ_t + η ∇_λ E_ε [log p(x, h_λ(ε)) − log q_λ(h_λ(ε))],  q(h | x) = N(h; λ_T)

    The expectation is a mean over a few pairs ±ε that are the same for every row and step, so that λ_T is a function of
    x. η is learned, one number. Where `through` holds, gradients pass through the climb to encoder and model
    (semi-amortised learning); else they pass by it, and only the start and the end are seen.

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        steps: T.
        rate: η before learning.
        draws: how many pairs ±ε.
        through: whether gradients pass through the climb.

    Example:
        >>> from reverie.inference import RefinedPosterior
        >>> RefinedPosterior(steps=5).steps
        5

    Reference: Kim, Wiseman, Miller, Sontag & Rush 2018, *Semi-amortized variational autoencoders*, Alg. 1.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """An encoder onto the model's only block of reals."""
        fields = self._encoder(key, spec, model, 2 * model.latents[0].size)
        return filled(self, log_rate=jnp.log(self.rate), **fields)

    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """λ_T(x)."""
        return self.climbed(x)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)


class RefinedLayersPosterior(Climbing, HasPosteriorTerms, ReparameterisedProposal, Encodes):
    """The same over several blocks of reals at once: independent of each other at the start, and in the end too.

        q(h_1, …, h_L | x) = Π_l N(h_l; λ_{T,l}),  λ_{t+1} = λ_t + η ∇_λ E_ε [log p(x, h_λ(ε)) − log q_λ(h_λ(ε))]

    The means and scales of all blocks climb one bound together, and so each block's hear of the others' at every step;
    what is lost beside a posterior layer by layer is that no drawn h_l depends on another.

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        steps: T.
        rate: η before learning.
        draws: how many pairs ±ε.
        through: whether gradients pass through the climb.

    Example:
        >>> from reverie.inference import RefinedLayersPosterior
        >>> RefinedLayersPosterior(steps=5).steps
        5

    Reference: Kim, Wiseman, Miller, Sontag & Rush 2018, *Semi-amortized variational autoencoders*, Alg. 1.
    """

    several: ClassVar[bool] = True

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """One encoder onto all blocks."""
        fields = self._encoder(key, spec, model, 2 * sum(one.size for one in model.latents))
        return filled(self, log_rate=jnp.log(self.rate), **fields)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I) for all blocks in a row."""
        return fresh(key, self.size)

    def transform_and_log_prob(self, noise: Array, x: PyTree) -> tuple[tuple[Array, ...], Array]:
        """μ + σ ε in blocks, and Σ_i log N(ε_i; 0, 1) − log σ_i."""
        mean, log_scale = self.climbed(x)
        return self.blocks(mean + jnp.exp(log_scale) * noise), standard_log_prob(noise) - jnp.sum(log_scale)

    def log_prob(self, h: tuple[Array, ...], x: PyTree) -> Array:
        """log q(h | x)."""
        return normal_log_prob(jnp.concatenate(h), *self.climbed(x))

    def posterior_terms(self, h: tuple[Array, ...], x: PyTree) -> tuple[Array, ...]:
        """Of each variable."""
        return self.blocks(each_normal_log_prob(jnp.concatenate(h), *self.climbed(x)))

    def encode(self, x: PyTree) -> tuple[Array, ...]:
        """μ of each block."""
        return self.blocks(self.climbed(x)[0])

    def sample(self, key: Key[Array, ""], x: PyTree) -> tuple[Array, ...]:
        """`transform` of fresh noise."""
        return self.transform(self.noise(key), x)
