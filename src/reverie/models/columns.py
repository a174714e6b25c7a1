"""Columns that are independent given a component: what a mixture of products knows of one leaf of a row."""

import math
from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.bits import as_float, draw_bits, log_odds, softplus
from reverie.data.spec import Leaf
from reverie.models.categories import forbidden
from reverie.networks.features import Layout

LEAST = 1e-12
"""The least probability of a bit or a level in a component, where no ridge says more."""


class Columns(eqx.Module):
    """Abstract: p(leaf | k) = Π_i p(x_i | k) for components k = 1 … K.

    It holds no numbers: its methods are given a leaf's parameters or its moments, both with the component in front.
    """

    layout: Layout = eqx.field(static=True)

    @abstractmethod
    def start(self, key: Key[Array, ""], leaf: Leaf, count: int) -> Float[Array, "K ..."]:
        """Parameters around the training rows' own, no two components the same."""

    @abstractmethod
    def log_probs(self, parameters: Float[Array, "K ..."], x: Array) -> Float[Array, " K"]:
        """log p(x | k)."""

    @abstractmethod
    def draw(self, key: Key[Array, ""], parameters: Float[Array, "..."]) -> Array:
        """The leaf of one component's parameters."""

    @abstractmethod
    def centre(self, parameters: Float[Array, "..."]) -> Array:
        """The mean of reals, the likeliest bits and levels, of one component's parameters."""

    @abstractmethod
    def points(self, x: Array) -> Float[Array, "n width"]:
        """Rows [n, D] as points among which distances mean something."""

    @abstractmethod
    def moments(self, shares: Float[Array, "n K"], x: Array) -> Float[Array, "K ..."]:
        """What the best parameters depend on, of rows [n, D] that belong to components by shares that sum to one."""

    @abstractmethod
    def pooled(self, weights: Float[Array, " m"], moments: Float[Array, "m ..."]) -> Float[Array, "..."]:
        """The moments of a mixture of distributions that have these."""

    @abstractmethod
    def fitted(self, moments: Float[Array, "K ..."], ridge: float) -> Float[Array, "K ..."]:
        """The parameters with these moments."""


class BitColumns(Columns):
    """Parameters: log-odds [K, D]. Moments: frequencies."""

    def start(self, key: Key[Array, ""], leaf: Leaf, count: int) -> Float[Array, "K D"]:
        """The log-odds of the training rows, and N(0, 1)."""
        return log_odds(jnp.asarray(leaf.mean)) + noise.normal(key, (count, leaf.size))

    def log_probs(self, parameters: Array, x: Array) -> Float[Array, " K"]:
        """Σ_i x_i a_ki − softplus(a_ki): over many rows one product of matrices, and one sum for all of them."""
        return parameters @ as_float(x) - jnp.sum(softplus(parameters), axis=1)

    def draw(self, key: Key[Array, ""], parameters: Array) -> Array:
        """Independent bits."""
        return draw_bits(key, parameters)

    def centre(self, parameters: Array) -> Array:
        """The likelier bits."""
        return parameters > 0

    def points(self, x: Array) -> Float[Array, "n D"]:
        """Corners of the cube."""
        return as_float(x)

    def moments(self, shares: Array, x: Array) -> Float[Array, "K D"]:
        """Frequencies."""
        return shares.T @ as_float(x)

    def pooled(self, weights: Array, moments: Array) -> Array:
        """Their mean."""
        return jnp.tensordot(weights, moments, 1)

    def fitted(self, moments: Array, ridge: float) -> Array:
        """Log-odds, both probabilities at least the ridge."""
        least = max(ridge, LEAST)
        return jnp.log(jnp.maximum(moments, least)) - jnp.log(jnp.maximum(1.0 - moments, least))


class LevelColumns(Columns):
    """Parameters: logits [K, D, levels]. Moments: frequencies of levels."""

    def start(self, key: Key[Array, ""], leaf: Leaf, count: int) -> Float[Array, "K D levels"]:
        """N(0, 1): a spec does not say how frequent levels are."""
        return noise.normal(key, (count, leaf.size, self.layout.levels))

    def _log_shares(self, parameters: Array) -> Array:
        return jax.nn.log_softmax(forbidden(parameters, self.layout.counts))

    def log_probs(self, parameters: Array, x: Array) -> Float[Array, " K"]:
        """Σ_i log P(x_i | k)."""
        rows = jax.vmap(self._log_shares)(parameters)
        return rows.reshape(len(rows), -1) @ jax.nn.one_hot(x, self.layout.levels).reshape(-1)

    def draw(self, key: Key[Array, ""], parameters: Array) -> Array:
        """Independent levels."""
        return noise.categorical(key, forbidden(parameters, self.layout.counts))

    def centre(self, parameters: Array) -> Array:
        """The likeliest levels."""
        return jnp.argmax(forbidden(parameters, self.layout.counts), axis=-1).astype(jnp.int32)

    def points(self, x: Array) -> Float[Array, "n width"]:
        """One-hot."""
        return jax.nn.one_hot(x, self.layout.levels).reshape(len(x), -1)

    def moments(self, shares: Array, x: Array) -> Float[Array, "K D levels"]:
        """Frequencies."""
        return (shares.T @ self.points(x)).reshape(-1, self.layout.size, self.layout.levels)

    def pooled(self, weights: Array, moments: Array) -> Array:
        """Their mean."""
        return jnp.tensordot(weights, moments, 1)

    def fitted(self, moments: Array, ridge: float) -> Array:
        """Log frequencies, each at least the ridge."""
        return jnp.log(jnp.maximum(moments, max(ridge, LEAST)))


class RealColumns(Columns):
    """Parameters: means and log standard deviations, [K, 2, D]. Moments: means and variances."""

    def start(self, key: Key[Array, ""], leaf: Leaf, count: int) -> Float[Array, "K 2 D"]:
        """Means spread like the training rows, and their standard deviations."""
        std = jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-3)
        means = jnp.asarray(leaf.mean, jnp.float32) + std * noise.normal(key, (count, leaf.size))
        return jnp.stack([means, jnp.broadcast_to(jnp.log(std), means.shape)], axis=1)

    def log_probs(self, parameters: Array, x: Array) -> Float[Array, " K"]:
        """Σ_i log N(x_i; μ_ki, σ_ki²)."""
        mean, log_scale = parameters[:, 0], parameters[:, 1]
        z = (x - mean) * jnp.exp(-log_scale)
        return -jnp.sum(0.5 * z**2 + log_scale, axis=1) - 0.5 * mean.shape[1] * math.log(2.0 * math.pi)

    def draw(self, key: Key[Array, ""], parameters: Array) -> Array:
        """Independent normals."""
        return parameters[0] + jnp.exp(parameters[1]) * noise.normal(key, parameters[0].shape)

    def centre(self, parameters: Array) -> Array:
        """The means."""
        return parameters[0]

    def points(self, x: Array) -> Float[Array, "n D"]:
        """Columns of one spread."""
        return (x - jnp.mean(x, axis=0)) / jnp.maximum(jnp.std(x, axis=0), 1e-6)

    def moments(self, shares: Array, x: Array) -> Float[Array, "K 2 D"]:
        """Means, and variances around each component's own, which keeps their digits."""

        def one(share: Array) -> Array:
            mean = share @ x
            return jnp.stack([mean, share @ jnp.square(x - mean)])

        return jax.lax.map(one, shares.T)

    def pooled(self, weights: Array, moments: Array) -> Array:
        """The mean of the means; the mean of the variances and the variance of the means."""
        mean = jnp.tensordot(weights, moments[:, 0], 1)
        return jnp.stack([mean, jnp.tensordot(weights, moments[:, 1] + jnp.square(moments[:, 0] - mean), 1)])

    def fitted(self, moments: Array, ridge: float) -> Array:
        """The same, with the ridge added to the variances."""
        return jnp.stack([moments[:, 0], 0.5 * jnp.log(moments[:, 1] + ridge)], axis=1)


KINDS: dict[str, type[Columns]] = {"binary": BitColumns, "categorical": LevelColumns, "continuous": RealColumns}
