"""Importance-weighted bounds that spend their samples in other ways: multiply, in combination, partially."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.iwae import iw_bound, log_weights
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def grouped_bound(log_w: Array, groups: int) -> Array:
    """1/M Σ_m log 1/K Σ_k w_mk: the first axis holds M K weights."""
    return jnp.mean(jax.vmap(iw_bound)(log_w.reshape(groups, -1, *log_w.shape[1:])), axis=0)


class MultiplyWeightedBound(Direction):
    """∇ of E_ε 1/M Σ_m log 1/K Σ_k w_mk: M bounds of K samples each.

    The signal-to-noise ratio of φ grows as √(M/K) and that of θ as √(MK). Unbiased for the gradient of I_K. The sampler
    gives M K draws.

    Args:
        groups: M.

    Example:
        >>> from reverie.directions import MultiplyWeightedBound
        >>> MultiplyWeightedBound(8).groups
        8

    Reference: Rainforth et al. 2018, *Tighter variational bounds are not necessarily better*, §5.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    groups: int = 8

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_w = log_weights(parts, draw["noise"], batch.x)
            bound = jnp.mean(grouped_bound(log_w, self.groups))
            return bound, {"miwae_bound": bound, "iw_bound": jnp.mean(iw_bound(log_w)), "elbo": jnp.mean(log_w)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class CombinedBound(Direction):
    """∇ of E_ε [β 1/K Σ_k log w_k + (1 − β) log 1/K Σ_k w_k]: between the evidence lower bound and I_K.

    The noise of φ falls with K for the first term, which so keeps the signal that the second loses. Unbiased for the
    gradient of the combination, which is a lower bound too.

    Args:
        beta: β, in [0, 1].

    Example:
        >>> from reverie.directions import CombinedBound
        >>> CombinedBound(0.5).beta
        0.5

    Reference: Rainforth et al. 2018, §5.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    beta: float = 0.5

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_w = log_weights(parts, draw["noise"], batch.x)
            elbo, bound = jnp.mean(log_w), jnp.mean(iw_bound(log_w))
            return self.beta * elbo + (1.0 - self.beta) * bound, {"elbo": elbo, "iw_bound": bound}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class PartiallyWeightedBound(Direction):
    """θ up the bound of all M K samples, φ up M bounds of K samples each, on the same draws.

    The tighter bound helps the model, the looser one the inference model: the signal-to-noise ratio of θ grows as √(MK)
    and that of φ as √(M/K). Each is unbiased for the gradient of its own bound.

    Args:
        groups: M.

    Example:
        >>> from reverie.directions import PartiallyWeightedBound
        >>> PartiallyWeightedBound(8).moves
        ('model', 'inference')

    Reference: Rainforth et al. 2018, §5 (PIWAE).
    """

    moves = ("model", "inference")
    uses = ("noise",)
    groups: int = 8

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """Both gradients: one pass forward, and one back for each part."""
        arrays, static = eqx.partition({name: parts[name] for name in self.moves}, eqx.is_inexact_array)

        def weights(arrays: dict[str, Array]) -> Array:
            return log_weights(parts | eqx.combine(arrays, static), draw["noise"], batch.x)

        log_w, back = jax.vjp(weights, arrays)
        bound, tight = jax.value_and_grad(lambda log_w: jnp.mean(iw_bound(log_w)))(log_w)
        loose = jax.grad(lambda log_w: jnp.mean(grouped_bound(log_w, self.groups)))(log_w)
        along = {"model": back(tight)[0]["model"], "inference": back(loose)[0]["inference"]}
        return Ascent(along, {}), memory, {"iw_bound": bound, "elbo": jnp.mean(log_w)}
