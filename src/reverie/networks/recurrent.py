"""Recurrent cells over a sequence of vectors."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie.networks.mlp import Affine, affine


class LSTM(eqx.Module):
    """Long short-term memory.

        (i, f, g, o) = W x_t + U s_{t−1} + b,  c_t = σ(f) c_{t−1} + σ(i) tanh(g),  s_t = σ(o) tanh(c_t)

    Reference: Hochreiter & Schmidhuber 1997; with forget gates: Gers, Schmidhuber & Cummins 2000.
    """

    inwards: Affine
    around: Array

    @property
    def width(self) -> int:
        """Units."""
        return self.around.shape[0]

    def begin(self, hidden: Float[Array, " width"]) -> tuple[Array, Array]:
        """s_0 as given, and c_0 = 0."""
        return hidden, jnp.zeros_like(hidden)

    def step(self, state: tuple[Array, Array], read: Array) -> tuple[tuple[Array, Array], Array]:
        """One step, given W x_t + b."""
        hidden, cell = state
        i, f, g, o = jnp.split(read + hidden @ self.around, 4)
        cell = jax.nn.sigmoid(f) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
        hidden = jax.nn.sigmoid(o) * jnp.tanh(cell)
        return (hidden, cell), hidden

    def __call__(self, xs: Float[Array, "time inputs"], hidden: Float[Array, " width"]) -> Float[Array, "time width"]:
        """s_1, …, s_T from s_0 and c_0 = 0: the inputs' products at once, the rest step after step."""

        def step(state: tuple[Array, Array], read: Array) -> tuple[tuple[Array, Array], Array]:
            return self.step(state, read)  # As a method of arrays it could not be hashed.

        return jax.lax.scan(step, self.begin(hidden), self.inwards(xs))[1]


def lstm(key: Key[Array, ""], inputs: int, width: int) -> LSTM:
    """Glorot weights; forget gates that start open."""
    key_in, key_around = jax.random.split(key)
    bias = jnp.zeros(4 * width).at[width : 2 * width].set(1.0)
    return LSTM(affine(key_in, inputs, 4 * width, bias), affine(key_around, width, 4 * width).weight)
