"""Predictors of a code's units from each other."""

from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.capabilities import HasLogJoint, PredictsUnits
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.parts import Part, filled, learned, option


class Predictor(Part, PredictsUnits):
    """For every unit of the top block of bits a small perceptron that reads all the others.

        P_i(y_{−i}) = σ(v_i · tanh(U_i y_{−i} + c_i) + b_i)

    Args:
        width: of the hidden layer of each.

    Example:
        >>> from reverie.auxiliaries import Predictor
        >>> Predictor().width
        16

    Reference: Schmidhuber 1992, *Learning factorial codes by predictability minimization*.
    """

    width: int = option(16)
    into: Array = learned()
    hidden_bias: Array = learned()
    out: Array = learned()
    bias: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no predictor."""
        if self.width < 1:
            raise InputError(f"a predictor needs a hidden layer of at least one unit, not width={self.width}")

    def unserving(self, model: Any) -> str | None:
        """Models whose top block is bits."""
        kinds = [one.kind for one in model.latents] if isinstance(model, HasLogJoint) else ["no latent variables"]
        return None if kinds[-1] == "bits" else f"a predictor serves codes of bits, not {kinds[-1]}"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights: the guesses start near a half."""
        size = model.latents[-1].size
        key_into, key_out = jax.random.split(key)
        return filled(
            self,
            into=noise.normal(key_into, (size, size, self.width)) / size**0.5,
            hidden_bias=jnp.zeros((size, self.width)),
            out=noise.normal(key_out, (size, self.width)) / self.width**0.5,
            bias=jnp.zeros(size),
        )

    def predictions(self, units: Float[Array, " units"]) -> Float[Array, " units"]:
        """P_i(y_{−i}) for every i."""
        # Unit j goes into the predictor of i with the weights of row j, and not into its own.
        others = 1.0 - jnp.eye(units.shape[0])
        hidden = jnp.tanh(jnp.einsum("j,ij,ijw->iw", units, others, self.into) + self.hidden_bias)
        return jax.nn.sigmoid(jnp.sum(hidden * self.out, axis=1) + self.bias)
