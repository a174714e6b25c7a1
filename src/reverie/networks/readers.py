"""What sees a row before perceptrons do: its columns as they are, convolutions of a picture, an LSTM over tokens."""

from abc import abstractmethod
from typing import Literal, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from reverie import noise
from reverie.data.spec import Spec
from reverie.networks.conv import Convolution, convolution, halved, inwards
from reverie.networks.features import Layout, features, layouts
from reverie.networks.recurrent import LSTM, lstm

ReaderName: TypeAlias = Literal["mlp", "conv", "lstm"]
"""By what a row is read: a perceptron alone, or one to which convolutions or an LSTM have told what they saw."""


class Reader(eqx.Module):
    """Abstract: from a row to numbers, with which perceptrons go on."""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many numbers it tells."""

    @property
    @abstractmethod
    def places(self) -> int:
        """Of how many places of the row it tells, one after the other; 1 where all it tells is of the whole."""

    @abstractmethod
    def __call__(self, x: PyTree) -> Float[Array, " width"]:
        """What it tells of a row."""


class ColumnReader(Reader):
    """The row's features, as they are: for rows of any kind."""

    shape: tuple[Layout, ...] = eqx.field(static=True)

    @property
    def width(self) -> int:
        """All features."""
        return sum(layout.width for layout in self.shape)

    @property
    def places(self) -> int:
        """None is told from another."""
        return 1

    def __call__(self, x: PyTree) -> Float[Array, " width"]:
        """The features."""
        return features(x, self.shape)


class PictureReader(Reader):
    """Convolutions of a picture, each of which halves height and width.

    Reference: Radford, Metz & Chintala 2016, *Unsupervised representation learning with deep convolutional generative
    adversarial networks*, §3: strides in the place of pooling.
    """

    layers: tuple[Convolution, ...]
    shape: tuple[Layout, ...] = eqx.field(static=True)
    image: tuple[int, int] = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    @property
    def width(self) -> int:
        """The last layer's channels at each of its places."""
        return self.places * int(self.layers[-1].bias.shape[0])

    @property
    def places(self) -> int:
        """Those of the last layer's map."""
        return halved(self.image[0], len(self.layers)) * halved(self.image[1], len(self.layers))

    def __call__(self, x: PyTree) -> Float[Array, " width"]:
        """The last layer's map, flat."""
        picture = features(x, self.shape).reshape(*self.image, -1)
        return inwards(picture, self.layers, self.activation).reshape(-1)


class TextReader(Reader):
    """The state of an LSTM where the line ends.

        s_t = LSTM(e(x_t), s_{t−1}),    s_T,  T the place of the end mark, or the last one where there is none

    Rows may be relaxed: points of the simplex for tokens, of whose vectors the mean is read.

    Reference: Bowman et al. 2016, *Generating sentences from a continuous space*, §3.
    """

    table: Float[Array, "levels embedding"]
    recurrence: LSTM
    end: int | None = eqx.field(static=True)

    @property
    def width(self) -> int:
        """The LSTM's units."""
        return self.recurrence.width

    @property
    def places(self) -> int:
        """Where the line ends."""
        return 1

    def __call__(self, x: PyTree) -> Float[Array, " width"]:
        """s_T."""
        relaxed = jnp.issubdtype(x.dtype, jnp.floating)
        vectors = x @ self.table if relaxed else self.table[x]
        states = self.recurrence(vectors, jnp.zeros(self.width))
        if self.end is None:
            return states[-1]
        ends = (jnp.argmax(x, axis=1) if relaxed else x) == self.end
        return states[jnp.where(jnp.any(ends), jnp.argmax(ends), states.shape[0] - 1)]


def unreadable(name: str, spec: Spec) -> str | None:
    """Why such rows cannot be read so, in one sentence; `None` where they can."""
    single = spec.single
    if name == "conv" and (spec.image is None or single is None):
        return f"reader=conv reads images, and these are {spec.kind} columns without a height and a width"
    if name == "lstm" and (single is None or single.kind != "categorical" or len(set(single.counts)) != 1):
        return f"reader=lstm reads text, or columns that share their levels, and these are {spec.kind}"
    return None


def row_reader(
    key: Key[Array, ""],
    name: ReaderName,
    spec: Spec,
    *,
    channels: tuple[int, ...],
    activation: str,
    units: int,
    embedding: int,
) -> Reader:
    """A reader of such rows, which are known to be readable so.

    Args:
        key: of its starting values.
        name: which.
        spec: what the rows are.
        channels: of the convolutions' layers.
        activation: of the convolutions.
        units: of the LSTM.
        embedding: the dimension of a token's vector.
    """
    shape = layouts(spec)
    if name == "conv":
        assert spec.image is not None
        height, width, *_ = spec.image
        sizes = (sum(layout.width for layout in shape) // (height * width), *channels)
        keys = jax.random.split(key, len(channels))
        layers = tuple(convolution(keys[i], sizes[i], sizes[i + 1], 2) for i in range(len(channels)))
        return PictureReader(layers, shape, (height, width), activation)
    if name == "lstm":
        (leaf,) = spec.leaves.values()
        key_table, key_cell = jax.random.split(key)
        table = 0.1 * noise.normal(key_table, (leaf.levels, embedding))
        end = None if spec.marks is None else spec.marks[0]
        return TextReader(table, lstm(key_cell, embedding, units), end)
    return ColumnReader(shape)
