"""The score-function gradient with a Taylor expansion around the mean for a control variate."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class MuProp(Direction):
    """f(h) expanded to first order around the mean-field code h̄, the rest by the score function.

        [f(h) − f(h̄) − f′(h̄)ᵀ(h − h̄)] ∇_φ log q(h | x) + f′(h̄)ᵀ ∇_φ μ(x)              (Gu et al. 2016, Eq. 4, §3)

    f = log p(x, h) − log q(h | x), h̄ the code that mean after mean gives from x upwards, f′ the total derivative along
    that pass, μ_l the mean of block l given the codes drawn below it. Unbiased, whatever the expansion is worth.

    Example:
        >>> from reverie.directions import MuProp
        >>> MuProp().moves
        ('model', 'inference')

    Reference: Gu, Levine, Sutskever & Mnih 2016, *MuProp: unbiased backpropagation for stochastic neural networks*.
    """

    moves = ("model", "inference")
    uses = ("codes",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and its codes."""
        codes = jax.lax.stop_gradient(draw["codes"])
        value, slopes, means = jax.vmap(lambda x: _expansion(held(parts), x))(batch.x)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)

            def one(h: PyTree, f: Array, x: PyTree, at: Array, slope: PyTree, centre: PyTree) -> tuple[Array, Array]:
                code = layers.as_floats(h, model.latents)
                logits = [inference.code_logits(x, code[:i]) for i in range(len(code))]
                log_q = jnp.stack([layers.log_prob(a, b) for a, b in zip(logits, code, strict=True)])
                linear = jnp.stack([jnp.sum(g * (b - c)) for g, b, c in zip(slope, code, centre, strict=True)])
                # A block's own part of the expansion is its control variate; the parts below it are given.
                residual = f - at - linear
                carried = sum(jnp.sum(g * layers.mean(a)) for g, a in zip(slope, logits, strict=True))
                return model.log_joint(x, h) + jnp.sum(residual * log_q) + carried, residual[0]

            rows = jax.vmap(one)
            total, residual = jax.vmap(rows, in_axes=(0, 0, None, None, None, None))(
                codes.h, codes.log_weight, batch.x, value, slopes, means
            )
            said = {"elbo": jnp.mean(codes.log_weight), "signal": jnp.sqrt(jnp.mean(residual**2))}
            return jnp.mean(total), said

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def _expansion(parts: Parts, x: PyTree) -> tuple[Array, tuple[Array, ...], tuple[Array, ...]]:
    """f(h̄), its slopes for a shift of each block, and h̄."""
    model, inference = parts["model"], posterior_of(parts)

    def shifted(shifts: tuple[Array, ...]) -> tuple[Array, tuple[Array, ...]]:
        code, _ = layers.unroll(inference, x, shifts, lambda logits, shift: layers.mean(logits) + shift)
        return layers.signal(model, inference, x, code), code

    nought = tuple(
        jnp.zeros((one.size, one.levels) if one.kind == "categories" else (one.size,)) for one in model.latents
    )
    (value, code), slopes = jax.value_and_grad(shifted, has_aux=True)(nought)
    return value, slopes, code
