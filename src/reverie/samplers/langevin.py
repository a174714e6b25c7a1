"""Langevin moves of reals: without a correction, and with one."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasRealPotential
from reverie.samplers.kernel import Kernel


class Langevin(Kernel):
    """x' = x + ½ ε ∇u(x) + τ √ε ξ, ξ ~ N(0, I).

    A step of the Langevin diffusion that is not corrected: what it leaves invariant is p up to a bias of the order ε.
    With τ < 1 the noise is less than the diffusion's, as it is often used with neural potentials, and the chain then
    seeks modes of p rather than p.

    Args:
        step: ε.
        noise: τ.

    Example:
        >>> from reverie.samplers import Langevin
        >>> Langevin(step=0.01).exactness
        'biased'

    Reference: Welling & Teh 2011, *Bayesian learning via stochastic gradient Langevin dynamics*; Ou 2019, §4.2.
    """

    exactness = "biased"
    needs = (HasRealPotential,)
    step: float = 0.01
    noise: float = 1.0

    def move(self, key: Key[Array, ""], model: Any, x: Array, memory: None) -> tuple[Array, None, Array]:
        """One step."""
        slope = jax.grad(model.potential)(x)
        after = x + 0.5 * self.step * slope + self.noise * self.step**0.5 * noise.normal(key, x.shape)
        return after, None, jnp.ones(())


class MALA(Kernel):
    """Langevin moves accepted with probability min{1, p(x') q(x | x') / p(x) q(x' | x)}: p is left invariant.

        q(x' | x) = N(x'; x + ½ ε ∇u(x), ε I)

    Args:
        step: ε.

    Example:
        >>> from reverie.samplers import MALA
        >>> MALA(step=0.1).exactness
        'asymptotic'

    Reference: Roberts & Tweedie 1996, *Exponential convergence of Langevin distributions*; Besag 1994.
    """

    exactness = "asymptotic"
    needs = (HasRealPotential,)
    step: float = 0.1

    def move(self, key: Key[Array, ""], model: Any, x: Array, memory: None) -> tuple[Array, None, Array]:
        """One proposal."""
        key_noise, key_accept = jax.random.split(key)
        of = jax.value_and_grad(model.potential)
        here, slope = of(x)
        after = x + 0.5 * self.step * slope + self.step**0.5 * noise.normal(key_noise, x.shape)
        there, back = of(after)
        forth_distance = jnp.sum(jnp.square(after - x - 0.5 * self.step * slope))
        back_distance = jnp.sum(jnp.square(x - after - 0.5 * self.step * back))
        log_ratio = there - here + (forth_distance - back_distance) / (2.0 * self.step)
        return accepted(key_accept, log_ratio, after, x)


def accepted(key: Key[Array, ""], log_ratio: Array, after: Array, x: Array) -> tuple[Array, None, Array]:
    """The proposal with probability min{1, ratio}, else x; a ratio that is no number is a refusal."""
    rate = jnp.where(jnp.isnan(log_ratio), 0.0, jnp.exp(jnp.minimum(log_ratio, 0.0)))
    return jnp.where(noise.uniform(key) < rate, after, x), None, rate
