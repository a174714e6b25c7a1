"""The deep belief net."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.bits import as_float, bits_log_prob, draw_bits, log_odds
from reverie.capabilities import HasBeliefStack, HasJoint
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.layers_of_bits import LayersOfBits
from reverie.models.rbm import RBM
from reverie.models.suits import only
from reverie.parts import Part, filled, learned, option


class DeepBeliefNet(Part, HasBeliefStack, HasJoint):
    """Layers of bits: a restricted Boltzmann machine on top, directed downwards below it.

        p(x, h_1, …, h_L) = p(x | h_1) p(h_1 | h_2) … p(h_{L−1}, h_L),   p(h_l | h_{l+1}) = σ(b_l + W_{l+1} h_{l+1})

    The top pair has p(h_{L−1}, h_L) ∝ exp(b_{L−1}·h_{L−1} + b_L·h_L + h_{L−1} W_L h_L), and recognition is a net of its
    own, q(h_{l+1} | h_l) = σ(r_{l+1} + h_l R_{l+1}) up to h_{L−1}. With log Z of the top machine,

        log p(x) ≥ E_q [Σ_l log p(h_l | h_{l+1}) + u(h_{L−1}) − Σ_l log q(h_{l+1} | h_l)] − log Z.

    Args:
        sizes: units of the hidden layers, from x upwards; the last two make the machine on top.

    Example:
        >>> from reverie.models import DeepBeliefNet
        >>> DeepBeliefNet(sizes=(500, 2000)).depth
        2

    Reference: Hinton, Osindero & Teh 2006, *A fast learning algorithm for deep belief nets*; the bound: Salakhutdinov &
    Murray 2008, *On the quantitative analysis of deep belief networks*, §4.
    """

    sizes: tuple[int, ...] = option((64, 32))
    weights: tuple[Array, ...] = learned()
    biases: tuple[Array, ...] = learned()
    up_weights: tuple[Array, ...] = learned()
    up_biases: tuple[Array, ...] = learned()
    base: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if len(self.sizes) < 2 or any(size < 1 for size in self.sizes):
            raise InputError(
                f"a deep belief net needs two hidden layers or more, of at least 1 unit, not {self.sizes}: "
                "with one it is an RBM"
            )

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits."""
        return only("binary", spec, "a deep belief net")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Couplings N(0, 0.01²), tied; visible biases at the bits' log-odds, no hidden biases."""
        sizes = (spec.size, *self.sizes)
        keys = jax.random.split(key, len(self.sizes))
        pairs = zip(keys, sizes[:-1], sizes[1:], strict=True)
        weights = tuple(0.01 * noise.normal(one, (below, above)) for one, below, above in pairs)
        visible = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        return filled(
            self,
            weights=weights,
            biases=(visible, *(jnp.zeros(size) for size in self.sizes)),
            up_weights=weights[:-1],
            up_biases=tuple(jnp.zeros(size) for size in self.sizes[:-1]),
            base=jnp.zeros(self.sizes[-2]),
        )

    @property
    def depth(self) -> int:
        """One machine for each hidden layer."""
        return len(self.sizes)

    def machine(self, level: int) -> RBM:
        """The RBM of h_l and h_{l+1}."""
        top = level == self.depth - 1
        bias = self.biases[-1] if top else self.up_biases[level]
        base = self.base if top else self.biases[level]
        hidden = self.sizes[level]
        w, b = self.weights[level], self.biases[level]
        return RBM(hidden, weights=w, visible_bias=b, hidden_bias=bias, base=base)

    def tied(self) -> Self:
        """R_l = W_l below the top."""
        return filled(self, up_weights=self.weights[:-1])

    def whole(self) -> RBM:
        """The machine on top."""
        return self.machine(self.depth - 1)

    def joint(self) -> LayersOfBits:
        """All layers but the topmost, which is summed out."""
        return LayersOfBits(self.weights, self.biases)

    def row(self, key: Key[Array, ""], state: Array) -> Array:
        """Downwards from h_{L−1}."""
        return self.fall(key, state)[0]

    def _logits_up(self, level: int, below: Array) -> Array:
        return self.up_biases[level] + as_float(below) @ self.up_weights[level]

    def _logits_down(self, level: int, above: Array) -> Array:
        return self.biases[level] + as_float(above) @ self.weights[level].T

    def rise(self, key: Key[Array, ""], x: Array) -> tuple[Array, ...]:
        """x, then h_{l+1} ~ q(· | h_l)."""
        layers = [x]
        for level, one in enumerate(jax.random.split(key, self.depth - 1)):
            layers.append(draw_bits(one, self._logits_up(level, layers[-1])))
        return tuple(layers)

    def fall(self, key: Key[Array, ""], top: Array) -> tuple[Array, ...]:
        """h_{L−1}, then h_l ~ p(· | h_{l+1}), in the order of `rise`."""
        layers = [top]
        for level, one in zip(range(self.depth - 2, -1, -1), jax.random.split(key, self.depth - 1), strict=True):
            layers.append(draw_bits(one, self._logits_down(level, layers[-1])))
        return tuple(layers[::-1])

    def log_prob_down(self, layers: tuple[Array, ...]) -> Array:
        """Σ_l log p(h_l | h_{l+1})."""
        steps = range(self.depth - 1)
        return sum((bits_log_prob(self._logits_down(i, layers[i + 1]), layers[i]) for i in steps), start=jnp.zeros(()))

    def log_prob_up(self, layers: tuple[Array, ...]) -> Array:
        """Σ_l log q(h_{l+1} | h_l)."""
        steps = range(self.depth - 1)
        return sum((bits_log_prob(self._logits_up(i, layers[i]), layers[i + 1]) for i in steps), start=jnp.zeros(()))

    def state_of(self, key: Key[Array, ""], x: Array) -> Array:
        """The layer that the recognition reaches last."""
        return self.rise(key, x)[-1]

    def base_log_prob(self, state: Array) -> Array:
        """Independent bits."""
        return bits_log_prob(self.base, state)

    def potential_bound(self, key: Key[Array, ""], x: Array) -> Array:
        """log p̃(x, h) − log q(h | x) at an h ~ q, whose exponential has the mean p̃(x)."""
        layers = self.rise(key, x)
        return self.log_prob_down(layers) + self.whole().potential(layers[-1]) - self.log_prob_up(layers)
