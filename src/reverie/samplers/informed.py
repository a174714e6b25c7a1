"""Moves of discrete x that ask the potential's slope where to go."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasRelaxedPotential
from reverie.samplers.kernel import Kernel


class GibbsWithGradients(Kernel):
    """One site is changed, chosen by how much the change promises: p is left invariant.

        q(i, k | x) ∝ exp(½ d_{ik}(x)),  d_{ik} = the first-order change of u where site i takes the value k,

    accepted with probability min{1, e^{u(x') − u(x)} q(x | x') / q(x' | x)}. One slope serves for all sites.

    Args:
        flips: proposals a move, one after the other.

    Example:
        >>> from reverie.samplers import GibbsWithGradients
        >>> GibbsWithGradients().exactness
        'asymptotic'

    Reference: Grathwohl, Swersky, Hashemi, Duvenaud & Maddison 2021, *Oops I took a gradient*, Alg. 1; the balance of
    √p: Zanella 2020, *Informed proposals for local MCMC in discrete spaces*.
    """

    exactness = "asymptotic"
    needs = (HasRelaxedPotential,)
    flips: int = 1

    def move(self, key: Key[Array, ""], model: Any, x: Array, memory: None) -> tuple[Array, None, Array]:
        """`flips` proposals."""

        def one(state: tuple[Array, Array, Array], key: Array) -> tuple[tuple[Array, Array, Array], Array]:
            x, value, promise = state
            key_choice, key_accept = jax.random.split(key)
            choice = noise.categorical(key_choice, promise.reshape(-1))
            site, level = choice // promise.shape[1], choice % promise.shape[1]
            other = ~x[site] if x.dtype == jnp.bool_ else level.astype(x.dtype)
            there = x.at[site].set(other)
            found, back = _promises(model, there)
            # The way back names the same site, and the level that it had.
            home = jnp.zeros((), jnp.int32) if x.dtype == jnp.bool_ else x[site].astype(jnp.int32)
            forth = jax.nn.log_softmax(promise.reshape(-1))[choice]
            returned = jax.nn.log_softmax(back.reshape(-1))[site * back.shape[1] + home]
            rate = jnp.exp(jnp.minimum(found - value + returned - forth, 0.0))
            accept = noise.uniform(key_accept) < rate
            new = (there, found, back)
            return jax.tree.map(lambda a, b: jnp.where(accept, a, b), new, state), rate

        (x, _, _), rates = jax.lax.scan(one, (x, *_promises(model, x)), jax.random.split(key, self.flips))
        return x, None, jnp.mean(rates)


def _promises(model: Any, x: Array) -> tuple[Array, Array]:
    """u(x), and half the promised change of each site and value, [sites, 1] for bits and [sites, levels] else."""
    if x.dtype == jnp.bool_:
        relaxed = x.astype(jnp.float32)
        value, slope = jax.value_and_grad(model.potential)(relaxed)
        return value, (0.5 * (1.0 - 2.0 * relaxed) * slope)[:, None]
    relaxed = jax.nn.one_hot(x, model.levels)
    value, slope = jax.value_and_grad(model.potential)(relaxed)
    change = slope - jnp.sum(slope * relaxed, axis=1, keepdims=True)
    return value, jnp.where(relaxed > 0, -jnp.inf, 0.5 * change)
