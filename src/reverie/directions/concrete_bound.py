"""The evidence lower bound of a model whose codes are relaxed in prior and posterior alike."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.relaxation import cooled
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def relaxed_signal(
    model: Any, inference: Any, x: PyTree, uniforms: tuple[Array, ...], heats: tuple[Array | float, Array | float]
) -> Array:
    """log p(x | σ(y)) + log p(y; τ₂) − log q(y | x; τ₁) at y = z/τ₁, the heats being τ₁ and τ₂.

    The mean of its exponential is ∫ p(x | σ(y)) p(y; τ₂) dy: both densities are of one y, so that no Jacobian enters.
    """
    heat, prior_heat = heats
    scaled = lambda logits, uniform: layers.perturbed(logits, uniform) / heat
    h, logits, _ = inference.drawn_by(lambda a, u: layers.relaxed(scaled(a, u), 1.0), uniforms, (), x)
    total = model.log_likelihood(x, h)
    for a, prior, uniform in zip(logits, model.prior_logits(h), uniforms, strict=True):
        y = scaled(a, uniform)
        total += layers.concrete_log_prob(prior, y, prior_heat) - layers.concrete_log_prob(a, y, heat)
    return total


class ConcreteBound(Direction):
    """∇ of E [log p(x | h̃) + log p(h̃; τ₂) − log q(h̃ | x; τ₁)], Concrete densities in prior and posterior alike.

    h̃ = σ((a + logistic noise)/τ₁), or softmax((a + Gumbel noise)/τ₁); densities are taken before the squashing. It is
    the evidence lower bound of a model of relaxed codes, without bias for that; for the model of discrete codes it is
    neither a bound nor its gradient, though both come near as the temperatures fall.

    Args:
        temperature: τ₁ at the first step.
        floor: the least τ₁.
        rate: of the decay.
        prior_temperature: τ₂; that of the posterior where it is `None`.

    Example:
        >>> from reverie.directions import ConcreteBound
        >>> ConcreteBound(0.66, 0.66, prior_temperature=0.5).moves
        ('model', 'inference')

    Reference: Maddison, Mnih & Teh 2017, *The Concrete distribution*, Eq. 20, App. C.
    """

    moves = ("model", "inference")
    uses = ("uniforms",)
    temperature: float = 1.0
    floor: float = 0.5
    rate: float = 1e-5
    prior_temperature: float | None = None

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        heat = cooled(self.temperature, self.floor, self.rate, tick.step)
        heats = heat, heat if self.prior_temperature is None else self.prior_temperature
        (uniforms,) = draw["uniforms"]

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)
            one = lambda uniform, x: relaxed_signal(model, inference, x, uniform, heats)
            value = jnp.mean(jax.vmap(jax.vmap(one), in_axes=(0, None))(uniforms, batch.x))
            return value, {"relaxed_elbo": value, "temperature": heat}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
