"""Measures without a Jacobian: the row as it is, levels as bits, and values made bits."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from reverie.data.measure import Measure
from reverie.errors import InputError


class Identity(Measure):
    """The model sees the raw row: bits as booleans, or real numbers as they are.

    Args:
        of: "binary" or "continuous".
    """

    of: str = eqx.field(static=True)

    def __check_init__(self) -> None:
        """Refuse a kind that is neither."""
        if self.of not in ("binary", "continuous"):
            raise InputError(f"identity is for binary or continuous data, not {self.of!r}")

    @property
    def reference(self) -> str:
        """Mass on two values, or a density."""
        return "mass on 0..1" if self.of == "binary" else "density in raw units"

    @property
    def kind(self) -> str:
        """What it was."""
        return self.of

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """The row itself, in the model's type."""
        del key
        return jnp.asarray(raw).astype(bool if self.of == "binary" else jnp.float32)

    def from_model(self, x: ArrayLike) -> Array:
        """The row itself, in the raw type."""
        return jnp.asarray(x).astype(jnp.uint8 if self.of == "binary" else jnp.float32)

    def to_config(self) -> dict[str, Any]:
        """Its name and what it is the identity of."""
        return {"measure": "identity", "of": self.of}


def _levels(levels: int | None) -> int | None:
    return None if levels is None else int(levels)


class Levels(Measure):
    """Whole numbers as the levels of a categorical variable.

    Args:
        levels: the number of values that every column shares, for pixels; None where the columns of a table have
            levels of their own.
    """

    levels: int | None = eqx.field(static=True, converter=_levels, default=None)

    @property
    def reference(self) -> str:
        """Mass on the values."""
        return "mass on levels" if self.levels is None else f"mass on 0..{self.levels - 1}"

    @property
    def kind(self) -> str:
        """Always categorical."""
        return "categorical"

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """The levels as int32."""
        del key
        return jnp.asarray(raw).astype(jnp.int32)

    def from_model(self, x: ArrayLike) -> Array:
        """The levels as int32."""
        return jnp.asarray(x).astype(jnp.int32)

    def to_config(self) -> dict[str, Any]:
        """Its name and levels."""
        return {"measure": "levels", "levels": self.levels}


class OneHot(Measure):
    """Each categorical column as a block of bits of which one is set, all blocks in one flat binary vector.

    A change of view with no density correction: log p_model of the bits is the log mass that the model
    gives to the levels. A model that also gives mass to vectors with no bit or several bits set in a block
    has that much less than one to share among the levels, which its likelihood shows.

    Args:
        counts: the number of levels of each column.
        levels: as for `Levels`.
    """

    counts: tuple[int, ...] = eqx.field(static=True, converter=lambda c: tuple(int(v) for v in c))
    levels: int | None = eqx.field(static=True, converter=_levels, default=None)

    def __check_init__(self) -> None:
        """Refuse a column without levels."""
        if not self.counts or min(self.counts) < 1:
            raise InputError("one-hot needs the number of levels of each column, at least 1")

    @property
    def reference(self) -> str:
        """That of the levels."""
        return Levels(self.levels).reference

    @property
    def kind(self) -> str:
        """Always binary."""
        return "binary"

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        column = np.repeat(np.arange(len(self.counts)), self.counts)
        code = np.concatenate([np.arange(c) for c in self.counts])
        return column, code

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """The bits of every column, one block after the other."""
        del key
        column, code = self._columns()
        return jnp.asarray(raw).astype(jnp.int32)[column] == code

    def from_model(self, x: ArrayLike) -> Array:
        """The first set bit of each block; code 0 where none is set."""
        column, code = self._columns()
        padded = jnp.zeros((len(self.counts), max(self.counts)), bool).at[column, code].set(jnp.asarray(x) > 0)
        return jnp.argmax(padded, axis=1).astype(jnp.int32)

    def mask_to_model(self, mask: Any) -> Any:
        """Every bit of a column is observed or none is."""
        return jnp.asarray(mask)[..., self._columns()[0]]

    def to_config(self) -> dict[str, Any]:
        """Its name, counts and levels."""
        return {"measure": "one-hot", "counts": list(self.counts), "levels": self.levels}


class Binarise(Measure):
    """Bits: raw > threshold. Likelihoods are those of the bits, for the finer values are not modelled."""

    threshold: float = eqx.field(static=True, converter=float)

    @property
    def reference(self) -> str:
        """The bits, with the threshold that made them."""
        return f"bits: raw > {self.threshold:g}"

    @property
    def kind(self) -> str:
        """Always binary."""
        return "binary"

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """Which values exceed the threshold."""
        del key
        return jnp.asarray(raw).astype(jnp.float32) > self.threshold

    def from_model(self, x: ArrayLike) -> Array:
        """The bits as 0 and 1: what was above the threshold cannot be told further."""
        return jnp.asarray(x).astype(jnp.uint8)

    def to_config(self) -> dict[str, Any]:
        """Its name and threshold."""
        return {"measure": "binarise", "threshold": self.threshold}


class BinariseDynamic(Measure):
    """Bits drawn afresh at each visit: x ~ Bernoulli(raw / high). Likelihoods are those of the drawn bits.

    Args:
        high: the largest raw value, which gives a one for sure.
    """

    high: float = eqx.field(static=True, converter=float)

    def __check_init__(self) -> None:
        """Refuse a range that holds nothing."""
        if not self.high > 0:
            raise InputError(f"binarise-dynamic needs a largest value above 0, not {self.high:g}")

    @property
    def reference(self) -> str:
        """The bits, with the probability that made them."""
        return f"bits: Bernoulli(raw / {self.high:g})"

    @property
    def kind(self) -> str:
        """Always binary."""
        return "binary"

    @property
    def random(self) -> bool:
        """The bits are drawn."""
        return True

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """Drawn bits."""
        probability = jnp.asarray(raw).astype(jnp.float32) / self.high
        return jax.random.bernoulli(key, probability)

    def from_model(self, x: ArrayLike) -> Array:
        """The bits as 0 and 1."""
        return jnp.asarray(x).astype(jnp.uint8)

    def to_config(self) -> dict[str, Any]:
        """Its name and range."""
        return {"measure": "binarise-dynamic", "high": self.high}
