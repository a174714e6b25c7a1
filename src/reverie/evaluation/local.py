"""Posteriors of one row alone: a factorised one of any blocks, and a flow over reals; both fitted to the row by Adam.

The factorised one is Gaussian with a mean and a scale for each real, Bernoulli for each bit and categorical for each
category. The flow puts a bijection F between the noise and the scale:

    h = μ + σ F(ε),  ε ~ N(0, I),  F of planar layers and, from two reals on, affine couplings, the identity at first

(Rezende & Mohamed 2015, Eq. 10; Dinh, Sohl-Dickstein & Bengio 2017, §3.4), so that it can only gain on the Gaussian
that it starts from.
"""

import itertools
import math
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Code, Latent

PLANAR, COUPLINGS, WIDTH = 4, 4, 16
STEEPEST = 2.0
"""The largest log scale of a coupling."""
SMALLEST, FLATTEST = 1e-3, 1e-2
"""A standard deviation and a probability that starting values do not go below."""


class Drawn(NamedTuple):
    """A code, the part of its log density that gradients pass through, and the part of its discrete blocks."""

    h: Code
    log_q: Array
    log_q_discrete: Array


class Factorised(eqx.Module):
    """A distribution for each variable, given by numbers for each block.

    Attributes:
        latents: what the blocks are.
        blocks: (mean, log σ) of reals, logits of bits, logits [size, levels] of categories.
    """

    latents: tuple[Latent, ...] = eqx.field(static=True)
    blocks: tuple[Any, ...]

    def draw(self, key: Key[Array, ""]) -> Drawn:
        """One code, reparameterised where it is real."""
        h, dense, discrete = [], jnp.zeros(()), jnp.zeros(())
        for one, latent, block in zip(jax.random.split(key, len(self.latents)), self.latents, self.blocks, strict=True):
            if latent.kind == "reals":
                epsilon = noise.normal(one, (latent.size,))
                h.append(block[0] + jnp.exp(block[1]) * epsilon)
                dense = dense - jnp.sum(0.5 * epsilon**2 + block[1]) - 0.5 * latent.size * math.log(2 * math.pi)
            elif latent.kind == "bits":
                bits = noise.bernoulli_logits(one, block)
                h.append(bits)
                discrete = discrete - jnp.sum(jax.nn.softplus(jnp.where(bits, -block, block)))
            else:
                value = noise.categorical(one, block).astype(jnp.int32)
                h.append(value)
                rows = jax.nn.log_softmax(block)
                discrete = discrete + jnp.sum(jnp.take_along_axis(rows, value[:, None], axis=1))
        return Drawn(tuple(h), dense, discrete)


class Flow(eqx.Module):
    """A factorised Gaussian with a bijection before its scale.

    Attributes:
        base: the Gaussian, whose blocks are all reals.
        planar: (w, u, b) of each planar layer.
        couplings: the weights of each coupling's network.
    """

    base: Factorised
    planar: tuple[tuple[Array, Array, Array], ...]
    couplings: tuple[tuple[Array, Array, Array], ...]

    def push(self, z: Array) -> tuple[Array, Array]:
        """All reals as one vector from one of noise, and log |det|."""
        mean, log_std = (jnp.concatenate([block[place] for block in self.base.blocks]) for place in (0, 1))
        total = jnp.sum(log_std)
        for layer in self.planar:
            z, gain = _planar(z, *layer)
            total = total + gain
        for place, coupling in enumerate(self.couplings):
            z, gain = _coupled(z, *coupling, swap=place % 2 == 1)
            total = total + gain
        return mean + jnp.exp(log_std) * z, total

    def draw(self, key: Key[Array, ""]) -> Drawn:
        """One code, reparameterised."""
        sizes = [latent.size for latent in self.base.latents]
        z = noise.normal(key, (sum(sizes),))
        flat, log_det = self.push(z)
        h = tuple(jnp.split(flat, list(itertools.accumulate(sizes[:-1]))))
        return Drawn(h, -0.5 * jnp.sum(z**2) - 0.5 * z.size * math.log(2 * math.pi) - log_det, jnp.zeros(()))


def _planar(z: Array, w: Array, u: Array, b: Array) -> tuple[Array, Array]:
    """z + û tanh(w·z + b) and log |det|, with û so that w·û > −1 and the map can be inverted."""
    inner = jnp.dot(w, u)
    u = u + (jax.nn.softplus(inner + _ONE) - 1.0 - inner) * w / jnp.maximum(jnp.dot(w, w), 1e-6)
    tanh = jnp.tanh(jnp.dot(w, z) + b)
    return z + u * tanh, jnp.log1p((1.0 - tanh**2) * jnp.dot(w, u))


_ONE = math.log(math.e - 1.0)
"""softplus of it is 1, so that u = 0 stays 0."""


def _coupled(z: Array, first: Array, bias: Array, last: Array, *, swap: bool) -> tuple[Array, Array]:
    """One half scaled and shifted by a network of the other, and log |det|."""
    here, there = (z[: z.size // 2], z[z.size // 2 :])[:: -1 if swap else 1]
    out = jnp.append(jnp.tanh(here @ first + bias), 1.0) @ last
    log_scale, shift = STEEPEST * jnp.tanh(out[: there.size] / STEEPEST), out[there.size :]
    there = there * jnp.exp(log_scale) + shift
    return jnp.concatenate([there, here] if swap else [here, there]), jnp.sum(log_scale)


def factorised(latents: tuple[Latent, ...], codes: Code) -> Factorised:
    """One with the moments of some codes, [count, size] a block."""

    def block(latent: Latent, h: Array) -> Any:
        if latent.kind == "reals":
            return jnp.mean(h, axis=0), jnp.log(jnp.maximum(jnp.std(h, axis=0), SMALLEST))
        levels = 2 if latent.kind == "bits" else latent.levels
        shares = jnp.mean(jax.nn.one_hot(h.astype(jnp.int32), levels), axis=0)
        logits = jnp.log(jnp.clip(shares, FLATTEST, 1.0 - FLATTEST))
        return logits[:, 1] - logits[:, 0] if latent.kind == "bits" else logits

    return Factorised(latents, tuple(block(latent, h) for latent, h in zip(latents, codes, strict=True)))


def flow(key: Key[Array, ""], base: Factorised) -> Flow:
    """The identity before a Gaussian."""
    size = sum(latent.size for latent in base.latents)
    half = size // 2
    key_planar, key_couplings = jax.random.split(key)
    planar = tuple(
        (noise.normal(one, (size,)) / math.sqrt(size), jnp.zeros(size), jnp.zeros(()))
        for one in jax.random.split(key_planar, PLANAR)
    )
    couplings = []
    for place, one in enumerate(jax.random.split(key_couplings, COUPLINGS if size > 1 else 0)):
        read, moved = (size - half, half) if place % 2 else (half, size - half)
        first = noise.normal(one, (read, WIDTH)) / math.sqrt(read)
        couplings.append((first, jnp.zeros(WIDTH), jnp.zeros((WIDTH + 1, 2 * moved))))
    return Flow(base, planar, tuple(couplings))


def elbo(q: Any, model: Any, x: PyTree, keys: Key[Array, " count"]) -> tuple[Array, Array]:
    """log p(x, h) − log q(h) of a code a key, [count], and a scalar whose gradient is that of their expectation.

    Reals pass the gradient on; discrete blocks get the score function's, with the mean of the other codes' values for
    a baseline (Kool, van Hoof & Welling 2019), which leaves it unbiased.
    """
    drawn = jax.vmap(q.draw)(keys)
    fit = jax.vmap(lambda h: model.log_joint(x, h))(drawn.h) - drawn.log_q
    value = fit - jax.lax.stop_gradient(drawn.log_q_discrete)
    count = keys.shape[0]
    signal = jax.lax.stop_gradient(value - jnp.mean(value)) * count / max(1, count - 1)
    return value, jnp.mean(value) + jnp.mean(signal * drawn.log_q_discrete)
