"""What moves a field and its generator: towards the field by revised pairs, or up the field with a bound of entropy."""

from typing import Any, Literal

import jax
import jax.numpy as jnp
from jaxtyping import Array

from reverie.data import Batch
from reverie.directions.contrastive import Contrastive
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick

Entropy = Literal["bound", "normalisation"]
LEAST = 1e-12
"""Of a variance, so that a unit that stands still has a logarithm."""


class GeneratorFromRevised(Direction):
    """∇_φ E log q_φ(x, h) over revised pairs: down KL[p_θ ‖ q_φ], the inclusive divergence          (Ou 2019, Eq. 43).

    Example:
        >>> from reverie.directions import GeneratorFromRevised
        >>> GeneratorFromRevised().uses
        ('revised',)

    Reference: Song & Ou 2018, *Learning neural random fields with inclusive auxiliary generators*, Eq. 6.
    """

    moves = ("generator",)
    uses = ("revised",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The mean gradient."""
        x, h = jax.lax.stop_gradient(tuple(draw["revised"]))

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            value = jnp.mean(jax.vmap(parts["generator"].log_joint)(x, h))
            return value, {"generator_log_joint": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class GeneratorFromParticles(Direction):
    """∇_φ E log q_φ(x) over particles of the field: down KL[p_θ ‖ q_φ] for generators with densities (Ou 2019, Eq. 44).

    Example:
        >>> from reverie.directions import GeneratorFromParticles
        >>> GeneratorFromParticles().uses
        ('particles',)

    Reference: Wang & Ou 2017, *Language modeling with neural trans-dimensional random fields*.
    """

    moves = ("generator",)
    uses = ("particles",)

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The mean gradient."""
        particles = jax.lax.stop_gradient(draw["particles"])

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            value = jnp.mean(jax.vmap(parts["generator"].log_prob)(particles))
            return value, {"generator_log_prob": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class FieldAgainstGenerator(Direction):
    """∇_θ E_data u_θ(x) − E_{q_φ} u_θ(x): the generator's draws in the place of the field's          (Ou 2019, Eq. 41).

    Args:
        penalty: α of the size of u at both, as `Contrastive` has it; none by default.

    Example:
        >>> from reverie.directions import FieldAgainstGenerator
        >>> FieldAgainstGenerator().uses
        ('noise',)

    Reference: Kim & Bengio 2016, *Deep directed generative models with energy-based probability estimation*, Eq. 5.
    """

    moves = ("model",)
    uses = ("noise",)
    penalty: float = 0.0

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The difference of two mean gradients."""
        particles, _ = jax.vmap(parts["generator"].pair)(draw["noise"][0])
        return Contrastive(self.penalty).ascend(tick, parts, batch, {"particles": particles}, memory)


class GeneratorUpField(Direction):
    """∇_φ E_{q_φ} u_θ(x) + H̲[q_φ]: down KL[q_φ ‖ p_θ], the exclusive divergence, by a lower bound of the entropy.

        H[q] ≥ H̲ = −E log 1/B Σ_b q_φ(x | h_b),    x | h_1 ~ q(x | h_1),  h_1, …, h_B ~ N(0, I)

    since log q(x) = log E_h q(x | h) is at most the mean of that logarithm when one of the h_b is the code of x itself.
    The codes of the batch serve each other, so that B is the batch size; the bound grows with B to the entropy.

    Or, by `normalisation`, what batch normalisation would know of it, the spread of every unit over the batch:

        H ≈ Σ_i ½ log 2πe Var_b a_i,    a: what the hidden units get, and x

    the entropy of independent Gaussians. It bounds nothing: hidden units that spread are paid for though x does not.

    Args:
        entropy: `bound` or `normalisation`.

    Example:
        >>> from reverie.directions import GeneratorUpField
        >>> GeneratorUpField().moves
        ('generator',)

    Reference: Ou 2019, Eq. 40–41; the bound: Yin & Zhou 2018, *Semi-implicit variational inference*, Eq. 6 and Prop. 1;
    normalisation: Kim & Bengio 2016, *Deep directed generative models with energy-based probability estimation*, §3.
    """

    moves = ("generator",)
    uses = ("noise",)
    entropy: Entropy = "bound"

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient through x and through q."""
        noise = draw["noise"][0]

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            x, h = jax.vmap(parts["generator"].pair)(noise)
            reward = jnp.mean(jax.vmap(parts["model"].potential)(x))
            estimate = entropy_bound if self.entropy == "bound" else entropy_of_spreads
            entropy = estimate(parts["generator"], x, h)
            return reward + entropy, {"generator_potential": reward, "generator_entropy": entropy}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


def entropy_bound(generator: Any, x: Array, h: Any) -> Array:
    """−1/B Σ_i log 1/B Σ_j q(x_i | h_j), x_i being drawn given h_i."""
    each = jax.vmap(lambda x: jax.vmap(lambda h: generator.log_likelihood(x, h))(h))(x)
    return -jnp.mean(jax.nn.logsumexp(each, axis=1) - jnp.log(x.shape[0]))


def entropy_of_spreads(generator: Any, x: Array, h: Any) -> Array:
    """Σ ½ log 2πe Var a over the columns of x and the hidden units, with variances over the batch."""
    every = jnp.concatenate([x, jax.vmap(generator.signals)(h)], axis=1)
    return 0.5 * jnp.sum(jnp.log(2 * jnp.pi * jnp.e * jnp.maximum(jnp.var(every, axis=0), LEAST)))
