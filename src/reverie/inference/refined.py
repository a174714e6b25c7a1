"""A posterior refined for each row by the model's own gradients."""

from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import HasRealCodes, Refines
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import Encoded
from reverie.inference.normal import DiagonalGaussian, fresh, halves, standard_log_prob
from reverie.parts import filled, learned, option


class RefinedPosterior(Encoded, DiagonalGaussian, Refines):
    """A diagonal Gaussian that starts where the encoder says and climbs the row's own bound before it is used.

        λ_0 = (μ(x), log σ(x)),  λ_{t+1} = λ_t + η ∇_λ E_ε [log p(x, h_λ(ε)) − log q_λ(h_λ(ε))],  q(h | x) = N(h; λ_T)

    The expectation is a mean over a few pairs ±ε that are the same for every row and step, so that λ_T is a function of
    x. η is learned, one number. Where `through` holds, gradients pass through the climb to encoder and model
    (semi-amortised learning); else they pass by it, and only the start and the end are seen.

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.
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

    asks: ClassVar[type] = HasRealCodes
    steps: int = option(3)
    rate: float = option(0.05)
    draws: int = option(4)
    through: bool = option(default=True)
    log_rate: Array = learned()
    model: Any = learned()

    def __check_init__(self) -> None:
        """Refuse steps that are none."""
        if self.steps < 0 or self.draws < 1 or not 0 < self.rate < float("inf"):
            raise InputError("a refined posterior needs steps >= 0, draws >= 1 and a positive, finite rate")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """An encoder onto the model's only block of reals."""
        (latent,) = model.latents
        return filled(self, log_rate=jnp.log(self.rate), **self._encoder(key, spec, model, 2 * latent.size))

    def consulting(self, model: Any) -> Self:
        """With the model at hand."""
        return filled(self, model=model)

    def _bound(self, at: tuple[Array, Array], x: PyTree) -> Array:
        mean, log_scale = at
        half = noise.normal(noise.make_key(0), (self.draws, self.size))
        half = half / jnp.sqrt(jnp.mean(half**2, axis=0))
        epsilon = jnp.concatenate([half, -half])  # Mean and variance are exact, or the climb would stretch σ to fit.

        def one(e: Array) -> Array:
            h = mean + jnp.exp(log_scale) * e
            return self.model.log_joint(x, (h,)) - standard_log_prob(e) + jnp.sum(log_scale)

        return jnp.mean(jax.vmap(one)(epsilon))

    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """λ_T(x)."""
        mean, log_scale = halves(self._read(x))
        slopes = jax.grad(lambda at: self._bound(at, x))
        for _ in range(self.steps):
            climb = slopes((mean, log_scale))
            climb = climb if self.through else jax.lax.stop_gradient(climb)
            # A long step would leave the region in which the slope says anything.
            mean, log_scale = (
                value + jnp.exp(self.log_rate) * slope / (1.0 + jnp.abs(slope) * 0.05)
                for value, slope in zip((mean, log_scale), climb, strict=True)
            )
        return mean, log_scale

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)
