"""The augment-reinforce-merge gradient, and the same with its noise summed out."""

from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.parts import Parts
from reverie.samplers import Draw, Tick
from reverie.samplers.importance import log_joints


class AugmentReinforceMerge(Direction):
    """Two codes from one draw of noise, mirrored, and the difference that they make.

    For each block of bits with logits a,

        ∇_a E f = E_u [f(1[u > σ(−a)]) − f(1[u < σ(a)])] (u − ½)                            (Yin & Zhou 2019, Eq. 5)

    f = log p(x, h) − log q(h | x). The blocks below are as drawn, those above are drawn anew from either code with one
    noise (their §3.3), so that a layer's signal holds what depends on it alone. Unbiased; nothing is learned beside
    the parts, f is never differentiated, and a baseline has nothing to take off: it drops out of the difference.

    A bit that is the same in both codes still gets the noise (u − ½) times what the other bits have changed, however
    sure q is of it. `disarm` puts E[u − ½ | both codes] in its place, which is nought for such a bit:

        ∇_{a_i} E f = E ½ [f(h) − f(h̃)] (h_i − h̃_i) σ(|a_i|)                            (Dong et al. 2020, §3)

    with the same mean and, for every f, no more variance.

    Args:
        form: `arm`, or `disarm`.

    Example:
        >>> from reverie.directions import AugmentReinforceMerge
        >>> AugmentReinforceMerge("disarm").uses
        ('uniforms',)

    Reference: Yin & Zhou 2019, *ARM: augment-REINFORCE-merge gradient for stochastic binary networks*; Dong, Mnih &
    Tucker 2020, *DisARM: an antithetic gradient estimator for binary latent variables*.
    """

    moves = ("model", "inference")
    uses = ("uniforms",)
    form: Literal["arm", "disarm"] = "arm"

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        (uniforms,) = draw["uniforms"]
        model, still = held(parts["model"]), posterior_of(held(parts))
        rows = jax.vmap(jax.vmap(lambda uniform, x: _mirrored(still, uniform, x)), in_axes=(0, None))
        (code, log_q), others, logits = rows(uniforms, batch.x)
        f = log_joints(model, _bits(code), batch.x) - log_q
        gains = [log_joints(model, _bits(other), batch.x) - log_q - f for other, log_q in others]
        if self.form == "arm":
            weights = [uniform - 0.5 for uniform in uniforms]
        else:
            mirrored = [other[i] for i, (other, _) in enumerate(others)]
            weights = [expected(a, b, other) for a, b, other in zip(logits, code, mirrored, strict=True)]
        pulls = tuple(gain[..., None] * weight for gain, weight in zip(gains, weights, strict=True))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            inference = posterior_of(parts)

            def one(h: tuple[Array, ...], pull: tuple[Array, ...], x: PyTree) -> Array:
                logits = [inference.code_logits(x, h[:i]) for i in range(len(h))]
                return jnp.sum(jnp.stack([jnp.sum(g * a) for g, a in zip(pull, logits, strict=True)]))

            moved = jax.vmap(jax.vmap(one), in_axes=(0, 0, None))(code, pulls, batch.x)
            return jnp.mean(log_joints(parts["model"], _bits(code), batch.x)) + jnp.mean(moved), {"elbo": jnp.mean(f)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def _bits(code: tuple[Array, ...]) -> tuple[Array, ...]:
    return tuple(block > 0.5 for block in code)


def _below(logits: Array, uniform: Array) -> Array:
    return (uniform < jax.nn.sigmoid(logits)).astype(jnp.float32)


def expected(logits: Array, block: Array, other: Array) -> Array:
    """E[u − ½ | the bits that u and its mirror image gave]: 0 where they agree, else ±½ max(σ(a), σ(−a))."""
    return 0.5 * (other - block) * jax.nn.sigmoid(jnp.abs(logits))


Weighed: TypeAlias = tuple[tuple[Array, ...], Array]
"""A code and its log q."""


def _mirrored(
    inference: Any, uniforms: tuple[Array, ...], x: PyTree
) -> tuple[Weighed, list[Weighed], tuple[Array, ...]]:
    """The code of some noise; for each of its blocks the code with that block mirrored and those above drawn anew.

    And the logits of the first.
    """

    def weighed(below: tuple[Array, ...]) -> Weighed:
        code, _ = layers.unroll(inference, x, uniforms, _below, below)
        return code, jnp.sum(layers.block_log_probs(inference, x, code))

    code, logits = layers.unroll(inference, x, uniforms, _below)
    others = []
    for i, (uniform, a) in enumerate(zip(uniforms, logits, strict=True)):
        mirrored = (uniform > jax.nn.sigmoid(-a)).astype(jnp.float32)
        others.append(weighed((*code[:i], mirrored)))
    return weighed(code), others, logits
