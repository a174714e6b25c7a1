"""A perceptron whose masks let what it says of a variable depend on the variables before it alone."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from reverie.networks.mlp import ACTIVATIONS, Affine, affine


class MaskedMLP(eqx.Module):
    """Variables of `inputs` numbers each go in, `outputs` numbers for each variable come out.

    A hidden unit of degree d reads the variables 0 … d; degrees go round, so that each of them has its share of units.
    What comes out for variable i reads units of a degree below i (Germain et al. 2015, Eq. 12 and 13).
    """

    layers: tuple[Affine, ...]
    variables: int = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    def __call__(self, x: Float[Array, "variables inputs"]) -> Float[Array, "variables outputs"]:
        """The network's value."""
        below = np.repeat(np.arange(self.variables), x.shape[1])
        x = x.reshape(-1)
        for layer in self.layers[:-1]:
            degree = np.arange(layer.bias.shape[0]) % max(1, self.variables - 1)
            weight = jnp.where(degree[None, :] >= below[:, None], layer.weight, 0.0)
            x = ACTIVATIONS[self.activation](x @ weight + layer.bias)
            below = degree
        last = self.layers[-1]
        degree = np.repeat(np.arange(self.variables), last.bias.shape[0] // self.variables)
        weight = jnp.where(degree[None, :] > below[:, None], last.weight, 0.0)
        return (x @ weight + last.bias).reshape(self.variables, -1)


def masked_mlp(
    key: Key[Array, ""], variables: int, inputs: int, hidden: tuple[int, ...], outputs: int, activation: str = "tanh"
) -> MaskedMLP:
    """Small weights; biases of zero."""
    sizes = (variables * inputs, *hidden, variables * outputs)
    keys = jax.random.split(key, len(sizes) - 1)
    layers = tuple(affine(keys[i], sizes[i], sizes[i + 1]) for i in range(len(keys)))
    return MaskedMLP(layers, variables, activation)
