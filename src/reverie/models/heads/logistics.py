"""Mixtures of logistics: of real columns, and of ordered levels."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.nn import log_sigmoid
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.data.spec import Leaf
from reverie.models.heads.head import Head
from reverie.models.heads.scales import LOWEST_LOG_SCALE


def _start(mean: Array, std: Array, components: int) -> Array:
    """Equal weights, locations apart, scales such that the mixture has the mean and the standard deviation."""
    apart = np.linspace(-1.0, 1.0, components) if components > 1 else np.zeros(1)
    log_s = jnp.log(std * math.sqrt(3.0 * (1.0 - float(np.var(apart)))) / math.pi)
    locations = mean[:, None] + std[:, None] * jnp.asarray(apart, jnp.float32)
    log_scales = jnp.broadcast_to(log_s[:, None], locations.shape)
    return jnp.stack([jnp.zeros_like(locations), locations, log_scales], axis=1).reshape(-1)


def _draw(key: Key[Array, ""], logits: Array, locations: Array, log_scales: Array) -> Array:
    """A component for each column, then μ + s log(u / (1 − u))."""
    key_component, key_value = jax.random.split(key)
    chosen = noise.categorical(key_component, logits)[:, None]
    location, log_s = (jnp.take_along_axis(rows, chosen, axis=1)[:, 0] for rows in (locations, log_scales))
    u = jnp.maximum(noise.uniform(key_value, location.shape), 2.0**-25)
    return location + jnp.exp(log_s) * (jnp.log(u) - jnp.log1p(-u))


class Logistics(Head):
    """x_i ~ Σ_m π_{im} Logistic(μ_{im}, s_{im}), with all three from the network; log s ≥ −6."""

    components: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        """A weight, a location and a scale for each column and component."""
        return 3 * self.layout.size * self.components

    @property
    def own_width(self) -> int:
        """None."""
        return 0

    def start(self, leaf: Leaf) -> tuple[Float[Array, " width"], Float[Array, " own"]]:
        """The means and standard deviations of the training rows."""
        std = jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-2)
        return _start(jnp.asarray(leaf.mean, jnp.float32), std, self.components), jnp.zeros(0)

    def _mixture(self, given: Array) -> tuple[Array, Array, Array]:
        rows = given.reshape(self.layout.size, 3, self.components)
        return rows[:, 0], rows[:, 1], jnp.maximum(rows[:, 2], LOWEST_LOG_SCALE)

    def log_prob(self, given: Array, own: Array, values: Array) -> Float[Array, ""]:
        """Σ_i log Σ_m π_m σ(z) σ(−z) / s,  z = (x_i − μ) / s."""
        logits, locations, log_scales = self._mixture(given)
        z = (values[:, None] - locations) * jnp.exp(-log_scales)
        each = log_sigmoid(z) + log_sigmoid(-z) - log_scales
        return jnp.sum(jax.nn.logsumexp(jax.nn.log_softmax(logits) + each, axis=1))

    def sample(self, key: Key[Array, ""], given: Array, own: Array) -> Array:
        """Independent draws."""
        return _draw(key, *self._mixture(given))

    def centre(self, given: Array, own: Array) -> Array:
        """Σ_m π_m μ_m."""
        logits, locations, _ = self._mixture(given)
        return jnp.sum(jax.nn.softmax(logits) * locations, axis=1)


class DiscretisedLogistics(Head):
    """Whole numbers 0 … K − 1 as the cells of a mixture of logistics, the outermost reaching to infinity.

        P(x = k) = Σ_m π_m [σ((v_k + d − μ_m) / s_m) − σ((v_k − d − μ_m) / s_m)]      (Salimans et al. 2017, Eq. 2)

    with v_k = 2 k / (K − 1) − 1, half a cell d = 1 / (K − 1), and σ(±∞) in the place of the outer edges, so that the K
    masses sum to one. Every column, a colour channel too, has a mixture of its own.
    """

    components: int = eqx.field(static=True)

    @property
    def width(self) -> int:
        """A weight, a location and a scale for each column and component."""
        return 3 * self.layout.size * self.components

    @property
    def own_width(self) -> int:
        """None."""
        return 0

    @property
    def _steps(self) -> Array:
        """K − 1 of each column."""
        return jnp.maximum(jnp.asarray(self.layout.counts, jnp.float32) - 1.0, 1.0)

    def start(self, leaf: Leaf) -> tuple[Float[Array, " width"], Float[Array, " own"]]:
        """The means and standard deviations of the training rows, the latter at least half a cell."""
        half = 1.0 / self._steps
        mean = 2.0 * half * jnp.asarray(leaf.mean, jnp.float32) - 1.0
        std = jnp.maximum(2.0 * half * jnp.asarray(leaf.std, jnp.float32), half)
        return _start(mean, std, self.components), jnp.zeros(0)

    def _mixture(self, given: Array) -> tuple[Array, Array, Array]:
        rows = given.reshape(self.layout.size, 3, self.components)
        return rows[:, 0], rows[:, 1], jnp.maximum(rows[:, 2], LOWEST_LOG_SCALE)

    def log_prob(self, given: Array, own: Array, values: Array) -> Float[Array, ""]:
        """Σ_i log P(x_i), by σ(a) − σ(b) = σ(a) σ(−b) (1 − e^{b − a}), which loses no digits in the tails."""
        logits, locations, log_scales = self._mixture(given)
        half = (1.0 / self._steps)[:, None]
        centre = 2.0 * half * values[:, None] - 1.0
        per_scale = jnp.exp(-log_scales)
        above, below = (centre + half - locations) * per_scale, (centre - half - locations) * per_scale
        lowest = values[:, None] == 0
        highest = values[:, None] == jnp.asarray(self.layout.counts)[:, None] - 1
        inside = jnp.log(-jnp.expm1(-2.0 * half * per_scale))
        each = (
            jnp.where(highest, 0.0, log_sigmoid(above))
            + jnp.where(lowest, 0.0, log_sigmoid(-below))
            + jnp.where(lowest | highest, 0.0, inside)
        )
        return jnp.sum(jax.nn.logsumexp(jax.nn.log_softmax(logits) + each, axis=1))

    def sample(self, key: Key[Array, ""], given: Array, own: Array) -> Array:
        """The cell in which a draw of the mixture falls."""
        return self._cell(_draw(key, *self._mixture(given)))

    def centre(self, given: Array, own: Array) -> Array:
        """The cell of Σ_m π_m μ_m."""
        logits, locations, _ = self._mixture(given)
        return self._cell(jnp.sum(jax.nn.softmax(logits) * locations, axis=1))

    def _cell(self, value: Array) -> Array:
        """In which cell a value falls."""
        cell = jnp.round(0.5 * (value + 1.0) * self._steps)
        highest = jnp.asarray(self.layout.counts, jnp.float32) - 1.0
        return jnp.clip(cell, 0.0, highest).astype(jnp.int32)
