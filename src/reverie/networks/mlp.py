"""Perceptrons and the affine map, as one example sees them."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "tanh": jnp.tanh,
    "silu": jax.nn.silu,
    "elu": jax.nn.elu,
    "leaky-relu": lambda a: jax.nn.leaky_relu(a, 0.2),
}


class Affine(eqx.Module):
    """x W + b, with the weights stored input first: a batch is then one plain matrix product."""

    weight: Float[Array, "inputs outputs"]
    bias: Float[Array, " outputs"]

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """The affine map of one vector."""
        return x @ self.weight + self.bias


def affine(key: Key[Array, ""], inputs: int, outputs: int, bias: Array | float = 0.0) -> Affine:
    """Weights uniform in ±√(6 / (inputs + outputs)) (Glorot & Bengio 2010, Eq. 16); the bias as given."""
    bound = (6.0 / max(1, inputs + outputs)) ** 0.5
    weight = jax.random.uniform(key, (inputs, outputs), minval=-bound, maxval=bound)
    return Affine(weight, jnp.broadcast_to(jnp.asarray(bias, jnp.float32), (outputs,)))


class MLP(eqx.Module):
    """Affine maps with an activation between them."""

    layers: tuple[Affine, ...]
    activation: str = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """The network's value at one vector."""
        for layer in self.layers[:-1]:
            x = ACTIVATIONS[self.activation](layer(x))
        return self.layers[-1](x)


def mlp(
    key: Key[Array, ""],
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    activation: str = "tanh",
    bias: Array | float = 0.0,
) -> MLP:
    """A perceptron; with no hidden layers it is one affine map. `bias` is the last layer's."""
    sizes = (inputs, *hidden, outputs)
    keys = jax.random.split(key, len(sizes) - 1)
    last = len(sizes) - 2
    layers = tuple(affine(keys[i], sizes[i], sizes[i + 1], bias if i == last else 0.0) for i in range(len(sizes) - 1))
    return MLP(layers, activation)
