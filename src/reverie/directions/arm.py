"""The augment-reinforce-merge gradient."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class AugmentReinforceMerge(Direction):
    """Two codes from one draw of noise, mirrored, and the difference that they make.

    For each block of bits with logits a,

        ∇_a E f = E_u [f(1[u > σ(−a)]) − f(1[u < σ(a)])] (u − ½)                            (Yin & Zhou 2019, Eq. 5)

    f = log p(x, h) − log q(h | x). The blocks below are as drawn, those above are drawn anew from either code with one
    noise (their §3.3). Unbiased; nothing is learned beside the parts, and f is never differentiated.

    Example:
        >>> from reverie.directions import AugmentReinforceMerge
        >>> AugmentReinforceMerge().uses
        ('uniforms',)

    Reference: Yin & Zhou 2019, *ARM: augment-REINFORCE-merge gradient for stochastic binary networks*.
    """

    moves = ("model", "inference")
    uses = ("uniforms",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        (uniforms,) = draw["uniforms"]
        still = held(parts)
        rows = jax.vmap(jax.vmap(lambda uniform, x: _pulls(still, uniform, x)), in_axes=(0, None))
        codes, pulls, f = rows(uniforms, batch.x)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)

            def one(h: tuple[Array, ...], pull: tuple[Array, ...], x: PyTree) -> Array:
                logits = [inference.code_logits(x, h[:i]) for i in range(len(h))]
                moved = jnp.stack([jnp.sum(g * a) for g, a in zip(pull, logits, strict=True)])
                return model.log_joint(x, h) + jnp.sum(moved)

            value = jnp.mean(jax.vmap(jax.vmap(one), in_axes=(0, 0, None))(codes, pulls, batch.x))
            return value, {"elbo": jnp.mean(f)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def _hard(logits: Array, uniform: Array) -> Array:
    return (uniform < jax.nn.sigmoid(logits)).astype(jnp.float32)


def _pulls(parts: Parts, uniforms: tuple[Array, ...], x: PyTree) -> tuple[tuple[Array, ...], tuple[Array, ...], Array]:
    """A code, ∂/∂a of E f for each of its blocks, and f of the code."""
    model, inference = parts["model"], posterior_of(parts)
    code, logits = layers.unroll(inference, x, uniforms, _hard)
    f = layers.signal(model, inference, x, code)
    pulls = []
    for i, (uniform, a) in enumerate(zip(uniforms, logits, strict=True)):
        mirrored = (uniform > jax.nn.sigmoid(-a)).astype(jnp.float32)
        other, _ = layers.unroll(inference, x, uniforms, _hard, (*code[:i], mirrored))
        pulls.append((layers.signal(model, inference, x, other) - f) * (uniform - 0.5))
    return code, tuple(pulls), f
