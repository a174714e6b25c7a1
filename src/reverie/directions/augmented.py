"""A field of sequences by its likelihood's gradient, and its normalisers of each length by stochastic approximation."""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.contrastive import Contrastive
from reverie.directions.direction import Ascent, Direction, Memory
from reverie.parts import Parts, parameters
from reverie.samplers import Draw, Tick


class AugmentedApproximation(Direction):
    """θ up the likelihood, and ζ_l towards log Z_l by how often chains are at each length.

        θ up E_data ∇u_θ(x) − E_particles ∇u_θ(x) − λ θ
        ζ_l ← ζ_l + min{1, γ_t / π_l} (δ_l − π_l),    γ_t = t^{−β} up to t₀, then 1 / (t − t₀ + t₀^β)

    The particles are of p(l, x) ∝ π_l exp(u(x) − ζ_l), and δ_l is their share at length l: ζ stands still where chains
    are at each length as often as the data are. No gradient moves ζ; it is set outright.

    Args:
        decay: β in (½, 1].
        settle: t₀, from which on the gain falls as 1/t; `None`: never.
        penalty: λ, one over rows times variance of a Gaussian prior of θ.

    Example:
        >>> from reverie.directions import AugmentedApproximation
        >>> AugmentedApproximation().uses
        ('particles',)

    Reference: Wang, Ou & Tan 2018, *Learning trans-dimensional random fields with applications to language modeling*,
    Alg. 1; the gain: Tan 2017, *Optimally adjusted mixture sampling and locally weighted histogram analysis*, §3.
    """

    moves = ("model",)
    uses = ("particles",)
    decay: float = 0.6
    settle: int | None = None
    penalty: float = 0.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient, with none for ζ, and ζ after these particles."""
        ascent, memory, info = Contrastive().ascend(tick, parts, batch, draw, memory)
        model = parts["model"]
        shares, zeta = model.length_shares(), model.length_normalisers()
        classes = jax.vmap(model.length_of)(draw["particles"]) - model.lengths[0]
        found = jnp.mean(jax.nn.one_hot(classes, shares.shape[0]), axis=0)
        zeta = zeta + jnp.minimum(1.0, self._gain(tick.step) / shares) * (found - shares)
        along = ascent.along["model"]
        if self.penalty:
            along = jax.tree.map(lambda a, b: a - self.penalty * b, along, parameters(model))
        along = {"model": along.with_length_normalisers(jnp.zeros_like(zeta))}
        info["lengths_off"] = 0.5 * jnp.sum(jnp.abs(found - shares))
        return Ascent(along, {"model": model.with_length_normalisers(zeta)}), memory, info

    def _gain(self, step: Array) -> Array:
        """γ_t, the first step being t = 1."""
        t = step.astype(jnp.float32) + 1.0
        first = t**-self.decay
        if self.settle is None:
            return first
        return jnp.where(t <= self.settle, first, 1.0 / (jnp.maximum(t - self.settle, 0.0) + self.settle**self.decay))
