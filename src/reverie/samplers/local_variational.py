"""A posterior of its own for every row, kept from visit to visit."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.data import Batch
from reverie.errors import InputError
from reverie.parts import Parts
from reverie.samplers.sampler import Codes, Draw, Sampler, Tick


class Moments(NamedTuple):
    """The Gaussian of a row: the mean and log standard deviation of each variable, a tuple of blocks each."""

    mean: PyTree
    log_scale: PyTree


class LocalPosteriors(NamedTuple):
    """What is kept for every row: its Gaussian, and where its optimiser stands."""

    moments: Moments
    optimiser: Any


def _draw(key: Array, moments: Moments) -> tuple[PyTree, Array]:
    """h ~ q and log q(h), the latter as a function of h alone."""
    held = jax.lax.stop_gradient(moments)
    h, total = [], jnp.zeros(())
    for place, (mean, log_scale) in enumerate(zip(*moments, strict=True)):
        epsilon = noise.normal(jax.random.fold_in(key, place), mean.shape)
        block = mean + jnp.exp(log_scale) * epsilon
        z = (block - held.mean[place]) * jnp.exp(-held.log_scale[place])
        total -= jnp.sum(0.5 * z**2 + held.log_scale[place] + 0.5 * jnp.log(2.0 * jnp.pi))
        h.append(block)
    return tuple(h), total


class LocalVariational(Sampler):
    """Codes of q_i(h) = N(μ_i, diag σ_i²), where each row i has numbers μ_i, σ_i of its own.

    At each visit of a row they go some steps up its evidence lower bound, from where they were at the last visit, and
    codes are drawn from what comes of it. The gradient is reparameterised, through h alone: it does not vary where q_i
    is the posterior. Biased, since q_i is the best of its family at most.

    Args:
        steps: of Adam, at each visit.
        rate: their size at first.
        half: steps of a row after which its rate has halved: rate / (1 + t / `half`).
        count: codes for each row.

    Example:
        >>> from reverie.samplers import LocalVariational
        >>> LocalVariational(steps=20).gives
        ('codes',)

    Reference: Hoffman, Blei, Wang & Paisley 2013, *Stochastic variational inference*, the local step; with gradients,
    for deep models: Kim et al. 2018, §2.2.
    """

    gives = ("codes",)
    exactness = "biased"
    steps: int = 10
    rate: float = 0.1
    half: int = 100
    count: int = 1

    def __check_init__(self) -> None:
        """Refuse numbers by which nothing is refined."""
        if min(self.steps, self.half, self.count) < 1:
            told = f"{self.steps}, {self.half} and {self.count}"
            raise InputError(f"steps, half and count must be at least 1, not {told}")
        if not 0 < self.rate < float("inf"):
            raise InputError(f"rate must be positive and finite, not {self.rate}")

    @property
    def _optimiser(self) -> optax.GradientTransformation:
        return optax.adam(lambda step: self.rate / (1.0 + step / self.half))

    def init(self, key: Key[Array, ""], parts: Parts, rows: int, batch: Batch) -> LocalPosteriors:
        """N(0, I) for every row."""
        zeros = tuple(jnp.zeros((rows, one.size), jnp.float32) for one in parts["model"].latents)
        moments = Moments(zeros, zeros)
        return LocalPosteriors(moments, jax.vmap(self._optimiser.init)(moments))

    def draw(
        self, tick: Tick, parts: Parts, batch: Batch, chain: LocalPosteriors
    ) -> tuple[Draw, LocalPosteriors, dict[str, Array]]:
        """Some steps for the rows of the batch, and codes after them."""
        model, optimiser = parts["model"], self._optimiser
        rows = batch.index.shape[0]
        key_refine, key_codes = jax.random.split(tick.key)

        def log_weight(key: Array, moments: Moments, x: PyTree) -> tuple[Array, PyTree]:
            h, log_q = _draw(key, moments)
            return model.log_joint(x, h) - log_q, h

        def refine(local: LocalPosteriors, key: Array) -> tuple[LocalPosteriors, None]:
            def one(key: Array, local: LocalPosteriors, x: PyTree) -> LocalPosteriors:
                up = jax.grad(lambda moments: log_weight(key, moments, x)[0])(local.moments)
                updates, state = optimiser.update(jax.tree.map(jnp.negative, up), local.optimiser)
                return LocalPosteriors(eqx.apply_updates(local.moments, updates), state)

            return jax.vmap(one)(jax.random.split(key, rows), local, batch.x), None

        local = jax.tree.map(lambda leaf: leaf[batch.index], chain)
        local, _ = jax.lax.scan(refine, local, jax.random.split(key_refine, self.steps))
        keys = jax.random.split(key_codes, (self.count, rows))
        log_w, h = jax.vmap(jax.vmap(log_weight), in_axes=(0, None, None))(keys, local.moments, batch.x)
        after = jax.tree.map(lambda old, new: old.at[batch.index].set(new), chain, local)
        weight = jnp.full(log_w.shape, 1.0 / self.count, jnp.float32)
        return {"codes": Codes(h, weight, log_w)}, after, {"elbo": jnp.mean(log_w)}
