"""Sums over all codes, where they are few: exact gradients, against which others are measured."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from reverie.capabilities import Code, posterior_of
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers import Draw, Tick

MOST_SETS = 2**16
"""Sets of K codes up to which a K-sample bound is written out."""


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


def sets_of(codes: int, k: int) -> int:
    """How many sets of K codes there are, one code more than once among them."""
    return math.comb(codes + k - 1, k)


def written_out(codes: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Every set of K of so many codes, [sets, K], and the log of how many tuples each stands for.

    A function of the tuple (h_1, …, h_K) in which order makes no difference is the same for K! / Π_h n_h! tuples, where
    h is n_h times among them.
    """
    sets = np.array(list(itertools.combinations_with_replacement(range(codes), k)), np.int32).reshape(-1, k)
    log_tuples, run = np.full(len(sets), math.lgamma(k + 1)), np.ones(len(sets))
    for place in range(1, k):
        # n! is the product of the places that equal neighbours have in their run.
        run = np.where(sets[:, place] == sets[:, place - 1], run + 1, 1)
        log_tuples -= np.log(run)
    return sets, log_tuples.astype(np.float32)


class EnumeratedBound(Direction):
    """∇ Σ_{h_1 … h_K} Π_k q(h_k | x) log 1/K Σ_k w_k, the sum written out; w_k = p(x, h_k) / q(h_k | x).

    Exact: nothing is drawn. It is what VIMCO estimates, and reweighted wake-sleep for θ             (Ou 2019, Eq. 19).

    Args:
        k: K.

    Example:
        >>> from reverie.directions import EnumeratedBound
        >>> EnumeratedBound(3).uses
        ()
    """

    moves = ("model", "inference")
    uses = ()
    k: int = 5

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient over the batch."""
        codes, count = parts["model"].codes(), parts["model"].code_count
        if sets_of(count, self.k) > MOST_SETS:
            raise InputError(
                f"a bound of {self.k} samples has {sets_of(count, self.k):.3g} terms for {count} codes and is written "
                f"out up to {MOST_SETS}: ask for a smaller k or for fewer latent variables"
            )
        sets, log_tuples = written_out(count, self.k)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            def one(x: PyTree) -> Array:
                log_p, log_q = tables(parts, codes, x)
                bounds = jax.nn.logsumexp((log_p - log_q)[sets], axis=1) - math.log(self.k)
                return jnp.sum(jnp.exp(log_tuples + jnp.sum(log_q[sets], axis=1)) * bounds)

            value = jnp.mean(jax.vmap(one)(batch.x))
            return value, {"iw_bound": value}

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
