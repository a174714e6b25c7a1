"""The evidence lower bound with the class summed out."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from reverie.capabilities import posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.directions.elbo import weighed
from reverie.directions.weighting import Weighting
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


class BranchTerms(NamedTuple):
    """The terms of a bound at each class, [draws, batch, classes].

    Attributes:
        fit: log p(x | h_y).
        divergence: log q̂ of all of h_y but y, minus log p(h_y), y's own prior among it.
        log_class: log q(y | x, …).
    """

    fit: Float[Array, "draws batch classes"]
    divergence: Float[Array, "draws batch classes"]
    log_class: Float[Array, "draws batch classes"]


def branch_terms(parts: Parts, noise: PyTree, x: PyTree) -> BranchTerms:
    """The terms of every class, at draws of noise [draws, batch, …] for the rows of a batch."""
    model, posterior = parts["model"], posterior_of(parts)

    def one(noise: PyTree, x: PyTree) -> BranchTerms:
        h, log_q, logits = posterior.branches(noise, x)
        fit, log_prior = jax.vmap(lambda h: (model.log_likelihood(x, h), model.log_prior(h)))(h)
        return BranchTerms(fit, log_q - log_prior, jax.nn.log_softmax(logits))

    return jax.vmap(jax.vmap(one), in_axes=(0, None))(noise, x)


def averaged(terms: BranchTerms, weight: Array) -> tuple[Array, Array]:
    """Σ_y w_y of fit and of divergence, [draws, batch]."""
    return jnp.sum(weight * terms.fit, axis=-1), jnp.sum(weight * terms.divergence, axis=-1)


class MarginalElbo(Direction):
    """∇ of E_ε Σ_y q(y | x) [log p(x, z_y, y) − log q(z_y | x, y) − log q(y | x)],  z_y = z_φ(x, y, ε).

    The evidence lower bound of a code with a class in it; the sum over classes is exact, the rest reparameterised.
    Unbiased, without the variance that drawing y would add; each class costs one decoder.

    Args:
        weighting: of the divergence.

    Example:
        >>> from reverie.directions import MarginalElbo
        >>> MarginalElbo().uses
        ('noise',)

    Reference: Kingma, Rezende, Mohamed & Welling 2014, *Semi-supervised learning with deep generative models*, Eq. 7.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    weighting: Weighting = Weighting()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            terms = branch_terms(parts, draw["noise"], batch.x)
            weight = jnp.exp(terms.log_class)
            fit, divergence = averaged(terms, weight)
            negative_entropy = jnp.sum(weight * terms.log_class, axis=-1)
            return weighed(jnp.mean(fit), jnp.mean(divergence + negative_entropy)[None], self.weighting, tick.step)

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
