"""A perceptron that also reads a class."""

import equinox as eqx
import jax
from jaxtyping import Array, Float, Int, Key

from reverie.networks.mlp import ACTIVATIONS, MLP, mlp


class ClassMLP(eqx.Module):
    """A perceptron of (x, one-hot y), written so that x W is computed once for all classes.

    Attributes:
        network: the perceptron of x.
        shift: what each class adds to the first layer, [classes, width].
    """

    network: MLP
    shift: Float[Array, "classes width"]

    def __call__(self, x: Float[Array, " inputs"], y: Int[Array, ""]) -> Float[Array, " outputs"]:
        """The network's value at one vector and one class."""
        first, *rest = self.network.layers
        x = first(x) + self.shift[y]
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
    return ClassMLP(network, jax.numpy.asarray(first.weight[inputs:]))
