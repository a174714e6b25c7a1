"""Auxiliary generators of reals: easy draws that a random field is learned with."""

from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import GeneratesPairs, HasRealPotential
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, learned, option


class FieldGenerator(Part, GeneratesPairs):
    """A perceptron of Gaussian codes, with Gaussian noise around what it says.

        h ~ N(0, I),    x = g_φ(h) + s_φ ε,  ε ~ N(0, I)

    so that q(x, h) = N(h; 0, I) N(x; g(h), diag s²) can be evaluated. s is one number a column, and is learned.

    Args:
        latent: the dimension of h.
        hidden: widths of the hidden layers.
        activation: of those layers.
        scale: what s starts at, in standard deviations of the column.
        detail: how fast g can vary at the start: the first layer's weights have standard deviation detail/√latent, its
            biases reach to ±detail; Glorot's weights and biases of nought where not given.

    Example:
        >>> from reverie.auxiliaries import FieldGenerator
        >>> FieldGenerator(latent=2).latent
        2

    Reference: Song & Ou 2018, *Learning neural random fields with inclusive auxiliary generators*, §3.1.
    """

    latent: int = option(8)
    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("silu")
    scale: float = option(0.3)
    detail: float | None = option(None)
    network: MLP = learned()
    log_scale: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no generator."""
        if self.latent < 1 or any(width < 1 for width in self.hidden):
            raise InputError("a generator needs latent >= 1 and hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if not 0.0 < self.scale < float("inf"):
            raise InputError(f"the scale of a generator must be positive and finite, not {self.scale}")
        if self.detail is not None and not 0.0 < self.detail < float("inf"):
            raise InputError(f"the detail of a generator must be positive and finite, not {self.detail}")

    def unserving(self, model: Any) -> str | None:
        """Fields of reals."""
        serves = isinstance(model, HasRealPotential)
        return None if serves else "a generator of reals serves models with a potential of reals"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Rows about the columns' means, on the columns' scales."""
        leaf = spec.leaves["continuous"]
        spread = jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-6)
        mean = jnp.asarray(leaf.mean)
        network = mlp(key, self.latent, self.hidden, spec.size, self.activation, mean, self.detail)
        last = network.layers[-1].weight * spread
        network = eqx.tree_at(lambda net: net.layers[-1].weight, network, last)
        return filled(self, network=network, log_scale=jnp.log(self.scale * spread))

    def noise(self, key: Key[Array, ""]) -> Array:
        """h and ε, side by side."""
        return noise.normal(key, (self.latent + self.log_scale.shape[0],))

    def pair(self, noise: Array) -> tuple[Array, tuple[Array, ...]]:
        """x and h."""
        h, fresh = noise[: self.latent], noise[self.latent :]
        return self.centre((h,)) + jnp.exp(self.log_scale) * fresh, (h,)

    def centre(self, h: tuple[Array, ...]) -> Array:
        """g(h)."""
        return self.network(h[0])

    def signals(self, h: tuple[Array, ...]) -> Array:
        """Those of the perceptron."""
        return jnp.concatenate(self.network.signals(h[0])) if self.hidden else jnp.zeros(0)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log N(h; 0, I)."""
        return jnp.sum(jax.scipy.stats.norm.logpdf(h[0]))

    def log_likelihood(self, x: Array, h: tuple[Array, ...]) -> Array:
        """log N(x; g(h), diag s²)."""
        return jnp.sum(jax.scipy.stats.norm.logpdf(x, self.centre(h), jnp.exp(self.log_scale)))
