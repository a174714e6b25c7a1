"""Rows of which the last columns of one kind are told given all the others."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from reverie.capabilities import ConditionsOnColumns
from reverie.data.spec import Spec
from reverie.networks.features import Layout, features, layouts, leaves_of, row_of
from reverie.parts import Part, known, learned, option

WORDS = {"binary": "binary column", "categorical": "column of categories", "continuous": "column of reals"}


class ColumnsGiven(Part, ConditionsOnColumns):
    """Abstract: p(y | v), y the last columns of one kind and v all other columns of the row, of any kind.

    Attributes:
        given: how many of the first columns of the told kind belong to v. Half of them where the row has columns of no
            other kind, none of them where it has.
        shape: the row's leaves.
        first: how many columns of the told kind are given.
        telling: the kind that is told.
        base_given: means and spreads of the given reals over the training rows, in units of which they are read.
    """

    given: int | None = option(None)
    shape: tuple[Layout, ...] = known()
    first: int = known()
    telling: str = known()
    base_given: Array | None = learned()

    def _first_of(self, spec: Spec, kind: str) -> int:
        half = spec.leaves[kind].size // 2 if spec.single is not None else 0
        return half if self.given is None else self.given

    def uneven(self, spec: Spec, kind: str, model: str) -> str | None:
        """Why no columns of that kind are left to tell, or none given."""
        if kind not in spec.leaves:
            some = WORDS[kind].replace("column", "columns", 1)
            return f"{model} tells {some} given the others, and these are {spec.kind} columns: it needs some"
        first, size = self._first_of(spec, kind), spec.leaves[kind].size
        if first < size and spec.size > size - first:
            return None
        return (
            f"{model} needs columns that are given and columns that are told, and of {spec.size} {spec.kind} columns "
            f"{first} of the {size} {kind} ones would be given: choose another given=…"
        )

    def split(self, spec: Spec, kind: str) -> dict[str, Any]:
        """What is known of the two halves of a row."""
        found: dict[str, Any] = {"shape": layouts(spec), "first": self._first_of(spec, kind), "telling": kind}
        reals = spec.leaves.get("continuous")
        if reals is not None:
            count = found["first"] if kind == "continuous" else reals.size
            moments = jnp.asarray([reals.mean, reals.std], jnp.float32)[:, :count]
            found["base_given"] = moments.at[1].max(1e-6)
        return found

    @property
    def _given_shape(self) -> tuple[Layout, ...]:
        cut = tuple(
            one._replace(size=self.first, counts=one.counts[: self.first]) if one.kind == self.telling else one
            for one in self.shape
        )
        return tuple(one for one in cut if one.size)

    @property
    def _layout(self) -> Layout:
        return next(one for one in self.shape if one.kind == self.telling)

    @property
    def given_width(self) -> int:
        """How many features v has."""
        return sum(one.width for one in self._given_shape)

    @property
    def told_size(self) -> int:
        """How many columns are told."""
        return self._layout.size - self.first

    @property
    def counts(self) -> tuple[int, ...]:
        """How many levels each told column has; of categories."""
        return self._layout.counts[self.first :]

    @property
    def told_words(self) -> str:
        """The last columns of the kind, given the rest."""
        count, column = self.told_size, WORDS[self.telling]
        many = f"{count} {column.replace('column', 'columns', 1)}"
        return f"the last {many if count > 1 else column} given the rest of the row"

    def told(self, x: PyTree) -> Array:
        """y."""
        leaves = leaves_of(x, self.shape)
        return leaves[self.shape.index(self._layout)][self.first :]

    def with_told(self, x: PyTree, y: Array) -> PyTree:
        """(v, y) with another y."""
        leaves = list(leaves_of(x, self.shape))
        place = self.shape.index(self._layout)
        old = leaves[place]
        leaves[place] = jnp.concatenate([old[: self.first], y.astype(old.dtype)])
        return row_of(tuple(leaves), self.shape)

    def read_given(self, x: PyTree) -> Float[Array, " width"]:
        """v as floats: reals in units of their spread, bits as −1 and 1, categories one-hot."""
        by_kind = dict(zip((one.kind for one in self.shape), leaves_of(x, self.shape), strict=True))
        by_kind[self.telling] = by_kind[self.telling][: self.first]

        def one(layout: Layout) -> Array:
            leaf = by_kind[layout.kind]
            if layout.kind == "continuous" and self.base_given is not None:
                centre, spread = jax.lax.stop_gradient(self.base_given)
                return (leaf - centre) / spread
            return 2.0 * leaf - 1.0 if layout.kind == "binary" else features(leaf, (layout,))

        return jnp.concatenate([one(layout) for layout in self._given_shape])
