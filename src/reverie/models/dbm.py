"""The deep Boltzmann machine."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import entr
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import as_float, bits_log_prob, draw_bits, log_odds
from reverie.capabilities import HasJoint, HasMachines, HasMeanField
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.rbm import RBM
from reverie.models.suits import only
from reverie.parts import Part, filled, known, learned, option


class DeepBoltzmannMachine(Part, HasMeanField, HasMachines, HasJoint):
    """Layers of bits, x = h_0 the lowest, with couplings between neighbouring layers only.

        p(h_0, …, h_L) ∝ exp(Σ_l b_l·h_l + Σ_l (h_{l−1} − o_{l−1}) W_l (h_l − o_l))

    o are offsets that centre the units: the training rows' mean for x and ½ for hidden units, or zeros. Given all odd
    layers the even ones are independent, and the other way round. So the machine is a restricted one (`whole`) whose
    state is all even layers, x among them, and whose hidden units are all odd layers: its sweeps leave p invariant, and
    its potential sums the odd layers out, as Salakhutdinov & Hinton's annealing does (§3.2). x alone has no potential.
    The bound is that of a factorised posterior, whose means μ are iterated

        μ_l ← σ(b'_l + μ_{l−1} W_l + W_{l+1} μ_{l+1}),   odd layers, then even ones,

    from what the layer below alone would say; b' are the biases with the offsets worked in.

    Its machines, for greedy learning, are those of §3.1: a layer that will hear from both sides hears twice from the
    one that there is. The lowest has two copies of x with the same weights, the highest two copies of h_L, and those
    between twice the weights.

    Args:
        sizes: units of the hidden layers, from x upwards.
        centred: whether units are centred.
        iterations: of the means.

    Example:
        >>> from reverie.models import DeepBoltzmannMachine
        >>> DeepBoltzmannMachine(sizes=(500, 1000)).iterations
        10

    Reference: Salakhutdinov & Hinton 2009, *Deep Boltzmann machines*, Eq. 1 and 6–10; centring: Montavon & Müller 2012.
    """

    sizes: tuple[int, ...] = option((64, 32))
    centred: bool = option(True)
    iterations: int = option(10)
    offset: tuple[float, ...] = known()
    weights: tuple[Array, ...] = learned()
    biases: tuple[Array, ...] = learned()
    base: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.sizes or any(size < 1 for size in self.sizes):
            raise InputError(f"a deep Boltzmann machine needs sizes of at least 1, not {self.sizes}")
        if self.iterations < 1:
            raise InputError(f"the means need at least 1 iteration, not {self.iterations}")

    @classmethod
    def from_arrays(cls, *, weights: Any, biases: Any, iterations: int = 10) -> "DeepBoltzmannMachine":
        """The model with known weights [below, above] and biases, one more, from x upwards; nothing is centred."""
        w = tuple(np.asarray(array, np.float32) for array in weights)
        b = tuple(np.asarray(array, np.float32) for array in biases)
        if not w or len(b) != len(w) + 1 or any(one.ndim != 1 for one in b):
            raise InputError(f"there must be weights, and one vector of biases more: they are {len(w)} and {len(b)}")
        if any(one.shape != (below.size, above.size) for one, below, above in zip(w, b[:-1], b[1:], strict=True)):
            raise InputError(f"weights must be [below, above]; their shapes are {[one.shape for one in w]}")
        if not all(np.isfinite(one).all() for one in (*w, *b)):
            raise InputError("the machine's arrays must be finite")
        sizes = tuple(one.size for one in b[1:])
        even = sum(one.size for one in b[::2])
        found = tuple(map(jnp.asarray, w)), tuple(map(jnp.asarray, b))
        made = cls(sizes, False, iterations, weights=found[0], biases=found[1], base=jnp.zeros(even))
        # As for an RBM: the base from which the path does not tilt at first.
        whole = made.whole()
        return filled(made, base=whole.visible_bias + jnp.sum(whole.weights, axis=1) / 2)

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "a deep Boltzmann machine")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Weights N(0, 0.01²), visible biases at the bits' log-odds, no hidden biases."""
        mean = spec.leaves["binary"].mean
        sizes = (spec.size, *self.sizes)
        keys = jax.random.split(key, len(self.sizes))
        pairs = zip(keys, sizes[:-1], sizes[1:], strict=True)
        weights = tuple(0.01 * noise.normal(one, (below, above)) for one, below, above in pairs)
        biases = (log_odds(jnp.asarray(mean)), *(jnp.zeros(size) for size in self.sizes))
        base = jnp.concatenate(biases[::2])
        return filled(self, offset=tuple(mean), weights=weights, biases=biases, base=base)

    def _offsets(self) -> list[Array]:
        if not self.centred:
            return [jnp.zeros(one.shape) for one in self.biases]
        return [jnp.asarray(self.offset), *(jnp.full(one.shape, 0.5) for one in self.biases[1:])]

    def uncentred(self) -> list[Array]:
        """b', the biases with which p(h_0, …) ∝ exp(Σ b'_l·h_l + Σ h_{l−1} W_l h_l)."""
        offsets, biases = self._offsets(), list(self.biases)
        for level, w in enumerate(self.weights):
            biases[level] = biases[level] - w @ offsets[level + 1]
            biases[level + 1] = biases[level + 1] - offsets[level] @ w
        return biases

    def whole(self) -> RBM:
        """The restricted machine of (h_0, h_2, …) with the hidden units (h_1, h_3, …)."""
        biases, depth = self.uncentred(), len(self.biases)

        def block(even: int, odd: int) -> Array:
            if odd == even + 1:
                return self.weights[even]
            if odd == even - 1:
                return self.weights[odd].T
            return jnp.zeros((biases[even].size, biases[odd].size))

        odds = range(1, depth, 2)
        weights = jnp.concatenate(
            [jnp.concatenate([block(even, odd) for odd in odds], axis=1) for even in range(0, depth, 2)]
        )
        visible_bias, hidden_bias = jnp.concatenate(biases[::2]), jnp.concatenate(biases[1::2])
        hidden = hidden_bias.size
        return RBM(hidden, weights=weights, visible_bias=visible_bias, hidden_bias=hidden_bias, base=self.base)

    def joint(self) -> RBM:
        """The whole, whose state begins with x."""
        return self.whole()

    def row(self, key: Key[Array, ""], state: Array) -> Array:
        """The lowest layer of the state."""
        return state[: self.biases[0].size]

    @property
    def depth(self) -> int:
        """One machine for each hidden layer."""
        return len(self.weights)

    def machine(self, level: int) -> RBM:
        """The RBM of h_l, or of two copies of x, with h_{l+1} or two copies of it."""
        last = self.depth - 1
        below, above = (2 if level == 0 < last else 1), (2 if level == last > 0 else 1)
        w = jnp.tile(self.weights[level] * (2.0 if 0 < level < last else 1.0), (below, above))
        b, c = jnp.tile(self.biases[level], below), jnp.tile(self.biases[level + 1], above)
        offsets = self._offsets()
        visible = b - w @ jnp.tile(offsets[level + 1], above)
        hidden = c - jnp.tile(offsets[level], below) @ w
        return RBM(
            hidden.size, weights=w, visible_bias=visible, hidden_bias=hidden, base=jax.lax.stop_gradient(visible)
        )

    def rise(self, key: Key[Array, ""], x: Array) -> tuple[Array, ...]:
        """Two copies of x, then h_{l+1} given h_l as the machine of h_l has it."""
        layers = [x if self.depth == 1 else jnp.tile(x, 2)]
        for level, one in enumerate(jax.random.split(key, self.depth)[:-1]):
            machine = self.machine(level)
            layers.append(draw_bits(one, machine.hidden_bias + as_float(layers[-1]) @ machine.weights))
        return tuple(layers)

    def mean_field(self, x: Array) -> tuple[Array, ...]:
        """The means of h_1, …, h_L."""
        biases = self.uncentred()
        depth = len(self.weights)
        means = [as_float(x)]
        for level, w in enumerate(self.weights):
            # With nothing above, the layer below counts twice (Salakhutdinov & Hinton 2009, §3).
            doubled = 2.0 if level + 1 < depth else 1.0
            means.append(jax.nn.sigmoid(biases[level + 1] + doubled * (means[level] @ w)))

        def update(now: tuple[Array, ...], _: None) -> tuple[tuple[Array, ...], None]:
            layers = list(now)
            for level in (*range(1, depth + 1, 2), *range(2, depth + 1, 2)):
                field = biases[level] + layers[level - 1] @ self.weights[level - 1]
                if level < depth:
                    field = field + self.weights[level] @ layers[level + 1]
                layers[level] = jax.nn.sigmoid(field)
            return tuple(layers), None

        return jax.lax.scan(update, tuple(means), None, length=self.iterations)[0][1:]

    def mean_field_bound(self, x: Array, means: tuple[Array, ...]) -> Array:
        """Σ_l b'_l·μ_l + Σ_l μ_{l−1} W_l μ_l + Σ_l H(μ_l), a lower bound of log Σ_h p̃(x, h)."""
        layers = (as_float(x), *means)
        total = jnp.zeros(())
        for bias, layer in zip(self.uncentred(), layers, strict=True):
            total += bias @ layer
        for below, w, above in zip(layers[:-1], self.weights, layers[1:], strict=True):
            total += below @ w @ above + jnp.sum(entr(above) + entr(1.0 - above))
        return total

    def mean_state(self, x: Array, means: tuple[Array, ...]) -> Array:
        """The even layers."""
        return jnp.concatenate([as_float(x), *means[1::2]])

    def state_of(self, key: Key[Array, ""], x: Array) -> Array:
        """The row, and draws of the mean field."""
        return jax.random.bernoulli(key, self.mean_state(x, self.mean_field(x)))

    def base_log_prob(self, state: Array) -> Array:
        """Independent bits."""
        return bits_log_prob(self.base, state)

    def potential_bound(self, key: Key[Array, ""], x: Array) -> Array:
        """The mean-field bound; nothing is drawn."""
        return self.mean_field_bound(x, self.mean_field(x))
