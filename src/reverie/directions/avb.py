"""Adversarial variational Bayes: an evidence lower bound for posteriors without a density."""

import math
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax.nn import log_sigmoid
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Code
from reverie.data import Batch
from reverie.directions.direction import Ascent, Direction, Memory, gradient, held
from reverie.directions.reconstruction import codes_of
from reverie.parts import Parts
from reverie.samplers import Draw, Tick

Contrast: TypeAlias = Literal["adaptive", "prior"]
LEAST_VARIANCE = 1e-6


class Contrasted(NamedTuple):
    """Codes of the inference model beside what they are told from.

    Attributes:
        h: h_φ(x, ε), [draws, batch, …].
        seen: what the critic sees of them: h itself, or h in units of the moments.
        log_r: log r(h | x), with all that r is made of held, [draws, batch].
    """

    h: Code
    seen: Code
    log_r: Array


def contrasted(parts: Parts, noise: PyTree, x: PyTree, contrast: Contrast, moments: int) -> Contrasted:
    """The codes, and log r of them; r is the prior, or the Gaussian with the moments of other draws of q(h | x)."""
    every = codes_of(parts, noise, x, random=True)
    if contrast == "prior":
        log_prior = jax.vmap(jax.vmap(held(parts)["model"].log_prior))
        return Contrasted(every, every, log_prior(every))
    drawn = jax.tree.leaves(every)[0].shape[0] - moments
    h = jax.tree.map(lambda leaf: leaf[:drawn], every)
    # The moments are held: at the critic's optimum r cancels, and with it all that moves r.
    others = jax.lax.stop_gradient(jax.tree.map(lambda leaf: leaf[drawn:], every))
    scale = jax.tree.map(lambda leaf: jnp.sqrt(jnp.var(leaf, axis=0, ddof=1) + LEAST_VARIANCE), others)
    seen = jax.tree.map(lambda leaf, other, s: (leaf - jnp.mean(other, axis=0)) / s, h, others, scale)
    log_r = [
        jnp.sum(-0.5 * leaf**2 - jnp.log(s) - 0.5 * math.log(2.0 * math.pi), axis=-1)
        for leaf, s in zip(jax.tree.leaves(seen), jax.tree.leaves(scale), strict=True)
    ]
    return Contrasted(h, seen, sum(log_r[1:], start=log_r[0]))


def others(key: Key[Array, ""], parts: Parts, like: Code, contrast: Contrast) -> Code:
    """What the critic sees of draws of r: standard normal in units of the moments, or codes of the model's dreams."""
    if contrast == "prior":
        shape = jax.tree.leaves(like)[0].shape[:2]
        return jax.vmap(jax.vmap(lambda one: parts["model"].sample_joint(one)[1]))(jax.random.split(key, shape))
    leaves, structure = jax.tree.flatten(like)
    keys = jax.random.split(key, len(leaves))
    return jax.tree.unflatten(
        structure, [noise.normal(one, leaf.shape) for one, leaf in zip(keys, leaves, strict=True)]
    )


class PairCriticUp(Direction):
    """∇_ψ E_{q(h|x)} log σ(V(x, h)) + E_{r(h|x)} log(1 − σ(V(x, h))),  at whose optimum V = log q(h | x)/r(h | x).

    Args:
        contrast: what codes of q are told from: `adaptive` or `prior`, as `AdversarialElbo` has them.
        moments: draws for the moments, where adaptive.

    Example:
        >>> from reverie.directions import PairCriticUp
        >>> PairCriticUp().moves
        ('critic',)

    Reference: Mescheder, Nowozin & Geiger 2017, *Adversarial variational Bayes*, Eq. 3.3 and Algorithm 2.
    """

    moves = ("critic",)
    uses = ("noise",)
    contrast: Contrast = "adaptive"
    moments: int = 20

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The critic's gradient."""
        ours = contrasted(parts, draw["noise"], batch.x, self.contrast, self.moments).seen
        told_from = others(tick.key, parts, ours, self.contrast)

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            critic = jax.vmap(jax.vmap(parts["critic"].pair_logit), in_axes=(None, 0))
            high, low = critic(batch.x, ours), critic(batch.x, told_from)
            value = jnp.mean(log_sigmoid(high)) + jnp.mean(log_sigmoid(-low))
            right = 0.5 * (jnp.mean(high > 0, dtype=jnp.float32) + jnp.mean(low < 0, dtype=jnp.float32))
            return value, {"critic_accuracy": right}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info


class AdversarialElbo(Direction):
    """∇ of E_ε [log p(x, h) − log r(h | x) − V(x, h)] at h = h_φ(x, ε), with the critic V and r held.

    At the critic's optimum V + log r = log q(h | x), and this is the path derivative of the evidence lower bound;
    V's own dependence on φ has mean zero (Prop. 2). For any other critic it is biased by the critic's error. With
    an adaptive contrast r(h | x) is the Gaussian of q's own moments, estimated from draws, so that the critic has
    to learn only how q differs from a Gaussian; the critic sees h in units of them, and the few draws leave a bias
    that falls as 1/`moments`.

    Args:
        contrast: r: `adaptive`, a Gaussian with the moments of q(h | x), or `prior`, p(h).
        moments: draws for the moments, where adaptive; the sampler gives so many besides those that are weighed.

    Example:
        >>> from reverie.directions import AdversarialElbo
        >>> AdversarialElbo(contrast="prior").moves
        ('model', 'inference')

    Reference: Mescheder, Nowozin & Geiger 2017, Eq. 3.7, §3.3 and Algorithm 2.
    """

    moves = ("model", "inference")
    uses = ("noise",)
    contrast: Contrast = "adaptive"
    moments: int = 20

    def ascend(
        self, tick: Tick, parts: Parts, batch: Batch, draw: Draw, memory: Memory
    ) -> tuple[Ascent, Memory, dict[str, Array]]:
        """The gradient of both over the batch and the noise."""

        def objective(parts: Parts) -> tuple[Array, dict[str, Array]]:
            model, critic = parts["model"], parts["critic"]
            codes = contrasted(parts, draw["noise"], batch.x, self.contrast, self.moments)
            log_q = codes.log_r + jax.vmap(jax.vmap(critic.pair_logit), in_axes=(None, 0))(batch.x, codes.seen)
            joint = jax.vmap(jax.vmap(model.log_joint), in_axes=(None, 0))(batch.x, codes.h)
            value = jnp.mean(joint - log_q)
            return value, {"elbo_by_critic": value}

        ascent, info = gradient(objective, parts, self.moves)
        return ascent, memory, info
