"""Neural variational inference and learning."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasCodeLogits, posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick
from reverie.samplers.importance import log_joints


class Running(NamedTuple):
    """Moving averages of each block's learning signal, once the baseline is taken off: its mean and its variance."""

    mean: Array
    variance: Array


class NeuralVariational(Direction):
    """The score-function gradient with a signal that is local, centred, and scaled.

        φ_l up (f_l − C_l(x) − c_l) / max(1, σ_l) ∇ log q(h_l | h_1, …, h_{l−1}, x),
        f_l = log p(x, h) − Σ_{j ≥ l} log q(h_j | h_1, …, h_{j−1}, x)              (Mnih & Gregor 2014, Eq. 5–9, Alg. 1)

    c_l and σ_l² are moving averages from the steps before, C is the part `baseline`, moved down the squared signal.
    Unbiased for θ; for φ_l unbiased up to the factor 1/max(1, σ_l), which does not depend on the step's codes. Where
    the posterior does not open its layers, all of φ has the one signal f_1.

    Args:
        decay: of the moving averages.

    Example:
        >>> from reverie.directions import NeuralVariational
        >>> NeuralVariational().moves
        ('model', 'inference', 'baseline')

    Reference: Mnih & Gregor 2014, *Neural variational inference and learning in belief networks*, §2.3.
    """

    moves = ("model", "inference", "baseline")
    uses = ("codes",)
    decay: float = 0.8

    def init(self, key: Key[Array, ""], parts: Parts) -> Memory:
        """No signal has been seen."""
        blocks = len(parts["model"].latents) if isinstance(parts["inference"], HasCodeLogits) else 1
        return Running(jnp.zeros(blocks), jnp.zeros(blocks))

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Running
    ) -> tuple[Ascent, Running, dict[str, Array]]:
        """The gradient over the batch and its codes."""
        codes = jax.lax.stop_gradient(draw["codes"])
        blocks = memory.mean.shape[0]

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            def one(h: PyTree, f: Array, x: PyTree) -> tuple[Array, Array]:
                log_q = _log_q(parts, h, x)
                fixed = jax.lax.stop_gradient(log_q)
                seen = f + jnp.cumsum(fixed) - fixed  # What lies below a block is given, and owes nothing to it.
                centred = seen - parts["baseline"].values(x)[:blocks] - memory.mean
                pull = jax.lax.stop_gradient(centred / jnp.maximum(1.0, jnp.sqrt(memory.variance)))
                return jnp.sum(pull * log_q), centred

            value, centred = jax.vmap(jax.vmap(one), in_axes=(0, 0, None))(codes.h, codes.log_weight, batch.x)
            value = jnp.mean(log_joints(parts["model"], codes.h, batch.x)) + jnp.mean(value)
            return value - 0.5 * jnp.mean(jnp.sum(centred**2, axis=-1)), {"_centred": centred}

        ascent, info = gradient(objective, parts, self.moves)
        centred = info.pop("_centred").reshape(-1, blocks)
        variance = self.decay * memory.variance + (1.0 - self.decay) * jnp.var(centred, axis=0)
        after = Running(memory.mean + (1.0 - self.decay) * jnp.mean(centred, axis=0), variance)
        return ascent, after, {"elbo": jnp.mean(codes.log_weight), "signal": jnp.sqrt(jnp.mean(centred**2))}


def _log_q(parts: Parts, h: PyTree, x: PyTree) -> Array:
    """log q of each block where the posterior opens its layers, else of all of h, [blocks]."""
    posterior = posterior_of(parts)
    if isinstance(posterior, HasCodeLogits):
        return layers.block_log_probs(posterior, x, layers.as_floats(h, parts["model"].latents))
    return posterior.log_prob(h, x)[None]
