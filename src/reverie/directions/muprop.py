"""The score-function gradient with a Taylor expansion around the mean for a control variate."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.parts import Parts
from reverie.samplers import Draw, Tick
from reverie.samplers.importance import log_joints


class Expansion(NamedTuple):
    """f(h̄), its slopes for a shift of each block, and h̄."""

    value: Array
    slopes: tuple[Array, ...]
    centre: tuple[Array, ...]


class MuProp(Direction):
    """f(h) expanded to first order around the mean-field code h̄, the rest by the score function with a baseline.

        [f(h) − f(h̄) − f′(h̄)ᵀ(h − h̄) − C(x) − c] ∇_φ log q(h | x) + f′(h̄)ᵀ ∇_φ μ(x)        (Gu et al. 2016, Eq. 4, §3)

    f = log p(x, h) − log q(h | x), h̄ the code that mean after mean gives from x upwards, f′ the total derivative along
    that pass, μ_l the mean of block l given the codes drawn below it. Each block has the rest of its own: what the
    blocks below contribute is given. C is the part `baseline`, moved down the squared rest, c a moving average from the
    steps before; they centre what the expansion leaves. Unbiased, whatever the expansion and the baseline are worth.

    Args:
        decay: of the moving average.

    Example:
        >>> from reverie.directions import MuProp
        >>> MuProp().moves
        ('model', 'inference', 'baseline')

    Reference: Gu, Levine, Sutskever & Mnih 2016, *MuProp: unbiased backpropagation for stochastic neural networks*.
    """

    moves = ("model", "inference", "baseline")
    uses = ("codes",)
    decay: float = 0.8

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """No rest has been seen."""
        return jnp.zeros(len(parts["model"].latents))

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Array
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and its codes."""
        codes = jax.lax.stop_gradient(draw["codes"])
        expansions = jax.vmap(lambda x: _expansion(held(parts), x))(batch.x)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference, baseline = parts["model"], posterior_of(parts), parts["baseline"]

            def one(h: PyTree, f: Array, x: PyTree, around: Expansion) -> tuple[Array, Array]:
                code = layers.as_floats(h, model.latents)
                logits = [inference.code_logits(x, code[:i]) for i in range(len(code))]
                log_q = jnp.stack([layers.log_prob(a, b) for a, b in zip(logits, code, strict=True)])
                linear = [jnp.sum(g * (b - c)) for g, b, c in zip(around.slopes, code, around.centre, strict=True)]
                rest = f - around.value - jnp.stack(linear) - baseline.values(x) - memory
                carried = sum(jnp.sum(g * layers.mean(a)) for g, a in zip(around.slopes, logits, strict=True))
                return jnp.sum(jax.lax.stop_gradient(rest) * log_q) + carried, rest

            each = jax.vmap(jax.vmap(one), in_axes=(0, 0, None, None))
            total, rest = each(codes.h, codes.log_weight, batch.x, expansions)
            value = jnp.mean(log_joints(model, codes.h, batch.x)) + jnp.mean(total)
            return value - 0.5 * jnp.mean(jnp.sum(rest**2, axis=-1)), {"_rest": rest}

        ascent, info = gradient(objective, parts, self.moves)
        rest = info.pop("_rest")
        after = memory + (1.0 - self.decay) * jnp.mean(rest, axis=(0, 1))
        return ascent, after, {"elbo": jnp.mean(codes.log_weight), "signal": jnp.sqrt(jnp.mean(rest**2))}


def _expansion(parts: Parts, x: PyTree) -> Expansion:
    model, inference = parts["model"], posterior_of(parts)

    def shifted(shifts: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        code, _ = layers.unroll(inference, x, shifts, lambda logits, shift: layers.mean(logits) + shift)
        return layers.signal(model, inference, x, code), code

    nought = tuple(
        jnp.zeros((one.size, one.levels) if one.kind == "categories" else (one.size,)) for one in model.latents
    )
    (value, code), slopes = jax.value_and_grad(shifted, has_aux=True)(nought)
    return Expansion(value, slopes, code)
