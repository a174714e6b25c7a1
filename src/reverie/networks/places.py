"""Networks from what is known at each of a number of places to numbers for each place."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from reverie.networks.mlp import MLP, Affine, affine, mlp
from reverie.networks.recurrent import LSTM, lstm

PlaceNetwork = Literal["mlp", "window", "lstm"]


class Windows(eqx.Module):
    """One perceptron for all places, which reads a place and so many neighbours on either side; zeros past the ends."""

    function: MLP
    reach: int = eqx.field(static=True)

    def __call__(self, xs: Float[Array, "places inputs"]) -> Float[Array, "places outputs"]:
        """Its value at each place."""
        count = xs.shape[0]
        padded = jnp.pad(xs, ((self.reach, self.reach), (0, 0)))
        near = [padded[shift : shift + count] for shift in range(2 * self.reach + 1)]
        return self.function(jnp.concatenate(near, axis=1))


class TwoWays(eqx.Module):
    """An LSTM from the left, one from the right, and an affine map of both (Graves & Schmidhuber 2005)."""

    forwards: LSTM
    backwards: LSTM
    out: Affine

    def __call__(self, xs: Float[Array, "places inputs"]) -> Float[Array, "places outputs"]:
        """Its value at each place, which depends on all of them."""
        start = jnp.zeros(self.forwards.width)
        seen = self.forwards(xs, start), self.backwards(xs[::-1], start)[::-1]
        return self.out(jnp.concatenate(seen, axis=1))


class Whole(eqx.Module):
    """A perceptron that reads all places at once, with outputs of their own for each."""

    function: MLP
    places: int = eqx.field(static=True)

    def __call__(self, xs: Float[Array, " inputs"]) -> Float[Array, "places outputs"]:
        """Its value at each place."""
        return self.function(xs).reshape(self.places, -1)


def place_network(
    key: Key[Array, ""],
    network: str,
    places: int,
    inputs: int,
    hidden: tuple[int, ...],
    outputs: int,
    activation: str,
    reach: int,
) -> Whole | Windows | TwoWays:
    """The network of that name.

    Args:
        key: of its weights.
        network: one of `PlaceNetwork`.
        places: how many places.
        inputs: numbers known of all places together.
        hidden: widths of its hidden layers; of the LSTMs the last counts.
        outputs: numbers for each place.
        activation: of the hidden layers.
        reach: neighbours on either side that a window reads.
    """
    if network == "mlp":
        return Whole(mlp(key, inputs, hidden, places * outputs, activation), places)
    each = inputs // places
    if network == "window":
        return Windows(mlp(key, (2 * reach + 1) * each, hidden, outputs, activation), reach)
    one, two, three = jax.random.split(key, 3)
    width = hidden[-1]
    return TwoWays(lstm(one, each, width), lstm(two, each, width), affine(three, 2 * width, outputs))
