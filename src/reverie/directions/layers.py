"""The layers of a discrete posterior, one after the other: from logits and noise to codes, hard or relaxed.

Here codes are floats throughout: bits in [0, 1], [size], and categories as points of the simplex, [size, levels]. Their
corners are the discrete codes. Of a class among reals (`RelaxesClass`) the class is the one discrete block.
"""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from reverie.bits import codes_log_prob, softplus
from reverie.capabilities import Code, Latent

SMALLEST = 1e-7
"""Uniform numbers are kept this far from 0 and 1, where logits end."""

Rule = Callable[[Array, Array], Array]


def perturbed(logits: Array, uniform: Array) -> Array:
    """Logits and noise of the standard logistic or Gumbel distribution: H(z) below is then an exact draw."""
    u = jnp.clip(uniform, SMALLEST, 1.0 - SMALLEST)
    return logits + (jnp.log(u) - jnp.log1p(-u) if logits.ndim == 1 else -jnp.log(-jnp.log(u)))


def corner(z: Array) -> Array:
    """H(z): the code that z stands for, as a corner."""
    return (z > 0).astype(jnp.float32) if z.ndim == 1 else jax.nn.one_hot(jnp.argmax(z, axis=-1), z.shape[-1])


def relaxed(z: Array, temperature: Array | float) -> Array:
    """σ(z/τ), or the softmax of z/τ."""
    return jax.nn.sigmoid(z / temperature) if z.ndim == 1 else jax.nn.softmax(z / temperature, axis=-1)


def mean(logits: Array) -> Array:
    """The mean of the code."""
    return relaxed(logits, 1.0)


def concrete_log_prob(logits: Array, y: Array, temperature: Array | float) -> Array:
    """log density of a relaxed block before its last squashing: of y = z/τ, σ(y) or the softmax of y being the code.

    Of bits log τ + a − τ y − 2 log(1 + e^{a − τ y}); of n levels, y being taken up to a shift,
    log (n − 1)! + (n − 1) log τ + Σ_k (a_k − τ y_k) − n log Σ_k e^{a_k − τ y_k} (Maddison, Mnih & Teh 2017, App. C).
    """
    left = logits - temperature * y
    if logits.ndim == 1:
        return jnp.sum(jnp.log(temperature) + left - 2.0 * softplus(left))
    levels = logits.shape[-1]
    constant = math.lgamma(levels) + (levels - 1) * jnp.log(temperature)
    return jnp.sum(constant + jnp.sum(left, axis=-1) - levels * jax.nn.logsumexp(left, axis=-1))


def log_prob(logits: Array, block: Array) -> Array:
    """log q(block | logits), linear in a relaxed block."""
    if logits.ndim == 1:
        return codes_log_prob(logits, block)
    return jnp.sum(block * jax.nn.log_softmax(logits, axis=-1))


def as_floats(h: Code, latents: tuple[Latent, ...]) -> tuple[Array, ...]:
    """A discrete code as corners."""
    return tuple(
        jax.nn.one_hot(block, one.levels) if one.kind == "categories" else block.astype(jnp.float32)
        for block, one in zip(h, latents, strict=True)
    )


def unroll(
    inference: Any, x: PyTree, uniforms: tuple[Array, ...], rule: Rule, below: tuple[Array, ...] = ()
) -> tuple[tuple[Array, ...], tuple[Array, ...]]:
    """The blocks that come after `below`, each by a rule of (logits, uniform), and their logits."""
    code, logits = below, []
    for uniform in uniforms[len(below) :]:
        logits.append(inference.code_logits(x, code))
        code = (*code, rule(logits[-1], uniform))
    return code, tuple(logits)


def drawn(
    inference: Any, x: PyTree, uniforms: tuple[Array, ...], noise: PyTree, rule: Rule
) -> tuple[tuple[Array, ...], Array]:
    """A code whose discrete blocks come by a rule, and its log q̂, linear in them.

    Args:
        inference: one that has a relaxation.
        x: the row.
        uniforms: for each discrete block.
        noise: of the reals beside a class.
        rule: (logits, uniform) → a block.
    """
    h, every, log_q = inference.drawn_by(rule, uniforms, noise, x)
    blocks = h[len(h) - len(every) :]
    return h, log_q + jnp.sum(jnp.stack([log_prob(logits, block) for logits, block in zip(every, blocks, strict=True)]))


def block_log_probs(inference: Any, x: PyTree, h: tuple[Array, ...]) -> Array:
    """log q(h_l | h_1, …, h_{l−1}, x) for each block, [blocks]."""
    return jnp.stack([log_prob(inference.code_logits(x, h[:i]), block) for i, block in enumerate(h)])


def signal(model: Any, inference: Any, x: PyTree, h: tuple[Array, ...]) -> Array:
    """f(h) = log p(x, h) − log q(h | x), whose mean under q is the evidence lower bound."""
    return model.log_joint(x, h) - jnp.sum(block_log_probs(inference, x, h))
