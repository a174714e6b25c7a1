"""Sums over all codes, where they are few: exact gradients, against which others are measured."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.capabilities import Code, posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.parts import Parts
from reverie.samplers import Draw, Tick


def tables(parts: Parts, codes: Code, x: PyTree) -> tuple[Array, Array]:
    """log p(x, h) and log q(h | x) of one row for every code, [codes] each."""
    posterior = posterior_of(parts)
    return jax.vmap(lambda h: (parts["model"].log_joint(x, h), posterior.log_prob(h, x)))(codes)


class EnumeratedElbo(Direction):
    """∇ Σ_h q(h | x) [log p(x, h) − log q(h | x)], the sum written out                     (Ou 2019, Eq. 8).

    Exact: nothing is drawn.

    Example:
        >>> from reverie.directions import EnumeratedElbo
        >>> EnumeratedElbo().uses
        ()
    """

    moves = ("model", "inference")
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch."""
        codes = parts["model"].codes()

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_p, log_q = jax.vmap(lambda x: tables(parts, codes, x))(batch.x)
            value = jnp.mean(jnp.sum(jnp.exp(log_q) * (log_p - log_q), axis=1))
            return value, {"elbo": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class EnumeratedLikelihood(Direction):
    """θ up ∇ log Σ_h p(x, h), φ up ∇ Σ_h p(h | x) log q(h | x), the sums written out   (Ou 2019, Eq. 6 and 26).

    Exact: what wake-sleep, RWS and JSA approximate.

    Example:
        >>> from reverie.directions import EnumeratedLikelihood
        >>> EnumeratedLikelihood().moves
        ('model', 'inference')
    """

    moves = ("model", "inference")
    uses = ()

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch."""
        codes = parts["model"].codes()

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            log_p, log_q = jax.vmap(lambda x: tables(parts, codes, x))(batch.x)
            likelihood = jnp.mean(jax.nn.logsumexp(log_p, axis=1))
            posterior = jax.lax.stop_gradient(jax.nn.softmax(log_p, axis=1))
            inclusive = jnp.mean(jnp.sum(posterior * log_q, axis=1))
            return likelihood + inclusive, {"log_likelihood": likelihood, "log_q_wake": inclusive}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
