"""What autoregressive models of bits share: a network that gives all conditionals at once, and sampling with it."""

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from reverie import noise
from reverie.bits import as_float


class Conditionals(eqx.Module):
    """Abstract: logits of p(x_i | x_j for j before i) for every i at once."""

    @abstractmethod
    def conditional_logits(self, x: Float[Array, " size"], member: Int[Array, ""]) -> Float[Array, " size"]:
        """The logits of every column given the columns before it, in the order of that member of the model."""

    @abstractmethod
    def order(self, member: Int[Array, ""]) -> Int[Array, " size"]:
        """The columns in the order in which that member draws them."""


def draw_in_order(model: Any, key: Key[Array, ""], member: Int[Array, ""]) -> Bool[Array, " size"]:
    """Ancestral sampling: column after column, each from its conditional."""
    order = model.order(member)
    uniform = noise.uniform(key, order.shape)

    def step(x: Array, column: Array) -> tuple[Array, None]:
        probability = jax.nn.sigmoid(model.conditional_logits(as_float(x), member)[column])
        return x.at[column].set(uniform[column] < probability), None

    return jax.lax.scan(step, jnp.zeros(order.shape, bool), order)[0]
