"""Gradients through relaxed codes, and past the threshold that makes codes discrete: biased, and of low variance."""

from abc import abstractmethod

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions import layers
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def cooled(temperature: float, floor: float, rate: float, step: Array) -> Array:
    """max(`floor`, `temperature` e^{−`rate` t}) at a step t."""
    return jnp.maximum(floor, temperature * jnp.exp(-rate * step))


class Cooling(Direction):
    """Abstract: directions through a code that is a differentiable function of noise, at a falling temperature.

    τ_t = max(`floor`, `temperature` e^{−`rate` t})
    """

    @abstractmethod
    def code(self, logits: Array, uniform: Array, temperature: Array) -> Array:
        """The block of a code from its logits and noise."""

    @abstractmethod
    def heat(self, step: Array) -> Array:
        """τ at a step."""

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        temperature = self.heat(tick.step)
        (uniforms,) = draw["uniforms"]

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)

            def one(uniform: tuple[Array, ...], noise: PyTree, x: PyTree) -> Array:
                h, log_q = layers.drawn(inference, x, uniform, noise, lambda a, u: self.code(a, u, temperature))
                return model.log_joint(x, h) - log_q

            each = jax.vmap(jax.vmap(one), in_axes=(0, 0, None))
            value = jnp.mean(each(uniforms, draw["noise"], batch.x))
            return value, {"relaxed_elbo": value, "temperature": temperature}

        ascent, info = gradient(objective, parts, ("model", "inference"))
        return ascent, memory, info


class Concrete(Cooling):
    """∇ of E f(h̃), h̃ = σ((a + logistic noise)/τ) or softmax((a + Gumbel noise)/τ): f of relaxed codes.

    f = log p(x, h̃) − log q(h̃ | x), both linear between the corners. Biased for any τ > 0; the bias falls with τ and
    the variance rises.

    Args:
        temperature: τ at the first step.
        floor: the least τ.
        rate: of the decay.

    Example:
        >>> from reverie.directions import Concrete
        >>> Concrete().uses
        ('uniforms', 'noise')

    Reference: Maddison, Mnih & Teh 2017, Eq. 10 and 20; Jang, Gu & Poole 2017, Eq. 2.
    """

    moves = ("model", "inference")
    uses = ("uniforms", "noise")
    temperature: float = 1.0
    floor: float = 0.5
    rate: float = 1e-5

    def heat(self, step: Array) -> Array:
        """τ at a step."""
        return cooled(self.temperature, self.floor, self.rate, step)

    def code(self, logits: Array, uniform: Array, temperature: Array) -> Array:
        """A point between the corners."""
        return layers.relaxed(layers.perturbed(logits, uniform), temperature)


class StraightThroughConcrete(Cooling):
    """f of exact codes going up, the gradient of `Concrete`'s relaxed codes coming down. Biased.

    Args:
        temperature: τ at the first step.
        floor: the least τ.
        rate: of the decay.

    Example:
        >>> from reverie.directions import StraightThroughConcrete
        >>> StraightThroughConcrete().moves
        ('model', 'inference')

    Reference: Jang, Gu & Poole 2017, *Categorical reparameterization with Gumbel-softmax*, §2.2.
    """

    moves = ("model", "inference")
    uses = ("uniforms", "noise")
    temperature: float = 1.0
    floor: float = 0.5
    rate: float = 1e-5

    def heat(self, step: Array) -> Array:
        """τ at a step."""
        return cooled(self.temperature, self.floor, self.rate, step)

    def code(self, logits: Array, uniform: Array, temperature: Array) -> Array:
        """A corner, with the slope of the point that it is near."""
        z = layers.perturbed(logits, uniform)
        soft = layers.relaxed(z, temperature)
        return soft + jax.lax.stop_gradient(layers.corner(z) - soft)


class StraightThrough(Cooling):
    """f of exact codes going up, as if each were its mean σ(a) coming down. Biased.

    Example:
        >>> from reverie.directions import StraightThrough
        >>> StraightThrough().uses
        ('uniforms', 'noise')

    Reference: Bengio, Léonard & Courville 2013, *Estimating or propagating gradients through stochastic neurons*, §4.
    """

    moves = ("model", "inference")
    uses = ("uniforms", "noise")

    def heat(self, step: Array) -> Array:
        """No temperature: 1, always."""
        return jnp.ones(())

    def code(self, logits: Array, uniform: Array, temperature: Array) -> Array:
        """A corner, with the slope of the mean."""
        mean = layers.mean(logits)
        return mean + jax.lax.stop_gradient(layers.corner(layers.perturbed(logits, uniform)) - mean)
