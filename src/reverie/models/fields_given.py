"""Fields of the told columns of one row, whose network has read what is given."""

from abc import abstractmethod
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.bits import codes_log_prob, draw_bits
from reverie.capabilities import HasEnumeration, HasPotential, HasRealPotential, HasRelaxedPotential, HasTempering
from reverie.models.categories import forbidden, one_hot


class FieldGiven(HasPotential, HasTempering):
    """Abstract: p(y | v) ∝ r(y) exp f(v, y), of one v."""

    function: Callable[[Array], Array]
    context: Float[Array, " width"]

    @abstractmethod
    def reference(self, y: Array) -> Array:
        """log r(y), normalised."""

    @abstractmethod
    def read(self, y: Array) -> Array:
        """What the network sees of y."""

    def tempered_potential(self, y: Array, beta: Array) -> Array:
        """log r(y) + β f(v, y)."""
        return self.reference(y) + beta * self.function(jnp.concatenate([self.context, self.read(y)]))[0]

    def potential(self, y: Array) -> Array:
        """u(y; v)."""
        return self.tempered_potential(y, jnp.ones(()))

    def base_log_normaliser(self) -> Array:
        """r is normalised."""
        return jnp.zeros(())

    def start(self, key: Key[Array, ""]) -> Array:
        """A draw of r."""
        return self.base_sample(key)


class BitsGiven(FieldGiven, HasRelaxedPotential, HasEnumeration):
    """Bits, on top of independent ones."""

    log_odds: Float[Array, " bits"]

    def read(self, y: Array) -> Array:
        """2 y − 1."""
        return 2.0 * y.astype(jnp.float32) - 1.0

    def reference(self, y: Array) -> Array:
        """log Π_i Bernoulli(y_i; σ(a_i))."""
        return codes_log_prob(self.log_odds, y)

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent bits."""
        return draw_bits(key, self.log_odds)

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """All of the bits."""
        return (2,) * self.log_odds.shape[0]

    def enumerated_term(self, state: Array) -> Array:
        """u of a state."""
        return self.potential(state)


class CategoriesGiven(FieldGiven, HasRelaxedPotential, HasEnumeration):
    """Categories, on top of levels that are all as likely."""

    counts: tuple[int, ...] = eqx.field(static=True)

    @property
    def levels(self) -> int:
        """The largest number of levels of a column."""
        return max(self.counts)

    def _logits(self) -> Array:
        even = -jnp.log(jnp.asarray(self.counts, jnp.float32))
        return forbidden(jnp.broadcast_to(even[:, None], (len(self.counts), self.levels)), self.counts)

    def read(self, y: Array) -> Array:
        """One-hot y, or points of the simplex as they are."""
        return one_hot(y, self.levels).reshape(-1)

    def reference(self, y: Array) -> Array:
        """−Σ_i log K_i, and next to never where a column has no such level."""
        return jnp.sum(one_hot(y, self.levels) * self._logits())

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent levels."""
        return noise.categorical(key, self._logits()).astype(jnp.int32)

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """Those of the columns."""
        return self.counts

    def enumerated_term(self, state: Array) -> Array:
        """u of a state."""
        return self.potential(state.astype(jnp.int32))


class RealsGiven(FieldGiven, HasRealPotential):
    """Reals, on top of independent Gaussians whose spread is `width` times the columns' own."""

    moments: Float[Array, "2 reals"]
    width: float = eqx.field(static=True)

    def read(self, y: Array) -> Array:
        """(y − m) / s."""
        return (y - self.moments[0]) / self.moments[1]

    def reference(self, y: Array) -> Array:
        """log N(y; m, diag (w s)²)."""
        return jnp.sum(jax.scipy.stats.norm.logpdf(y, self.moments[0], self.width * self.moments[1]))

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent Gaussians."""
        return self.moments[0] + self.width * self.moments[1] * noise.normal(key, self.moments[0].shape)
