"""What inference models share that read x: a reader, chosen apart from what is made of what it tells."""

from dataclasses import KW_ONLY
from typing import Any, Literal, TypeAlias, cast, get_args

import jax
from jaxtyping import Array, Key

from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.conditioned import ClassMLP, class_mlp
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.networks.readers import ColumnReader, Reader, ReaderName, row_reader, unreadable
from reverie.parts import Part, learned, option

Choice: TypeAlias = Literal["auto", "mlp", "conv", "lstm"]
READERS = get_args(Choice)
WIDTHS = (200,)
"""Of a perceptron whose widths nobody chose."""
APART = 0x5EAD
"""The number of a reader's key: perceptrons start where they would start without one."""


class Reading(Part):
    """Abstract: a part that reads rows by `read`, of which it knows how many numbers it tells and no more.

    The reader is `mlp` (the columns as they are), `conv`, `lstm`, or with `auto` the one that suits the model's own
    network: see `Part.usual_reader`.
    """

    _: KW_ONLY
    activation: str | None = option(None)
    reader: Choice = option("auto")
    channels: tuple[int, ...] = option((16, 32))
    units: int = option(128)
    embedding: int = option(64)
    read: Reader = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no reader."""
        if self.reader not in READERS:
            raise InputError(f"reader must be one of {', '.join(READERS)}, not {self.reader!r}")
        if not self.channels or min(*self.channels, self.units, self.embedding) < 1:
            raise InputError("a reader needs one or more channels, units and an embedding, all of them at least 1")
        if self.activation is not None and self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unsuited(self, spec: Spec) -> str | None:
        """What the chosen reader cannot read."""
        return unreadable(self.reader, spec)

    def new_reader(self, key: Key[Array, ""], spec: Spec, model: Any) -> Reader:
        """A reader of such rows."""
        usual = model.usual_reader if isinstance(model, Part) else "mlp"
        name = cast(ReaderName, usual if self.reader == "auto" else self.reader)
        why = unreadable(name, spec)
        if why is not None:
            raise InputError(why)
        return row_reader(
            jax.random.fold_in(key, APART),
            name,
            spec,
            channels=self.channels,
            activation=self.activation or "elu",
            units=self.units,
            embedding=self.embedding,
        )


class Perceiving(Reading):
    """Abstract: a part in which perceptrons go on with what the reader tells, and with what else they are given."""

    hidden: tuple[int, ...] | None = option(None)

    def __check_init__(self) -> None:
        """Refuse widths that are none."""
        if any(width < 1 for width in self.hidden or ()):
            raise InputError(f"hidden layers need widths of at least 1, not hidden={self.hidden}")

    def _widths(self, *, plain: bool) -> tuple[int, ...]:
        return self.hidden if self.hidden is not None else WIDTHS if plain else ()

    def perceptron(
        self, key: Key[Array, ""], read: Reader | int, outputs: int, beside: int = 0, *, each_place: bool = False
    ) -> MLP:
        """From what a reader tells, or from so many numbers, and from others `beside`, to `outputs`.

        Where nobody chose its widths there is one hidden layer; but none where it has only what convolutions or an LSTM
        made of a row, which are layers enough. With `each_place` it is one for all places of which a reader tells.
        """
        inputs = read if isinstance(read, int) else read.width // (read.places if each_place else 1)
        widths = self._widths(plain=isinstance(read, int | ColumnReader) or beside > 0)
        return mlp(key, inputs + beside, widths, outputs, self.activation or "tanh")

    def class_perceptron(self, key: Key[Array, ""], inputs: int, classes: int, outputs: int) -> ClassMLP:
        """The same of so many numbers and a class."""
        return class_mlp(key, inputs, classes, self._widths(plain=True), outputs, self.activation or "tanh")
