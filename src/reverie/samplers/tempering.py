"""Parallel tempering: chains at several temperatures that exchange their states."""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import HasRealPotential, HasTemperedGibbs
from reverie.data import Batch
from reverie.parts import Parts
from reverie.samplers.informed import GibbsWithGradients
from reverie.samplers.kernel import Kernel
from reverie.samplers.langevin import MALA
from reverie.samplers.sampler import Draw, Exactness, Sampler, Tick


class AtTemperature(eqx.Module):
    """p_β as a model of its own, as far as kernels ask: they move by its potential."""

    model: Any
    beta: Array

    def potential(self, x: PyTree) -> Array:
        """u_β(x)."""
        return self.model.tempered_potential(x, self.beta)

    @property
    def levels(self) -> int:
        """Of categories."""
        return int(self.model.levels)


def moved_at(kernel: Kernel | None, model: Any, key: Key[Array, ""], x: PyTree, beta: Array) -> PyTree:
    """x after a move at β: by the kernel, or else by the model's own sweep, by MALA of reals, by informed flips."""
    if kernel is None and isinstance(model, HasTemperedGibbs):
        return model.tempered_gibbs(key, x, beta)
    usual = kernel or (MALA() if isinstance(model, HasRealPotential) else GibbsWithGradients())
    return usual.move(key, AtTemperature(model, beta), x, None)[0]


class ParallelTempering(Sampler):
    """Particles at R temperatures from the model's base (β = 0) to the model (β = 1), which are never reset.

    At β = 0 they are drawn anew, elsewhere each moves at its β, by the model's own sweep where it has one. Then
    neighbours exchange states, first those at an even place with the next, then those at an odd one, with probability

        min{1, exp(u_{β_i}(x_j) + u_{β_j}(x_i) − u_{β_i}(x_i) − u_{β_j}(x_j))},

    which leaves Π_r p_{β_r} invariant: what mixes well near the base comes to mix at the model, and what no sweep
    changes (the length of a sequence) comes from the base. The particles at β = 1 are given.

    Args:
        moves: rounds of sweeps and exchanges a step.
        particles: how many chains at each temperature.
        replicas: R, at least 2.
        kernel: how they move, of those that remember nothing and leave p_β invariant; where not given the model's own
            tempered sweep, or `MALA` of reals and `GibbsWithGradients` of what is discrete.

    Example:
        >>> from reverie.samplers import ParallelTempering
        >>> ParallelTempering(moves=1, particles=100, replicas=10).exactness
        'asymptotic'

    Reference: Geyer 1991, *Markov chain Monte Carlo maximum likelihood*; Desjardins, Courville, Bengio, Vincent &
    Delalleau 2010, *Tempered Markov chain Monte Carlo for training of restricted Boltzmann machines*.
    """

    gives = ("particles",)
    moves: int
    particles: int
    replicas: int = 10
    kernel: Kernel | None = None

    @property
    def exactness(self) -> Exactness:
        """The kernel's; `asymptotic` where none is given."""
        return self.kernel.exactness if self.kernel else "asymptotic"

    @property
    def _betas(self) -> Array:
        return jnp.linspace(0.0, 1.0, self.replicas)

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> PyTree:
        """Draws of the base at every temperature, [replicas, particles, …]."""
        keys = jax.random.split(key, (self.replicas, self.particles))
        return jax.vmap(jax.vmap(parts["model"].base_sample))(keys)

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: PyTree) -> tuple[Draw, PyTree, dict[str, Array]]:
        """The particles at β = 1 after some more rounds."""
        model, betas = parts["model"], self._betas

        def one(x: PyTree, key: Array) -> tuple[PyTree, Array]:
            key_sweep, *keys = jax.random.split(key, 3)
            at_each = jax.random.split(key_sweep, (self.replicas, self.particles))
            warm = jax.tree.map(lambda leaf: leaf[1:], x)
            move = functools.partial(moved_at, self.kernel, model)
            swept = jax.vmap(jax.vmap(move, (0, 0, None)))(at_each[1:], warm, betas[1:])
            fresh = jax.vmap(model.base_sample)(at_each[0])
            x = jax.tree.map(lambda new, rest: jnp.concatenate([new[None], rest]), fresh, swept)
            x, first = self._exchanged(keys[0], model, x, 0)
            x, second = self._exchanged(keys[1], model, x, 1)
            return x, (first + second) / (self.replicas - 1)

        after, rates = jax.lax.scan(one, chain, jax.random.split(tick.key, self.moves))
        particles = jax.tree.map(lambda leaf: leaf[-1], after)
        return {"particles": particles}, after, {"exchanged": jnp.mean(rates)}

    def _exchanged(self, key: Key[Array, ""], model: Any, x: PyTree, start: int) -> tuple[PyTree, Array]:
        """Neighbours from `start` on exchanged or not, and the sum over pairs of their mean rate."""
        places = jnp.arange(self.replicas)
        paired = (places >= start) & (places - (places - start) % 2 + 1 < self.replicas)
        partner = jnp.where(paired, places + 1 - 2 * ((places - start) % 2), places)
        potential = jax.vmap(jax.vmap(model.tempered_potential, (0, None)))
        swapped = jax.tree.map(lambda leaf: leaf[partner], x)
        gain = potential(swapped, self._betas) - potential(x, self._betas)
        # Both of a pair see the same sum and the same number: they go together.
        log_ratio = gain + gain[partner]
        log_u = jnp.log(noise.uniform(key, gain.shape))[jnp.minimum(places, partner)]
        go = paired[:, None] & (log_u < log_ratio)
        shaped = lambda leaf: go.reshape(go.shape + (1,) * (leaf.ndim - 2))
        rate = jnp.sum(jnp.mean(jnp.where(paired[:, None], jnp.exp(jnp.minimum(log_ratio, 0.0)), 0.0), axis=1)) / 2
        return jax.tree.map(lambda new, old: jnp.where(shaped(old), new, old), swapped, x), rate
