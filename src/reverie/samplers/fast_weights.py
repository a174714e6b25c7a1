"""Persistent chains that move in a model whose weights are shifted for a while."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.data import Batch
from reverie.parts import Parts, norm, parameters
from reverie.samplers.chains import PersistentChains
from reverie.samplers.kernel import Chains, Kernel
from reverie.samplers.sampler import Draw, Sampler, Tick


class Shifted(NamedTuple):
    """Chains, and the fast weights w by which the model is shifted where they move."""

    chains: Chains
    fast: PyTree


class FastWeightChains(Sampler):
    """Particles that are never reset and move in the model of θ + w, w being pushed away from where they are.

        x ~ K_{θ+w}(· | x),    w ← a w + r [1/|E| Σ_{x ∈ E} ∇u_θ(x) − 1/|M| Σ_{x ∈ M} ∇u_θ(x)],    E data, M particles

    A mode that holds more particles than rows loses potential from step to step until they leave it; what was learned,
    θ, keeps nothing of that. Biased: the particles follow p_{θ+w}, and w is nought only on average.

    Args:
        moves: moves a step.
        particles: how many chains.
        rate: r.
        decay: a.
        kernel: how they move; the model's usual where not given.

    Example:
        >>> from reverie.samplers import FastWeightChains
        >>> FastWeightChains(moves=1, particles=100).exactness
        'biased'

    Reference: Tieleman & Hinton 2009, *Using fast weights to improve persistent contrastive divergence*, §3.
    """

    gives = ("particles",)
    exactness = "biased"
    moves: int
    particles: int
    rate: float = 0.05
    decay: float = 19 / 20
    kernel: Kernel | None = None

    @property
    def _inner(self) -> PersistentChains:
        return PersistentChains(self.moves, self.particles, self.kernel)

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> Shifted:
        """Chains where the model says that they may start, and no fast weights."""
        none = jax.tree.map(jnp.zeros_like, parameters(parts["model"]))
        return Shifted(self._inner.init(key, parts, rows, batch), none)

    def draw(self, tick: Tick, parts: Parts, batch: Batch, chain: Shifted) -> tuple[Draw, Shifted, dict[str, Array]]:
        """The particles after some more moves with the weights as they were; then the fast ones go on."""
        model = parts["model"]
        shifted = parts | {"model": eqx.apply_updates(model, chain.fast)}
        draw, chains, info = self._inner.draw(tick, shifted, batch, chain.chains)

        def gap(model: Any) -> Array:
            potential = jax.vmap(model.potential)
            return jnp.mean(potential(batch.x)) - jnp.mean(potential(chains.x))

        # The direction takes the same gradient: the compiler finds that they are one.
        slope = parameters(eqx.filter_grad(gap)(model))
        fast = jax.tree.map(lambda w, g: self.decay * w + self.rate * g, chain.fast, slope)
        return draw, Shifted(chains, fast), info | {"norm_fast": norm(fast)}
