"""A random field of rows and their classes: an energy-based model that is a classifier too."""

from typing import Any, Self

import jax
from jaxtyping import Array, Key

from reverie.capabilities import HasClassPotential, HasRealPotential
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.classes import count_of
from reverie.models.random_field import BitTilt, GaussianTilt, NeuralField
from reverie.models.suits import only
from reverie.parts import filled, option


class WithClasses(NeuralField, HasClassPotential):
    """Abstract: a field of (x, y) whose network has one output a class."""

    classes: int | None = option(None)

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.classes is not None and self.classes < 2:
            raise InputError(f"a joint field needs at least two classes, not {self.classes}")
        if self.form != "tilted":
            raise InputError("a joint field has one output a class: leave form at tilted")

    def unsuited_with(self, kind: str, what: str, spec: Spec) -> str | None:
        """Only columns of that kind; convolutions, of pictures; and not labels that it has no output for."""
        why = only(kind, spec, what) or self.unsuited_to(spec)
        if why is not None or self.classes is None or (spec.classes or 0) <= self.classes:
            return why
        return f"the labels name {spec.classes} classes and the field has {self.classes}: leave classes out"

    def class_potentials(self, x: Array) -> Array:
        """u(x, y) for each y."""
        return self.reference(x) + self.function(self.read(x))

    def class_log_probs(self, key: Key[Array, ""], x: Array) -> Array:
        """log p(y | x) for each y, which takes no chance."""
        return jax.nn.log_softmax(self.function(self.read(x)))


class JointField(GaussianTilt, WithClasses, HasRealPotential):
    """A field of reals x and a class y whose network has one output a class.

        u(x, y) = log N(x; m, diag (w s)²) + f_θ(x)[y],    u(x) = log N(x; m, diag (w s)²) + log Σ_y exp f_θ(x)[y]

    so that p(y | x) is the softmax of f(x), and what is drawn and scored as x is the field with y summed out. Of bits
    `JointBitField` is the same.

    Args:
        classes: how many; as many as the labels name where not given, ten where there are none.
        hidden: widths of the hidden layers, as `RandomField` has them.
        activation: of those layers.
        network: f: `mlp`, `residual`, `conv` for pictures, or `attention` between columns.
        form: `tilted`; products of experts have no outputs for classes.
        width: w, how much wider than the data the reference is.
        detail: how fast f can vary at the start, as `RandomField` has it.

    Example:
        >>> from reverie.models import JointField
        >>> JointField(classes=3).classes
        3

    Reference: Grathwohl et al. 2020, *Your classifier is secretly an energy based model and you should treat it like
    one*, Eq. 5–7.
    """

    def unsuited(self, spec: Spec) -> str | None:
        """Only reals, and labels of its classes."""
        return self.unsuited_with("continuous", "a joint field", spec)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: near equal odds, and a field that starts near its reference."""
        return filled(self, **self.based(key, spec, count_of(self.classes, spec)))


class JointBitField(BitTilt, WithClasses):
    """A field of bits x and a class y whose network has one output a class.

        u(x, y) = Σ_i log Bernoulli(x_i; σ(a_i)) + f_θ(x)[y],    u(x) = Σ_i log Bernoulli(…) + log Σ_y exp f_θ(x)[y]

    so that p(y | x) is the softmax of f(x). a are the log-odds of the training rows, as in `BitField`. Columns of
    categories come as bits by `measure="one-hot"`, and the field then gives rows of bits mass that are no one-hot rows.

    Args:
        classes: how many; as many as the labels name where not given, ten where there are none.
        hidden: widths of the hidden layers, as `RandomField` has them.
        activation: of those layers.
        network: f: `mlp`, `residual`, `conv` for pictures, or `attention` between columns.
        form: `tilted`; products of experts have no outputs for classes.

    Example:
        >>> from reverie.models import JointBitField
        >>> JointBitField(classes=3).classes
        3

    Reference: Grathwohl et al. 2020, *Your classifier is secretly an energy based model and you should treat it like
    one*, Eq. 5–7; such potentials of discrete x: Grathwohl et al. 2021.
    """

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits, and labels of its classes."""
        return self.unsuited_with("binary", "a joint field of bits", spec)

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network near zero: near equal odds, and a field that starts near its reference."""
        return filled(self, **self.based(key, spec, count_of(self.classes, spec)))
