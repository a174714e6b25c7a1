"""Neural random fields: a potential that is a network, on top of a simple reference."""

from abc import abstractmethod
from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import codes_log_prob, draw_bits, log_odds
from reverie.capabilities import HasEnumeration, HasPotential, HasRealPotential, HasRelaxedPotential, HasTempering
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.suits import only
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, learned, option


class NeuralField(Part, HasPotential, HasTempering):
    """Abstract: p(x) ∝ r(x) exp f(x), r a normalised reference with a start for chains; f a network."""

    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("silu")
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if any(width < 1 for width in self.hidden):
            raise InputError("a random field needs hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    @abstractmethod
    def reference(self, x: Array) -> Array:
        """log r(x)."""

    def potential(self, x: Array) -> Array:
        """u(x) = log r(x) + f(x)."""
        return self.tempered_potential(x, jnp.ones(()))

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """log r(x) + β f(x)."""
        return self.reference(x) + beta * self.network(self.read(x))[0]

    @abstractmethod
    def read(self, x: Array) -> Array:
        """What the network sees of x."""

    def base_log_normaliser(self) -> Array:
        """r is normalised."""
        return jnp.zeros(())

    def start(self, key: Key[Array, ""]) -> Array:
        """A draw of r."""
        return self.base_sample(key)


class RandomField(NeuralField, HasRealPotential):
    """A random field of continuous columns.

        p(x) ∝ N(x; m, diag (w s)²) exp f_θ(x),    u(x) = log N(x; m, diag (w s)²) + f_θ(x)

    m and s are the columns' mean and standard deviation; with the reference, u is integrable whatever a network of
    bounded slope says. The network sees (x − m) / s.

    Args:
        hidden: widths of the hidden layers.
        activation: of those layers; a smooth one, so that u has a slope everywhere.
        width: w, how much wider than the data the reference is.

    Example:
        >>> from reverie.models import RandomField
        >>> RandomField(hidden=(64, 64)).hidden
        (64, 64)

    Reference: Ou 2019, §4.2, Eq. 38; exponential tilting: Nijkamp, Hill, Zhu & Wu 2019.
    """

    width: float = option(2.0)
    base_centre: Array = learned()
    base_spread: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        super().__check_init__()
        if not 0.0 < self.width < float("inf"):
            raise InputError(f"the width of a reference must be positive and finite, not {self.width}")

    def unsuited(self, spec: Spec) -> str | None:
        """Only reals."""
        return only("continuous", spec, "a random field")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: the field starts as its reference."""
        leaf = spec.leaves["continuous"]
        network = mlp(key, spec.size, self.hidden, 1, self.activation)
        spread = jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-6)
        return filled(self, network=network, base_centre=jnp.asarray(leaf.mean, jnp.float32), base_spread=spread)

    @property
    def _reference(self) -> tuple[Array, Array]:
        # The reference is the data's, not the learner's: no gradient reaches it.
        return jax.lax.stop_gradient(self.base_centre), jax.lax.stop_gradient(self.base_spread)

    def read(self, x: Array) -> Array:
        """(x − m) / s."""
        centre, spread = self._reference
        return (x - centre) / spread

    def reference(self, x: Array) -> Array:
        """log N(x; m, diag (w s)²)."""
        scale = self.width * self._reference[1]
        return jnp.sum(-0.5 * jnp.square(self.read(x) / self.width) - jnp.log(scale)) - 0.5 * x.size * jnp.log(
            2 * jnp.pi
        )

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """A draw of the reference."""
        centre, spread = self._reference
        return centre + self.width * spread * noise.normal(key, centre.shape)


class BitField(NeuralField, HasRelaxedPotential, HasEnumeration):
    """A random field of bits.

        p(x) ∝ Π_i Bernoulli(x_i; σ(a_i)) exp f_θ(x),    u(x) = a·x − Σ_i softplus(a_i) + f_θ(x)

    a are the log-odds of the training rows; u takes relaxed bits, and is then linear in the reference.

    Args:
        hidden: widths of the hidden layers.
        activation: of those layers.

    Example:
        >>> from reverie.models import BitField
        >>> BitField(hidden=(64,)).hidden
        (64,)

    Reference: Ou 2019, §4.2, Eq. 38; Grathwohl et al. 2021 for such potentials of discrete x.
    """

    base_log_odds: Array = learned()

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "a random field of bits")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: the field starts as its reference."""
        network = mlp(key, spec.size, self.hidden, 1, self.activation)
        return filled(self, network=network, base_log_odds=log_odds(jnp.asarray(spec.leaves["binary"].mean)))

    def read(self, x: Array) -> Array:
        """2 x − 1."""
        return 2.0 * x.astype(jnp.float32) - 1.0

    def reference(self, x: Array) -> Array:
        """log Π_i Bernoulli(x_i; σ(a_i))."""
        return codes_log_prob(jax.lax.stop_gradient(self.base_log_odds), x)

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """Independent bits."""
        return draw_bits(key, self.base_log_odds)

    @property
    def enumeration_levels(self) -> tuple[int, ...]:
        """All of the bits."""
        return (2,) * self.base_log_odds.shape[0]

    def enumerated_term(self, state: Array) -> Array:
        """u of a state."""
        return self.potential(state)
