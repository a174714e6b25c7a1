"""Hamiltonian moves of reals: trajectories that are accepted or not, and a friction that makes them endless."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasRealPotential
from reverie.samplers.kernel import Kernel
from reverie.samplers.langevin import accepted


class Hamiltonian(Kernel):
    """A fresh momentum v ~ N(0, I), L leapfrog steps of size ε, accepted with probability min{1, e^{−ΔH}}.

        H(x, v) = −u(x) + ½ v·v

    ε is scaled by a number uniform in [0.8, 1.2], so that no trajectory is a whole period. Written here and not taken
    from blackjax, which has no such scale, takes as long a move, and a quarter of a second to import.

    Args:
        step: ε.
        leaps: L.

    Example:
        >>> from reverie.samplers import Hamiltonian
        >>> Hamiltonian(leaps=10).leaps
        10

    Reference: Neal 2011, *MCMC using Hamiltonian dynamics*, §2 and §3.2.
    """

    exactness = "asymptotic"
    needs = (HasRealPotential,)
    step: float = 0.1
    leaps: int = 5

    def move(self, key: Key[Array, ""], model: Any, x: Array, memory: None) -> tuple[Array, None, Array]:
        """One trajectory."""
        key_speed, key_size, key_accept = jax.random.split(key, 3)
        of = jax.value_and_grad(model.potential)
        size = self.step * (0.8 + 0.4 * noise.uniform(key_size))
        speed = noise.normal(key_speed, x.shape)
        here, slope = of(x)

        def leap(_: Array, state: tuple[Array, ...]) -> tuple[Array, ...]:
            x, v, _, slope = state
            half = v + 0.5 * size * slope
            x = x + size * half
            value, slope = of(x)
            return x, half + 0.5 * size * slope, value, slope

        after, last, there, _ = jax.lax.fori_loop(0, self.leaps, leap, (x, speed, here, slope))
        log_ratio = there - here + 0.5 * (jnp.sum(jnp.square(speed)) - jnp.sum(jnp.square(last)))
        return accepted(key_accept, log_ratio, after, x)


class FrictionHamiltonian(Kernel):
    """Stochastic-gradient Hamiltonian moves: a momentum that persists, friction, and the noise that balances it.

        v' = (1 − α) v + ε ∇u(x) + √(2 α ε) ξ,    x' = x + v'

    Not corrected: what it leaves invariant is p up to a bias that falls with ε. α is the share of momentum that is lost
    in a step.

    Args:
        step: ε.
        friction: α.

    Example:
        >>> from reverie.samplers import FrictionHamiltonian
        >>> FrictionHamiltonian().exactness
        'biased'

    Reference: Chen, Fox & Guestrin 2014, *Stochastic gradient Hamiltonian Monte Carlo*, Eq. 15; Ou 2019, §4.2.
    """

    exactness = "biased"
    needs = (HasRealPotential,)
    step: float = 0.01
    friction: float = 0.1

    def begin(self, key: Key[Array, ""], model: Any, x: Array) -> Array:
        """A momentum v ~ N(0, ε I), as the moves leave it."""
        return self.step**0.5 * noise.normal(key, x.shape)

    def move(self, key: Key[Array, ""], model: Any, x: Array, memory: Array) -> tuple[Array, Array, Array]:
        """One step."""
        spread = (2.0 * self.friction * self.step) ** 0.5
        push = self.step * jax.grad(model.potential)(x)
        speed = (1.0 - self.friction) * memory + push + spread * noise.normal(key, x.shape)
        return x + speed, speed, jnp.ones(())
