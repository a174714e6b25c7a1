"""What the codes of rows are: their moments, densities and divergences, each by the best way that the parts allow."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Latent, Proposes, posterior_of
from reverie.data import Measure
from reverie.directions.divergence import divergences
from reverie.evaluation.chunks import seen
from reverie.evaluation.shares import terms_of
from reverie.parts import Parts

DRAWS = 32
"""Codes for each row."""


def _drawn(posterior: Any, key: Key[Array, ""], x: PyTree) -> tuple[PyTree, Array]:
    """A code, and its log density where the inference model gives one."""
    if isinstance(posterior, Proposes):
        return posterior.propose(key, x)
    return posterior.transform(posterior.noise(key), x), jnp.zeros(())


def numbers_of(h: PyTree, latents: tuple[Latent, ...]) -> Array:
    """A code as floats: reals as they are, bits as 0 and 1, categories one-hot."""
    pieces = [
        jax.nn.one_hot(block, latent.levels).reshape(-1) if latent.kind == "categories" else block.astype(jnp.float32)
        for block, latent in zip(h, latents, strict=True)
    ]
    return jnp.concatenate(pieces)


@eqx.filter_jit
def codes_of_rows(
    parts: Parts, measure: Measure, key: Key[Array, ""], rows: PyTree, *, kept: int, closed: bool
) -> tuple[Array, Array, Array, PyTree, tuple[Array, ...]]:
    """Of each row: mean and variance of its codes, their divergences from the prior, `kept` codes, and shares.

    The last are what each block and variable has in the divergence, by a formula where it is `closed`.
    """
    model, posterior = parts["model"], posterior_of(parts)

    def one(words: Array, raw: PyTree) -> tuple[Array, Array, Array, PyTree, tuple[Array, ...]]:
        x, _, key_codes = seen(measure, key, words, raw)
        h, log_q = jax.vmap(lambda one: _drawn(posterior, one, x))(jax.random.split(key_codes, DRAWS))
        numbers = jax.vmap(lambda h: numbers_of(h, model.latents))(h)
        divergence = log_q - jax.vmap(model.log_prior)(h)
        if closed:
            groups = divergences(posterior.distribution(x), model.prior())
            shares: tuple[Array, ...] = (groups if groups.shape[0] == model.latents[0].size else jnp.sum(groups),)
        elif isinstance(posterior, Proposes):
            terms = jax.vmap(lambda h, log_q: terms_of(model, posterior, h, x, log_q))(h, log_q)
            shares = tuple(jnp.mean(term, axis=0) for term in terms)
        else:
            shares = ()
        first = jax.tree.map(lambda leaf: leaf[:kept], h)
        return jnp.mean(numbers, axis=0), jnp.var(numbers, axis=0, ddof=1), divergence, first, shares

    return jax.vmap(one)(*rows)


@eqx.filter_jit
def densities(parts: Parts, measure: Measure, key: Key[Array, ""], h: PyTree, rows: PyTree) -> Array:
    """log q(h | x) of all codes [n, kept, …] for each row, [rows, n, kept]."""
    posterior = posterior_of(parts)

    def one(words: Array, raw: PyTree) -> Array:
        x, _, _ = seen(measure, key, words, raw)
        return jax.vmap(jax.vmap(lambda h: posterior.log_prob(h, x)))(h)

    return jax.vmap(one)(*rows)


@eqx.filter_jit
def worth_of_codes(parts: Parts, measure: Measure, key: Key[Array, ""], pieces: tuple[PyTree, PyTree, PyTree]) -> Array:
    """log p(x | h) with a row's own codes less that with another row's, the mean over its codes; rows, own, others."""

    def one(row: tuple[Array, PyTree], own: PyTree, other: PyTree) -> Array:
        x, _, _ = seen(measure, key, *row)
        fit = jax.vmap(lambda h: parts["model"].log_likelihood(x, h))
        return jnp.mean(fit(own) - fit(other))

    return jax.vmap(one)(*pieces)


@eqx.filter_jit
def bit_divergences(parts: Parts, measure: Measure, key: Key[Array, ""], logits: Array, rows: PyTree) -> Array:
    """KL[q(h_i | x) ‖ p(h_i)] of each bit of the only block."""
    posterior = posterior_of(parts)

    def one(words: Array, raw: PyTree) -> Array:
        x, _, _ = seen(measure, key, words, raw)
        found = posterior.code_logits(x, ())
        q = jax.nn.sigmoid(found)
        return q * (found - logits) - jax.nn.softplus(found) + jax.nn.softplus(logits)

    return jax.vmap(one)(*rows)


@eqx.filter_jit
def prior_codes(model: Any, key: Key[Array, ""], places: Array) -> Array:
    """Codes of the prior as numbers."""

    def one(place: Array) -> Array:
        return numbers_of(model.sample_joint(jax.random.fold_in(key, place))[1], model.latents)

    return jax.vmap(one)(places)


@eqx.filter_jit
def log_priors(model: Any, h: PyTree) -> Array:
    """log p(h) of many codes, [n]."""
    return jax.vmap(model.log_prior)(h)


def bit_logits(model: Any) -> np.ndarray | None:
    """The logits of the prior where it is one block of independent bits, found by turning one bit at a time."""
    latents = model.latents
    if [latent.kind for latent in latents] != ["bits"]:
        return None
    size = latents[0].size

    def turned(reference: np.ndarray) -> np.ndarray:
        on, off = (np.where(np.eye(size, dtype=bool), bit, reference) for bit in (True, False))
        return np.asarray(log_priors(model, (jnp.asarray(on),)) - log_priors(model, (jnp.asarray(off),)), np.float64)

    # Independent bits do not care what the others are.
    found = [turned(np.random.default_rng(seed).random(size) < share) for seed, share in ((0, 0.0), (1, 0.5), (2, 1.0))]
    alike = all(np.allclose(one, found[0], rtol=1e-3, atol=1e-3) for one in found[1:])
    return found[0] if alike else None
