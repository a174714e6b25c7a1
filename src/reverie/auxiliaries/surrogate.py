"""Surrogates: differentiable stand-ins for a learning signal, learned to lower the variance of a gradient."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasLogJoint, StandsIn, StandsInFreely
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import MLP, mlp
from reverie.parts import Part, filled, known, learned, option


def _why_not(model: Any) -> str | None:
    return None if isinstance(model, HasLogJoint) else "a surrogate serves models with latent variables"


def _check(temperature: float) -> None:
    if not 0 < temperature < float("inf"):
        raise InputError(f"the starting temperature must be positive and finite, not {temperature}")


class ConcreteSurrogate(Part, StandsIn):
    """The signal itself at the relaxed code, scaled.

        c(z) = η f(σ(z/τ)),  with log η and log τ learned

    Args:
        start: τ before learning.

    Example:
        >>> from reverie.auxiliaries import ConcreteSurrogate
        >>> ConcreteSurrogate().start
        0.5

    Reference: Tucker et al. 2017, *REBAR*, §3.1–3.2.
    """

    start: float = option(0.5)
    log_temperature: Array = learned()
    log_scale: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no surrogate."""
        _check(self.start)

    def unserving(self, model: Any) -> str | None:
        """Models with latent variables only."""
        return _why_not(model)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """η = 1, τ as given."""
        return filled(self, log_temperature=jnp.log(jnp.asarray(self.start, jnp.float32)), log_scale=jnp.zeros(()))

    def temperature(self) -> Array:
        """τ."""
        return jnp.exp(self.log_temperature)

    def scale(self) -> Array:
        """η."""
        return jnp.exp(self.log_scale)

    def extra(self, x: PyTree, block: int, z: Array) -> Array:
        """Nothing."""
        return jnp.zeros(())


class NetworkSurrogate(Part, StandsInFreely):
    """The signal at the relaxed code and a perceptron of (x, z), one for each block.

        c(z) = f(σ(z/τ)) + r_ψ(x, z)

    Args:
        hidden: widths of the perceptrons' hidden layers.
        start: τ before learning.

    Example:
        >>> from reverie.auxiliaries import NetworkSurrogate
        >>> NetworkSurrogate(hidden=(50,)).hidden
        (50,)

    Reference: Grathwohl et al. 2018, *Backpropagation through the void*, §3.2.
    """

    hidden: tuple[int, ...] = option((100,))
    start: float = option(0.5)
    shape: tuple[Layout, ...] = known()
    log_temperature: Array = learned()
    networks: tuple[MLP, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no surrogate."""
        _check(self.start)
        if any(width < 1 for width in self.hidden):
            raise InputError("a surrogate needs hidden widths >= 1")

    def unserving(self, model: Any) -> str | None:
        """Models with latent variables only."""
        return _why_not(model)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Perceptrons whose last layer is nought: c starts as the signal at the relaxed code."""
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        keys = jax.random.split(key, len(model.latents))
        made = []
        for one, latent in zip(keys, model.latents, strict=True):
            network = mlp(one, width + latent.size * max(1, latent.levels), self.hidden, 1, "leaky-relu")
            last = jax.tree.map(jnp.zeros_like, network.layers[-1])
            made.append(MLP((*network.layers[:-1], last), network.activation))
        return filled(
            self, shape=shape, log_temperature=jnp.log(jnp.asarray(self.start, jnp.float32)), networks=tuple(made)
        )

    def temperature(self) -> Array:
        """τ."""
        return jnp.exp(self.log_temperature)

    def scale(self) -> Array:
        """1."""
        return jnp.ones(())

    def extra(self, x: PyTree, block: int, z: Array) -> Array:
        """r(x, z)."""
        return self.networks[block](features(x, self.shape), jnp.tanh(z.reshape(-1)))[0]
