"""Neural variational inference and learning."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasCodeLogits, HasLinks, PredictsLocalValues, posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick
from reverie.samplers.importance import log_joints, of_codes


class Running(NamedTuple):
    """Moving averages of each block's learning signal, once the baseline is taken off: its mean and its variance."""

    mean: Array
    variance: Array


class NeuralVariational(Direction):
    """The score-function gradient with a signal that is local, centred, and scaled.

        φ_l up (f_l − C_l − c_l) / max(1, σ_l) ∇ log q(h_l | h_1, …, h_{l−1}, x),          (Mnih & Gregor 2014, §2.3)
        f_l = Σ_{j ≥ l} [log p(h_{j−1} | h_j) − log q(h_j | h_1, …, h_{j−1}, x)] + log p(h_L),  h_0 = x

    What is known before h_l is drawn owes nothing to it, and is left out: of log p where the model is a chain of layers
    (`HasLinks`), of log q where the posterior opens its layers. Where it does not, all of φ has the one signal f_1.
    c_l and σ_l² are moving averages from the steps before; C is the part `baseline`, moved down the squared signal. It
    reads x and, if it can (`PredictsLocalValues`), the layers below. Unbiased for θ; for φ_l unbiased up to the factor
    1/max(1, σ_l), which does not depend on the step's codes.

    Args:
        decay: of the moving averages.
        local: leave out what is given of log p too; else f_l = log p(x, h) − Σ_{j ≥ l} log q(h_j | …).

    Example:
        >>> from reverie.directions import NeuralVariational
        >>> NeuralVariational().moves
        ('model', 'inference', 'baseline')

    Reference: Mnih & Gregor 2014, *Neural variational inference and learning in belief networks*, §2.3.1–2.3.3, Alg. 1.
    """

    moves = ("model", "inference", "baseline")
    uses = ("codes",)
    decay: float = 0.8
    local: bool = True

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
            log_p = self._log_p(parts["model"], codes.h, batch.x, blocks)

            def one(h: PyTree, f: Array, given: Array, x: PyTree) -> tuple[Array, Array]:
                log_q = _log_q(parts, h, x)
                fixed = jax.lax.stop_gradient(log_q)
                seen = f + jnp.cumsum(fixed) - fixed - given  # What lies below a block is given, and owes it nothing.
                centred = seen - _guesses(parts["baseline"], x, h)[:blocks] - memory.mean
                pull = jax.lax.stop_gradient(centred / jnp.maximum(1.0, jnp.sqrt(memory.variance)))
                return jnp.sum(pull * log_q), centred

            given = jax.lax.stop_gradient(jnp.cumsum(log_p, axis=-1)[..., :-1])
            each = jax.vmap(jax.vmap(one), in_axes=(0, 0, 0, None))
            value, centred = each(codes.h, codes.log_weight, given, batch.x)
            value = jnp.mean(jnp.sum(log_p, axis=-1)) + jnp.mean(value)
            return value - 0.5 * jnp.mean(jnp.sum(centred**2, axis=-1)), {"_centred": centred}

        ascent, info = gradient(objective, parts, self.moves)
        centred = info.pop("_centred").reshape(-1, blocks)
        variance = self.decay * memory.variance + (1.0 - self.decay) * jnp.var(centred, axis=0)
        after = Running(memory.mean + (1.0 - self.decay) * jnp.mean(centred, axis=0), variance)
        return ascent, after, {"elbo": jnp.mean(codes.log_weight), "signal": jnp.sqrt(jnp.mean(centred**2))}

    def _log_p(self, model: Any, h: PyTree, x: PyTree, blocks: int) -> Array:
        """log p(x, h) in terms [count, batch, blocks + 1], the sum of the first l of which is known before block l."""
        if self.local and blocks > 1 and isinstance(model, HasLinks):
            first, rest = jnp.split(of_codes(model.links, h, x), [blocks - 1], axis=-1)
            return jnp.concatenate([jnp.zeros_like(first[..., :1]), first, jnp.sum(rest, axis=-1, keepdims=True)], -1)
        whole = log_joints(model, h, x)[..., None]
        return jnp.concatenate([jnp.zeros((*whole.shape[:-1], blocks)), whole], axis=-1)


def _guesses(baseline: Any, x: PyTree, h: PyTree) -> Array:
    """C of each block."""
    return baseline.local_values(x, h) if isinstance(baseline, PredictsLocalValues) else baseline.values(x)


def _log_q(parts: Parts, h: PyTree, x: PyTree) -> Array:
    """log q of each block where the posterior opens its layers, else of all of h, [blocks]."""
    posterior = posterior_of(parts)
    if isinstance(posterior, HasCodeLogits):
        return layers.block_log_probs(posterior, x, layers.as_floats(h, parts["model"].latents))
    return posterior.log_prob(h, x)[None]
