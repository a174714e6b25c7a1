"""The climb of a row's own bound, which refined posteriors share."""

from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie import noise
from reverie.capabilities import HasRealCodes, Refines
from reverie.errors import InputError
from reverie.inference.encoded import Encoded
from reverie.inference.normal import halves, standard_log_prob
from reverie.parts import filled, learned, option


class Climbing(Encoded, Refines):
    """Abstract: a diagonal Gaussian over all blocks of reals that starts where the encoder says and climbs."""

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
            return self.model.log_joint(x, self.blocks(h)) - standard_log_prob(e) + jnp.sum(log_scale)

        return jnp.mean(jax.vmap(one)(epsilon))

    def climbed(self, x: PyTree) -> tuple[Array, Array]:
        """μ and log σ of λ_T(x), all blocks in a row."""
        mean, log_scale = halves(self._told(x))
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
