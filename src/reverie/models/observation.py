"""p(x | parameters from a network): one head for each leaf of a row, for models with a decoder."""

import dataclasses
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PyTree

from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.heads import (
    Bernoulli,
    Categorical,
    DiscretisedLogistics,
    Gaussian,
    Head,
    Logistics,
    Scale,
    StudentT,
)
from reverie.networks.features import Layout, layouts, leaves_of, row_of

Likelihood: TypeAlias = Literal["gaussian", "student-t", "logistic-mixture"]


def check_observation(scale: Scale, likelihood: str, components: int) -> None:
    """Refuse options of a model that describe no observation."""
    if isinstance(scale, float | int) and not 0 < scale < float("inf"):
        raise InputError(f"scale is a standard deviation and must be positive and finite, not {scale}")
    if isinstance(scale, str) and scale != "shared":
        raise InputError(f"scale may be a number, 'shared' or none, not {scale!r}")
    if likelihood not in ("gaussian", "student-t", "logistic-mixture"):
        raise InputError(f"likelihood must be gaussian, student-t or logistic-mixture, not {likelihood!r}")
    if components < 1:
        raise InputError(f"a mixture of logistics needs at least one component, not components={components}")
    if likelihood == "logistic-mixture" and scale is not None:
        raise InputError("the scales of a mixture of logistics are the network's: leave scale at none")


@dataclasses.dataclass(frozen=True)
class Observation:
    """The conditional distribution of a row, as a decoder's outputs set it.

    Bits are Bernoulli. Categories are categorical (levels that a column lacks get no mass), or, where their levels are
    ordered and the likelihood asks for it, a discretised mixture of logistics. Continuous columns are Gaussian,
    Student-t or a mixture of logistics around what the network says.

    `outputs` numbers come from the network. Where scales are shared or tails are learned there are `own` numbers
    besides, parameters of the model that the caller appends to the network's: see `Decoder`.

    Args:
        shape: the layouts of a row's leaves.
        scale: of continuous columns: a fixed number, `"shared"` (one learned number), or `None` (the network's).
        likelihood: of continuous columns and ordered levels.
        components: of a mixture of logistics.
    """

    shape: tuple[Layout, ...]
    scale: Scale = None
    likelihood: Likelihood = "gaussian"
    components: int = 5

    @classmethod
    def of(cls, spec: Spec, scale: Scale, likelihood: Likelihood = "gaussian", components: int = 5) -> "Observation":
        """The observation of such data."""
        return cls(layouts(spec), scale, likelihood, components)

    def _head(self, layout: Layout) -> Head:
        logistics = self.likelihood == "logistic-mixture"
        if layout.kind == "binary":
            return Bernoulli(layout)
        if layout.kind == "categorical":
            mixture = logistics and layout.ordered
            return DiscretisedLogistics(layout, self.components) if mixture else Categorical(layout)
        if logistics:
            return Logistics(layout, self.components)
        return StudentT(layout, self.scale) if self.likelihood == "student-t" else Gaussian(layout, self.scale)

    @property
    def _heads(self) -> tuple[Head, ...]:
        return tuple(self._head(layout) for layout in self.shape)

    @property
    def outputs(self) -> int:
        """How many numbers the network must give."""
        return sum(head.width for head in self._heads)

    @property
    def own(self) -> int:
        """How many numbers the model must add."""
        return sum(head.own_width for head in self._heads)

    def starting_bias(self, spec: Spec) -> Float[Array, " outputs"]:
        """The output bias at which each column has the frequency or mean that it has in the training rows."""
        return jnp.concatenate([given for given, _ in self._starts(spec)])

    def starting_own(self, spec: Spec) -> Float[Array, " own"]:
        """The start of the model's own numbers."""
        return jnp.concatenate([own for _, own in self._starts(spec)])

    def _starts(self, spec: Spec) -> list[tuple[Array, Array]]:
        return [head.start(leaf) for leaf, head in zip(spec.leaves.values(), self._heads, strict=True)]

    def _split(self, outputs: Array) -> list[tuple[Array, Array]]:
        heads = self._heads
        cuts = np.cumsum([head.width for head in heads] + [head.own_width for head in heads])[:-1]
        pieces = jnp.split(outputs, cuts)
        return list(zip(pieces[: len(heads)], pieces[len(heads) :], strict=True))

    def log_prob(self, outputs: Float[Array, " outputs_and_own"], x: PyTree) -> Float[Array, ""]:
        """log p(x | outputs)."""
        total = jnp.zeros(())
        for head, pieces, leaf in zip(self._heads, self._split(outputs), leaves_of(x, self.shape), strict=True):
            total += head.log_prob(*pieces, leaf)
        return total

    def sample(self, key: Key[Array, ""], outputs: Float[Array, " outputs_and_own"]) -> PyTree:
        """Draw x ~ p(x | outputs)."""
        keys = jax.random.split(key, len(self.shape))
        heads = zip(keys, self._heads, self._split(outputs), strict=True)
        return row_of(tuple(head.sample(one, *pieces) for one, head, pieces in heads), self.shape)

    def centre(self, outputs: Float[Array, " outputs_and_own"]) -> PyTree:
        """The mean of reals, the likeliest bits and categories."""
        heads = zip(self._heads, self._split(outputs), strict=True)
        return row_of(tuple(head.centre(*pieces) for head, pieces in heads), self.shape)
