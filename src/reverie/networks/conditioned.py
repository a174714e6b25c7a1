"""A perceptron that also reads a class."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie.networks.mlp import ACTIVATIONS, MLP, mlp


def row_of(table: Array, y: Array) -> Array:
    """The row of a class, or of a point of the simplex the mean of the rows that it weighs."""
    return y @ table if jnp.issubdtype(y.dtype, jnp.floating) else table[y]


def point_of(y: Array, classes: int) -> Float[Array, " classes"]:
    """A class as a corner of the simplex; a point of it as it is."""
    return y if jnp.issubdtype(y.dtype, jnp.floating) else jax.nn.one_hot(y, classes)


class ClassMLP(eqx.Module):
    """A perceptron of (x, one-hot y), written so that x W is computed once for all classes; y may be relaxed.

    Attributes:
        network: the perceptron of x.
        shift: what each class adds to the first layer, [classes, width].
    """

    network: MLP
    shift: Float[Array, "classes width"]

    def __call__(self, x: Float[Array, " inputs"], y: Array) -> Float[Array, " outputs"]:
        """The network's value at one vector and one class."""
        first, *rest = self.network.layers
        x = first(x) + row_of(self.shift, y)
        for layer in rest:
            x = layer(ACTIVATIONS[self.network.activation](x))
        return x


def class_mlp(
    key: Key[Array, ""],
    inputs: int,
    classes: int,
    hidden: tuple[int, ...],
    outputs: int,
    activation: str = "tanh",
    bias: Array | float = 0.0,
) -> ClassMLP:
    """Small weights, those of the classes among them; `bias` is the last layer's."""
    whole = mlp(key, inputs + classes, hidden, outputs, activation, bias)
    first = whole.layers[0]
    network = eqx.tree_at(lambda network: network.layers[0].weight, whole, first.weight[:inputs])
    return ClassMLP(network, jnp.asarray(first.weight[inputs:]))
