"""The two players of predictability minimisation."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def expected_code(posterior: Any, latents: tuple[Any, ...], x: PyTree) -> PyTree:
    """The code without chance: probabilities, block by block, each given those of the blocks below."""
    code: tuple[Array, ...] = ()
    for latent in latents:
        logits = posterior.code_logits(x, code)
        code += (jax.nn.sigmoid(logits) if latent.kind == "bits" else jax.nn.softmax(logits),)
    return code


def _codes(parts: Parts, batch: Batch) -> PyTree:
    posterior, latents = posterior_of(parts), parts["model"].latents
    return jax.vmap(lambda x: expected_code(posterior, latents, x))(batch.x)


def _errors(parts: Parts, units: Array) -> Array:
    """Σ_i (P_i(y_{−i}) − y_i)², the mean over the batch."""
    return jnp.mean(jnp.sum((jax.vmap(parts["predictor"].predictions)(units) - units) ** 2, axis=1))


class PredictorsDown(Direction):
    """Down Σ_i (P_i(y_{−i}) − y_i)²: each predictor towards E[y_i | y_{−i}].

    Example:
        >>> from reverie.directions import PredictorsDown
        >>> PredictorsDown().moves
        ('predictor',)

    Reference: Schmidhuber 1992, *Learning factorial codes by predictability minimization*.
    """

    moves = ("predictor",)
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The predictors' gradient; the share of the units' variance that they leave unexplained, for people."""
        units = jax.lax.stop_gradient(_codes(parts, batch)[-1])
        variance = jnp.sum(jnp.var(units, axis=0))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            errors = _errors(parts, units)
            return -errors, {"prediction_error": errors, "unpredicted": errors / jnp.maximum(variance, 1e-6)}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class UnpredictableCode(Direction):
    """Up log p(x, y(x)) + λ Σ_i (P_i(y_{−i}) − y_i)², y the units' probabilities under q(h | x).

    The second term is what the predictors go down: at their best it is Σ_i E Var(y_i | y_{−i}), largest for units that
    are independent of each other and far from constant, and so for binary ones. The first term makes the code one of x;
    where the units are binary it is the evidence lower bound, for then q has no entropy.

    Args:
        strength: λ.

    Example:
        >>> from reverie.directions import UnpredictableCode
        >>> UnpredictableCode().moves
        ('model', 'inference')

    Reference: Schmidhuber 1992, *Learning factorial codes by predictability minimization*.
    """

    moves = ("model", "inference")
    uses = ()
    strength: float = 10.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient, through the predictors' inputs as well as their targets."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            codes = _codes(parts, batch)
            joint = jnp.mean(jax.vmap(parts["model"].log_joint)(batch.x, codes))
            return joint + self.strength * _errors(parts, codes[-1]), {"log_joint": joint}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
