"""Moves of discrete x that look at every state one change away."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasRelaxedPotential
from reverie.errors import InputError
from reverie.samplers.kernel import Kernel
from reverie.samplers.single_changes import changes


class LocallyBalanced(Kernel):
    """One site is changed, chosen by what the change is worth, not by what a slope promises: p is left invariant.

        q(x' | x) = g(e^{u(x') − u(x)}) / G(x),    G(x) = Σ_{x'} g(e^{u(x') − u(x)}),    g(t) = t g(1/t),

    the sum being over all x' that differ from x at one site. Since g is balanced, p(x) q(x' | x) G(x) is symmetric in
    x and x', and the proposal is accepted with probability min{1, G(x) / G(x')}. It costs a potential for each state
    nearby, where `GibbsWithGradients` costs a slope; it pays where potentials are far from linear, or sites are few.

    Args:
        flips: proposals a move, one after the other.
        balance: g: `root` is √t, which goes furthest up; `barker` is t / (1 + t), which no single change can rule.

    Example:
        >>> from reverie.samplers import LocallyBalanced
        >>> LocallyBalanced(flips=3).exactness
        'asymptotic'

    Reference: Zanella 2020, *Informed proposals for local MCMC in discrete spaces*, §2.
    """

    exactness = "asymptotic"
    needs = (HasRelaxedPotential,)
    flips: int = 1
    balance: Literal["root", "barker"] = "root"

    def __check_init__(self) -> None:
        """Refuse options that describe no kernel."""
        if self.flips < 1 or self.balance not in ("root", "barker"):
            raise InputError(f"flips must be at least 1 and balance root or barker, not {self.flips}, {self.balance!r}")

    def move(self, key: Key[Array, ""], model: Any, x: Array, memory: None) -> tuple[Array, None, Array]:
        """`flips` proposals."""
        places = jnp.arange(x.shape[0])

        def weighed(x: Array) -> Array:
            """log g of each change, [sites, values]."""
            change = changes(model, x, places)
            return 0.5 * change if self.balance == "root" else jax.nn.log_sigmoid(change)

        def one(state: tuple[Array, Array], key: Array) -> tuple[tuple[Array, Array], Array]:
            x, worth = state
            key_choice, key_accept = jax.random.split(key)
            choice = noise.categorical(key_choice, worth.reshape(-1))
            site, level = choice // worth.shape[1], choice % worth.shape[1]
            there = x.at[site].set(~x[site] if x.dtype == jnp.bool_ else level.astype(x.dtype))
            found = weighed(there)
            rate = jnp.exp(jnp.minimum(jax.nn.logsumexp(worth) - jax.nn.logsumexp(found), 0.0))
            accept = noise.uniform(key_accept) < rate
            return jax.tree.map(lambda a, b: jnp.where(accept, a, b), (there, found), state), rate

        (x, _), rates = jax.lax.scan(one, (x, weighed(x)), jax.random.split(key, self.flips))
        return x, None, jnp.mean(rates)
