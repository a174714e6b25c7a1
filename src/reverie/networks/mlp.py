"""Perceptrons and the affine map, as one example sees them."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
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

    def __call__(self, *x: Float[Array, " _"]) -> Float[Array, " outputs"]:
        """The affine map of one vector, given whole or in pieces: one that many vectors share is multiplied once."""
        rows = jnp.split(self.weight, np.cumsum([piece.shape[-1] for piece in x])[:-1])
        return sum(piece @ weight for piece, weight in zip(x, rows, strict=True)) + self.bias


def affine(key: Key[Array, ""], inputs: int, outputs: int, bias: Array | float = 0.0) -> Affine:
    """Weights uniform in ±√(6 / (inputs + outputs)) (Glorot & Bengio 2010, Eq. 16); the bias as given."""
    bound = (6.0 / max(1, inputs + outputs)) ** 0.5
    weight = jax.random.uniform(key, (inputs, outputs), minval=-bound, maxval=bound)
    return Affine(weight, jnp.broadcast_to(jnp.asarray(bias, jnp.float32), (outputs,)))


def detail_of(columns: int) -> float:
    """How many times 1/√columns the weights spread that read so few columns: √(32/columns), and 1 from 32 on."""
    return max(1.0, (32.0 / max(1, columns)) ** 0.5)


def affine_of_reals(key: Key[Array, ""], inputs: int, outputs: int, detail: float | None = None) -> Affine:
    """The first map of a network of standardised reals: its units look at all places, and change as fast as asked.

    Weights are uniform with standard deviation d/√inputs, biases uniform in ±d. Bounds that count the outputs too make
    the first layer of a network of two columns all but linear (with 128 units, weights of 0.12), and what follows
    learns the bends of a density slowly: features of low frequency are learned first (Rahaman et al. 2019, *On the
    spectral bias of neural networks*; Tancik et al. 2020, §4, who choose the frequencies as this does).

    Args:
        key: of the draws.
        inputs: columns.
        outputs: units.
        detail: d; by the number of columns where not given.
    """
    key_weight, key_bias = jax.random.split(key)
    wide = detail_of(inputs) if detail is None else detail
    bound = wide * (3.0 / max(1, inputs)) ** 0.5
    weight = jax.random.uniform(key_weight, (inputs, outputs), minval=-bound, maxval=bound)
    return Affine(weight, jax.random.uniform(key_bias, (outputs,), minval=-wide, maxval=wide))


class MLP(eqx.Module):
    """Affine maps with an activation between them."""

    layers: tuple[Affine, ...]
    activation: str = eqx.field(static=True)

    def __call__(self, *x: Float[Array, " _"]) -> Float[Array, " outputs"]:
        """The network's value at one vector, given whole or in pieces."""
        for layer in self.layers[:-1]:
            x = (ACTIVATIONS[self.activation](layer(*x)),)
        return self.layers[-1](*x)

    def signals(self, x: Float[Array, " inputs"]) -> tuple[Array, ...]:
        """What the units of each hidden layer get before their activation."""
        found = []
        for layer in self.layers[:-1]:
            found.append(layer(x))
            x = ACTIVATIONS[self.activation](found[-1])
        return tuple(found)


def mlp(
    key: Key[Array, ""],
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    activation: str = "tanh",
    bias: Array | float = 0.0,
    detail: float | None = None,
) -> MLP:
    """A perceptron; with no hidden layers it is one affine map. `bias` is the last layer's.

    With `detail` the first layer is an `affine_of_reals`.
    """
    sizes = (inputs, *hidden, outputs)
    keys = jax.random.split(key, len(sizes) - 1)
    last = len(sizes) - 2
    layers = tuple(affine(keys[i], sizes[i], sizes[i + 1], bias if i == last else 0.0) for i in range(len(sizes) - 1))
    if detail is not None and hidden:
        layers = (affine_of_reals(keys[0], inputs, hidden[0], detail), *layers[1:])
    return MLP(layers, activation)
