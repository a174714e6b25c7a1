"""The restricted Boltzmann machine whose biases depend on a class."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from reverie.bits import log_odds
from reverie.capabilities import ConditionsOnClass
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.classes import count_of
from reverie.models.rbm import RBM
from reverie.models.restricted import checked
from reverie.models.suits import only
from reverie.parts import Part, filled, known, learned, option


class ConditionalRBM(Part, ConditionsOnClass):
    """Bits x given a class y: an RBM for each class, their couplings shared and their biases the class's own.

        y ~ Cat(π),    p(x, h | y) ∝ exp((b + A_y)·x + (c + D_y)·h + x W h)

    so that `given(y)` is an `RBM` like any other: its chains keep their class, and its log Z(y) is summed or annealed
    by what serves every RBM. log p(x | y) = u(x, y) − log Z(y), the row's own likelihood is log Σ_y π_y p(x | y), and
    p(y | x) follows by Bayes' rule, though only with every log Z(y).

    The other labelled form is the joint machine p(x, y, h) ∝ exp(d_y + …), in which the class is one more visible unit
    (Larochelle & Bengio 2008). It has one log Z and tells classes without any; but its p(y) = e^{d_y} Z(y)/Z is out
    of reach, its chains must cross from class to class, and log p(x | y) needs every Z(y) all the same. With
    d_y = log π_y − log Z(y) the two are one distribution. Here π is a factor of its own, learned from how often the
    labels come, and no chain ever has to mix over classes.

    What is conditioned on is the label of a row: `reverie fit table.csv --label kind --model rbm-conditional` names its
    column. Bits given other columns of the row, real or discrete, are `RBMGivenColumns`'.

    Args:
        hidden: how many hidden units.
        classes: how many; as many as the labels name where not given, ten where there are none.

    Example:
        >>> from reverie.models import ConditionalRBM
        >>> ConditionalRBM(hidden=64, classes=3).given_classes
        3

    Reference: Taylor & Hinton 2007, *Factored conditional restricted Boltzmann machines for modeling motion style*;
    Mnih, Larochelle & Hinton 2011, *Conditional restricted Boltzmann machines for structured output prediction*.
    """

    hidden: int = option(64)
    classes: int | None = option(None)
    levels: int = known()
    weights: Array = learned()
    visible_bias: Array = learned()
    hidden_bias: Array = learned()
    visible_shift: Array = learned()
    hidden_shift: Array = learned()
    logits: Array = learned()
    base: Array = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.hidden < 1:
            raise InputError(f"a conditional RBM needs at least one hidden unit, not hidden={self.hidden}")
        if self.classes is not None and self.classes < 2:
            raise InputError(f"a conditional RBM needs at least two classes, not {self.classes}")

    @classmethod
    def from_arrays(
        cls,
        *,
        weights: Any,
        visible_bias: Any,
        hidden_bias: Any,
        visible_shift: Any,
        hidden_shift: Any,
        class_logits: Any = None,
    ) -> "ConditionalRBM":
        """The model with known weights [visible, hidden], biases, and shifts of them [classes, visible] and [, hidden].

        Classes are equally likely where no logits [classes] are given.
        """
        w, b, c, a, d = (
            np.asarray(array, np.float32) for array in (weights, visible_bias, hidden_bias, visible_shift, hidden_shift)
        )
        checked(w, b, c, ("visible",))
        logits = np.zeros(a.shape[0] if a.ndim else 0, np.float32)
        logits = logits if class_logits is None else np.asarray(class_logits, np.float32)
        count = logits.size
        if count < 2 or logits.ndim != 1 or a.shape != (count, *b.shape) or d.shape != (count, *c.shape):
            raise InputError(
                "visible_shift must be [classes, visible], hidden_shift [classes, hidden] and class_logits [classes], "
                f"of two classes or more; their shapes are {a.shape}, {d.shape} and {logits.shape}"
            )
        if not all(np.isfinite(array).all() for array in (a, d, logits)):
            raise InputError("the conditional RBM's arrays must be finite")
        arrays = {"weights": w, "visible_bias": b, "hidden_bias": c, "visible_shift": a, "hidden_shift": d}
        arrays |= {"logits": logits, "base": b + a.mean(axis=0) + w.sum(axis=1) / 2}
        held = {name: jnp.asarray(array) for name, array in arrays.items()}
        return cls(hidden=w.shape[1], classes=count, levels=count, **held)

    def unsuited(self, spec: Spec) -> str | None:
        """Only bits, and not labels that it has no biases for."""
        why = only("binary", spec, "a conditional RBM")
        if why is not None or self.classes is None or (spec.classes or 0) <= self.classes:
            return why
        return f"the labels name {spec.classes} classes and the model has {self.classes}: leave classes out"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """As `RBM`, with equally likely classes that do not differ."""
        count = count_of(self.classes, spec)
        bias = log_odds(jnp.asarray(spec.leaves["binary"].mean))
        return filled(
            self,
            levels=count,
            weights=0.01 * jax.random.normal(key, (spec.size, self.hidden)),
            visible_bias=bias,
            hidden_bias=jnp.zeros(self.hidden),
            visible_shift=jnp.zeros((count, spec.size)),
            hidden_shift=jnp.zeros((count, self.hidden)),
            logits=jnp.zeros(count),
            base=bias,
        )

    @property
    def given_classes(self) -> int:
        """As the option or the labels say."""
        return self.levels or count_of(self.classes)

    def log_class_prior(self) -> Float[Array, " classes"]:
        """log π."""
        return jax.nn.log_softmax(self.logits)

    def given(self, y: Int[Array, ""]) -> RBM:
        """The RBM of class y."""
        return RBM(
            hidden=self.hidden,
            weights=self.weights,
            visible_bias=self.visible_bias + self.visible_shift[y],
            hidden_bias=self.hidden_bias + self.hidden_shift[y],
            base=self.base,
        )
