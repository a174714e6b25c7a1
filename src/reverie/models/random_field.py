"""Neural random fields: a potential that is a network, on top of a simple reference."""

from abc import abstractmethod
from typing import Any, Literal, Self, TypeAlias

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import codes_log_prob, draw_bits, log_odds, softplus
from reverie.capabilities import HasEnumeration, HasPotential, HasRealPotential, HasRelaxedPotential, HasTempering
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.suits import only
from reverie.networks.mlp import ACTIVATIONS, detail_of
from reverie.networks.potentials import PotentialNetwork, potential_network
from reverie.parts import Part, filled, learned, option

Form: TypeAlias = Literal["tilted", "products"]


class NeuralField(Part, HasPotential, HasTempering):
    """Abstract: p(x) ∝ r(x) exp t(x), r a normalised reference with a start for chains; t what a network says."""

    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("silu")
    network: PotentialNetwork = option("mlp")
    form: Form = option("tilted")
    function: Any = learned()
    linear: Array | None = learned()
    log_square: Array | None = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if any(width < 1 for width in self.hidden):
            raise InputError("a random field needs hidden widths >= 1")
        if not self.hidden and (self.network != "mlp" or self.form != "tilted"):
            raise InputError(f"a random field with network={self.network} and form={self.form} needs a hidden width")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if self.network not in ("mlp", "residual", "conv", "attention"):
            raise InputError(f"network must be mlp, residual, conv or attention, not {self.network!r}")
        if self.form not in ("tilted", "products"):
            raise InputError(f"form must be tilted or products, not {self.form!r}")

    def unsuited_to(self, spec: Spec) -> str | None:
        """Convolutions read pictures."""
        if self.network != "conv" or spec.image is not None:
            return None
        return f"network=conv reads pictures and these {spec.kind} rows are none: choose mlp, residual or attention"

    def tilt(self, key: Key[Array, ""], spec: Spec, outputs: int = 1, detail: float | None = None) -> dict[str, Any]:
        """The arrays of t; `detail` is of the network's first layer, where it has some."""
        experts = self.hidden[-1] if self.form == "products" else outputs
        chosen = (self.network, spec.size, self.hidden, experts, self.activation, spec.image)
        function = potential_network(key, *chosen, detail)
        if self.form == "tilted":
            return {"function": function}
        square = jnp.full(spec.size, -2.0) if spec.kind == "continuous" else None
        return {"function": function, "linear": jnp.zeros(spec.size), "log_square": square}

    def told(self, x: Array) -> Array:
        """t(x): f(x), of several outputs their log-sum-exp; or the experts' sum with linear and squared terms."""
        z = self.read(x)
        if self.linear is None:
            found = self.function(z)
            return found[0] if found.shape[0] == 1 else jax.nn.logsumexp(found)
        total = jnp.sum(softplus(self.function(z))) + self.linear @ z
        return total if self.log_square is None else total - 0.5 * jnp.exp(self.log_square) @ jnp.square(z)

    @abstractmethod
    def reference(self, x: Array) -> Array:
        """log r(x)."""

    def potential(self, x: Array) -> Array:
        """u(x) = log r(x) + t(x)."""
        return self.tempered_potential(x, jnp.ones(()))

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """log r(x) + β t(x)."""
        return self.reference(x) + beta * self.told(x)

    @abstractmethod
    def read(self, x: Array) -> Array:
        """What the network sees of x."""

    def base_log_normaliser(self) -> Array:
        """r is normalised."""
        return jnp.zeros(())

    def start(self, key: Key[Array, ""]) -> Array:
        """A draw of r."""
        return self.base_sample(key)


class GaussianTilt(NeuralField, HasRealPotential):
    """Abstract: a field of continuous columns on top of independent Gaussians, N(x; m, diag (w s)²)."""

    width: float = option(2.0)
    detail: float | None = option(None)
    base_centre: Array = learned()
    base_spread: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        super().__check_init__()
        if not 0.0 < self.width < float("inf"):
            raise InputError(f"the width of a reference must be positive and finite, not {self.width}")
        if self.detail is not None and not 0.0 < self.detail < float("inf"):
            raise InputError(f"the detail of a field must be positive and finite, not {self.detail}")

    def based(self, key: Key[Array, ""], spec: Spec, outputs: int = 1) -> dict[str, Any]:
        """All arrays: the reference's are the columns' mean and standard deviation."""
        leaf = spec.leaves["continuous"]
        spread = jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-6)
        centre = jnp.asarray(leaf.mean, jnp.float32)
        detail = detail_of(spec.size) if self.detail is None else self.detail
        return {"base_centre": centre, "base_spread": spread, **self.tilt(key, spec, outputs, detail)}

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


class RandomField(GaussianTilt):
    """A random field of continuous columns.

        p(x) ∝ N(x; m, diag (w s)²) exp t_θ(x),    u(x) = log N(x; m, diag (w s)²) + t_θ(x)

        tilted:    t(x) = f(z),    z = (x − m) / s
        products:  t(x) = b·z − ½ Σ_i c_i z_i² + Σ_j softplus(f_j(z)),  c > 0: experts, with linear and squared terms

    m and s are the columns' mean and standard deviation; with the reference, u is integrable whatever a network of
    bounded slope says.

    Args:
        hidden: widths of the hidden layers; of `residual`, the stream's and then each block's inner one; of `conv`,
            channels, at half the height and width each; of `attention`, the tokens' and one inner width a block. With
            `products` the last is the number of experts.
        activation: of those layers; a smooth one, so that u has a slope everywhere.
        network: f: `mlp`, `residual`, `conv` for pictures, or `attention` between columns.
        form: `tilted`, or `products` of experts.
        width: w, how much wider than the data the reference is.
        detail: how fast f can vary at the start, in `mlp` and `residual`: the first layer's weights have standard
            deviation detail/√columns, its biases reach to ±detail; max(1, √(32/columns)) where not given.

    Example:
        >>> from reverie.models import RandomField
        >>> RandomField(hidden=(64, 64)).hidden
        (64, 64)

    Reference: Ou 2019, §4.2, Eq. 38; exponential tilting: Nijkamp, Hill, Zhu & Wu 2019; products of experts: Ngiam,
    Chen, Koh & Ng 2011, *Learning deep energy models*; Kim & Bengio 2016, Eq. 3.
    """

    def unsuited(self, spec: Spec) -> str | None:
        """Only reals; convolutions, of pictures."""
        return only("continuous", spec, "a random field") or self.unsuited_to(spec)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: the field starts near its reference."""
        return filled(self, **self.based(key, spec))


class BitTilt(NeuralField, HasRelaxedPotential, HasEnumeration):
    """Abstract: a field of bits on top of independent ones, Π_i Bernoulli(x_i; σ(a_i))."""

    base_log_odds: Array = learned()

    def based(self, key: Key[Array, ""], spec: Spec, outputs: int = 1) -> dict[str, Any]:
        """All arrays: a are the log-odds of the training rows."""
        odds = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        return {"base_log_odds": odds, **self.tilt(key, spec, outputs)}

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


class BitField(BitTilt):
    """A random field of bits.

        p(x) ∝ Π_i Bernoulli(x_i; σ(a_i)) exp t_θ(x),    u(x) = a·x − Σ_i softplus(a_i) + t_θ(x)

    a are the log-odds of the training rows; u takes relaxed bits, and is then linear in the reference. t is f(2x − 1),
    or with `products` b·(2x − 1) + Σ_j softplus(f_j(2x − 1)).

    Args:
        hidden: widths of the hidden layers, as `RandomField` has them.
        activation: of those layers.
        network: f: `mlp`, `residual`, `conv` for pictures, or `attention` between columns.
        form: `tilted`, or `products` of experts.

    Example:
        >>> from reverie.models import BitField
        >>> BitField(hidden=(64,)).hidden
        (64,)

    Reference: Ou 2019, §4.2, Eq. 38; Grathwohl et al. 2021 for such potentials of discrete x.
    """

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "a random field of bits") or self.unsuited_to(spec)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: the field starts as its reference."""
        return filled(self, **self.based(key, spec))
