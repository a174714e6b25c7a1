"""The path derivative of the evidence lower bound."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.directions.elbo import weighed
from reverie.directions.weighting import Weighting
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class PathElbo(Direction):
    """The gradient of the bound through the path h_φ(x, ε) alone: "sticking the landing".

        ∇_φ [log p(x, h) − log q(h | x)] = (∂h_φ/∂φ)ᵀ ∇_h [log p(x, h) − log q(h | x)] − ∇_φ log q_φ(h | x) at fixed h

    The last term has mean zero and is left out: unbiased still, and without variance where q is the posterior,
    since ∇_h of log p(x, h) − log q(h | x) is then zero. It asks for a density of any h, to be held while h moves.
    With free bits the groups that count depend on the draws, and the term that is left out has a mean.

    Args:
        weighting: of the divergence.

    Example:
        >>> from reverie.directions import PathElbo
        >>> PathElbo().moves
        ('model', 'inference')

    Reference: Roeder, Wu & Duvenaud 2017, *Sticking the landing*, §2–3.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    weighting: Weighting = Weighting()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""
        density = posterior_of(held(parts)).log_prob

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, inference = parts["model"], posterior_of(parts)

            def one(noise: PyTree, x: PyTree) -> tuple[Array, Array]:
                h = inference.transform(noise, x)
                return model.log_likelihood(x, h), density(h, x) - model.log_prior(h)

            fit, divergence = jax.vmap(jax.vmap(one), in_axes=(0, None))(draw["noise"], batch.x)
            return weighed(jnp.mean(fit), jnp.mean(divergence)[None], self.weighting, tick.step)

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
