"""The doubly reparameterised gradient of the importance-weighted bound."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, held
from reverie.directions.iwae import iw_bound
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class DoublyReparameterised(Direction):
    """θ as for the importance-weighted bound, φ without the term whose noise grows with K.

        φ along Σ_k (α w̄_k + (1 − 2α) w̄_k²) (∂h_k/∂φ)ᵀ ∇_h log w(h_k),  h_k = h_φ(x, ε_k),  q's own φ held in w

    The terms w̄_k ∇_φ log q(h_k | x) of the plain gradient are themselves expectations over the draws, and are
    reparameterised once more. α = 0 is unbiased for ∇_φ I_K; its signal-to-noise ratio does not fall as K grows. α
    = 1 has the mean of reweighted wake-sleep's wake-φ update, α = ½ is half the path derivative of I_K, which is
    biased. It asks for a density of any h. One pass forward and one back: h first, then the weights, then each ∇_h
    by its factor.

    Args:
        alpha: α, between the bound (0) and the inclusive divergence (1).

    Example:
        >>> from reverie.directions import DoublyReparameterised
        >>> DoublyReparameterised().alpha
        0.0

    Reference: Tucker, Lawson, Gu & Maddison 2019, *Doubly reparameterized gradient estimators for Monte Carlo
    objectives*, §3–4.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    alpha: float = 0.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """Both gradients over the batch and the noise."""
        arrays, static = eqx.partition({name: parts[name] for name in self.moves}, eqx.is_inexact_array)
        density = posterior_of(held(parts)).log_prob

        def codes(arrays: PyTree) -> PyTree:
            posterior = posterior_of(parts | eqx.combine(arrays, static))
            return jax.vmap(jax.vmap(posterior.transform), in_axes=(0, None))(draw["noise"], batch.x)

        def log_weight(model: PyTree, h: PyTree) -> Array:
            whole: Any = eqx.combine(model, static["model"])
            one = jax.vmap(lambda h, x: whole.log_joint(x, h) - density(h, x))
            return jax.vmap(one, in_axes=(0, None))(h, batch.x)

        h, back_to_parts = jax.vjp(codes, arrays)
        log_w, back_to_codes = jax.vjp(log_weight, arrays["model"], h)
        weight = jax.nn.softmax(log_w, axis=0)
        along_model, along_h = back_to_codes(weight / weight.shape[1])
        factor = self.alpha + (1.0 - 2.0 * self.alpha) * weight
        (along,) = back_to_parts(jax.tree.map(lambda leaf: leaf * factor.reshape(*factor.shape, *_ones(leaf)), along_h))
        along["model"] = jax.tree.map(jnp.add, along["model"], along_model)
        ess = jnp.mean(1.0 / jnp.sum(jnp.square(weight), axis=0))
        info = {"iw_bound": jnp.mean(iw_bound(log_w)), "elbo": jnp.mean(log_w), "ess": ess}
        return Ascent(along, {}), memory, info


def _ones(leaf: Array) -> tuple[int, ...]:
    """The axes of a code after those of its draw and its row."""
    return (1,) * (leaf.ndim - 2)
