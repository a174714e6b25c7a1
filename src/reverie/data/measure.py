"""How raw data became what the model sees, with its Jacobian, so that every likelihood is one of raw data.

For a raw row r and the model's row x = `to_model(key, r)`, with the same key on both sides,

    log p_raw(r) = log p_model(x) + log_density_correction(key, r).

`reference` names the space and base measure of p_raw. Two likelihoods may be compared if and only if their
references are equal.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from reverie.errors import InputError


class Measure(eqx.Module):
    """A map from a raw row to the model's row. Written for one row; callers use `jax.vmap`.

    A measure for which `random` is false takes any key, None included.
    """

    @property
    @abstractmethod
    def reference(self) -> str:
        """The space and base measure in which the reported likelihood lives."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of the leaf that the model sees: "binary", "categorical" or "continuous"."""

    @abstractmethod
    def to_model(self, key: Any, raw: Any) -> Any:
        """The model's row for a raw row."""

    @abstractmethod
    def from_model(self, x: Any) -> Any:
        """The raw row for a row of the model, such as a sample."""

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """Plain JSON from which `measure_from_config` builds the measure again."""

    def log_density_correction(self, key: Any, raw: Any) -> Array:
        """What to add to log p_model(to_model(key, raw)) to get log p_raw(raw); zero unless overridden."""
        del key, raw
        return jnp.zeros(())

    def mask_to_model(self, mask: Any) -> Any:
        """The mask of observed raw values as a mask of the model's row."""
        return mask

    @property
    def bound(self) -> bool:
        """Whether an exact log density of the model is only a lower bound on the raw log mass."""
        return False

    @property
    def random(self) -> bool:
        """Whether `to_model` uses its key."""
        return False


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

    def to_model(self, key: Any, raw: Array) -> Array:
        """The row itself, in the model's type."""
        del key
        return jnp.asarray(raw).astype(bool if self.of == "binary" else jnp.float32)

    def from_model(self, x: Array) -> Array:
        """The row itself, in the raw type."""
        return jnp.asarray(x).astype(jnp.uint8 if self.of == "binary" else jnp.float32)

    def to_config(self) -> dict[str, Any]:
        """Its name and what it is the identity of."""
        return {"measure": "identity", "of": self.of}


class Codes(Measure):
    """Whole numbers as the levels of a categorical variable.

    Args:
        levels: the number of values that every column shares, for pixels; None where the columns of a table have
            levels of their own.
    """

    levels: int | None = eqx.field(static=True, default=None)

    @property
    def reference(self) -> str:
        """Mass on the values."""
        return "mass on levels" if self.levels is None else f"mass on 0..{self.levels - 1}"

    @property
    def kind(self) -> str:
        """Always categorical."""
        return "categorical"

    def to_model(self, key: Any, raw: Array) -> Array:
        """The codes as int32."""
        del key
        return jnp.asarray(raw).astype(jnp.int32)

    def from_model(self, x: Array) -> Array:
        """The codes as int32."""
        return jnp.asarray(x).astype(jnp.int32)

    def to_config(self) -> dict[str, Any]:
        """Its name and levels."""
        return {"measure": "codes", "levels": self.levels}


class OneHot(Measure):
    """Each categorical column as a block of bits of which one is set, all blocks in one flat binary vector.

    A change of view with no density correction: log p_model of the bits is the log mass that the model gives to
    the codes. A model that also gives mass to vectors with no bit or several bits set in a block has that much
    less than one to share among the codes, which its likelihood shows.

    Args:
        counts: the number of levels of each column.
        levels: as for `Codes`.
    """

    counts: tuple[int, ...] = eqx.field(static=True, converter=lambda c: tuple(int(v) for v in c))
    levels: int | None = eqx.field(static=True, default=None)

    @property
    def reference(self) -> str:
        """That of the codes."""
        return Codes(self.levels).reference

    @property
    def kind(self) -> str:
        """Always binary."""
        return "binary"

    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        column = np.repeat(np.arange(len(self.counts)), self.counts)
        code = np.concatenate([np.arange(c) for c in self.counts])
        return column, code

    def to_model(self, key: Any, raw: Array) -> Array:
        """The bits of every column, one block after the other."""
        del key
        column, code = self._columns()
        return jnp.asarray(raw).astype(jnp.int32)[column] == code

    def from_model(self, x: Array) -> Array:
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

    threshold: float = eqx.field(static=True)

    @property
    def reference(self) -> str:
        """The bits, with the threshold that made them."""
        return f"bits: raw > {self.threshold:g}"

    @property
    def kind(self) -> str:
        """Always binary."""
        return "binary"

    def to_model(self, key: Any, raw: Array) -> Array:
        """Which values exceed the threshold."""
        del key
        return jnp.asarray(raw).astype(jnp.float32) > self.threshold

    def from_model(self, x: Array) -> Array:
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

    high: float = eqx.field(static=True)

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

    def to_model(self, key: Any, raw: Array) -> Array:
        """Drawn bits."""
        probability = jnp.asarray(raw).astype(jnp.float32) / self.high
        return jax.random.bernoulli(key, probability)

    def from_model(self, x: Array) -> Array:
        """The bits as 0 and 1."""
        return jnp.asarray(x).astype(jnp.uint8)

    def to_config(self) -> dict[str, Any]:
        """Its name and range."""
        return {"measure": "binarise-dynamic", "high": self.high}


class Dequantise(Measure):
    """Whole numbers 0..levels-1 made continuous by uniform noise: x = (raw + u) / levels, u ~ U[0, 1)^D.

    With q the model's density, the mass of a raw row is ∫ q((raw + u) / levels) levels^-D du. For one u the value
    log q(x) - D log levels is, in expectation, a lower bound on the log mass (Theis et al. 2016, eq. 5), so an
    exact log density of the model is reported as a bound.
    """

    levels: int = eqx.field(static=True)

    @property
    def reference(self) -> str:
        """Mass on the whole numbers."""
        return f"mass on 0..{self.levels - 1}"

    @property
    def kind(self) -> str:
        """Always continuous."""
        return "continuous"

    @property
    def bound(self) -> bool:
        """By Jensen's inequality."""
        return True

    @property
    def random(self) -> bool:
        """The noise is drawn."""
        return True

    def to_model(self, key: Any, raw: Array) -> Array:
        """The row with noise, scaled to [0, 1)."""
        raw = jnp.asarray(raw).astype(jnp.float32)
        return (raw + jax.random.uniform(key, raw.shape)) / self.levels

    def from_model(self, x: Array) -> Array:
        """The cell that x lies in; what lies outside goes to the nearest cell."""
        cell = jnp.floor(jnp.asarray(x) * self.levels)
        dtype = jnp.uint8 if self.levels <= 256 else jnp.int32
        return jnp.clip(cell, 0, self.levels - 1).astype(dtype)

    def log_density_correction(self, key: Any, raw: Array) -> Array:
        """-D log levels."""
        del key
        return jnp.float32(-np.size(raw) * np.log(self.levels))

    def to_config(self) -> dict[str, Any]:
        """Its name and levels."""
        return {"measure": "dequantise", "levels": self.levels}


class Logit(Measure):
    """Numbers in [0, 1] spread over the line: x = logit(p), p = alpha + (1 - 2 alpha) raw.

    log |dx/draw| = log(1 - 2 alpha) - log p - log(1 - p) for each column (Dinh et al. 2017, section 4.1).
    """

    alpha: float = eqx.field(static=True, default=0.05)

    def __check_init__(self) -> None:
        """Refuse an alpha that leaves no room."""
        if not 0 < self.alpha < 0.5:
            raise InputError(f"the alpha of logit is {self.alpha}: it must lie between 0 and 0.5")

    @property
    def reference(self) -> str:
        """A density."""
        return "density in raw units"

    @property
    def kind(self) -> str:
        """Always continuous."""
        return "continuous"

    def _squeezed(self, raw: Array) -> Array:
        return self.alpha + (1 - 2 * self.alpha) * jnp.asarray(raw).astype(jnp.float32)

    def to_model(self, key: Any, raw: Array) -> Array:
        """The logits."""
        del key
        p = self._squeezed(raw)
        return jnp.log(p) - jnp.log1p(-p)

    def from_model(self, x: Array) -> Array:
        """The inverse, clipped to [0, 1]: the model may put a little mass beyond."""
        raw = (jax.nn.sigmoid(jnp.asarray(x)) - self.alpha) / (1 - 2 * self.alpha)
        return jnp.clip(raw, 0.0, 1.0)

    def log_density_correction(self, key: Any, raw: Array) -> Array:
        """The log-determinant of the Jacobian."""
        del key
        p = self._squeezed(raw)
        return jnp.sum(jnp.log(1 - 2 * self.alpha) - jnp.log(p) - jnp.log1p(-p))

    def to_config(self) -> dict[str, Any]:
        """Its name and alpha."""
        return {"measure": "logit", "alpha": self.alpha}


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


class Standardise(Measure):
    """x = (raw - mean) / std, column by column, with log |dx/draw| = -sum log std."""

    mean: tuple[float, ...] = eqx.field(static=True, converter=_floats)
    std: tuple[float, ...] = eqx.field(static=True, converter=_floats)

    def __check_init__(self) -> None:
        """Refuse scales that do not fit."""
        if len(self.mean) != len(self.std) or not all(s > 0 and np.isfinite(s) for s in self.std):
            raise InputError("standardise needs one mean and one positive standard deviation for each column")

    @property
    def reference(self) -> str:
        """A density."""
        return "density in raw units"

    @property
    def kind(self) -> str:
        """Always continuous."""
        return "continuous"

    def to_model(self, key: Any, raw: Array) -> Array:
        """The standardised row."""
        del key
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return (jnp.asarray(raw).astype(jnp.float32) - mean) / std

    def from_model(self, x: Array) -> Array:
        """The row in raw units."""
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return jnp.asarray(x).astype(jnp.float32) * std + mean

    def log_density_correction(self, key: Any, raw: Array) -> Array:
        """-sum log std."""
        del key, raw
        return jnp.float32(-np.sum(np.log(self.std)))

    def to_config(self) -> dict[str, Any]:
        """Its name, means and standard deviations."""
        return {"measure": "standardise", "mean": list(self.mean), "std": list(self.std)}


class Chain(Measure):
    """Measures one after the other. All but the first must be smooth maps of continuous rows (logit, standardise).

    The first alone may draw, so the key goes to it unsplit.
    """

    measures: tuple[Measure, ...]

    def __check_init__(self) -> None:
        """Refuse a link that would lose what its predecessor gave."""
        if not self.measures:
            raise InputError("a chain of measures needs at least one")
        for before, after in zip(self.measures, self.measures[1:], strict=False):
            if not isinstance(after, Logit | Standardise) or before.kind != "continuous":
                raise InputError(
                    f"{_name(after)} cannot follow {_name(before)}: only logit and standardise may follow another "
                    "measure, and only one that gives continuous values"
                )

    @property
    def reference(self) -> str:
        """That of the first: what follows is corrected for by its Jacobian."""
        return self.measures[0].reference

    @property
    def kind(self) -> str:
        """That of the last."""
        return self.measures[-1].kind

    @property
    def bound(self) -> bool:
        """Where one of them is."""
        return any(m.bound for m in self.measures)

    @property
    def random(self) -> bool:
        """Where one of them is."""
        return any(m.random for m in self.measures)

    def to_model(self, key: Any, raw: Any) -> Any:
        """First to last."""
        for measure in self.measures:
            raw = measure.to_model(key, raw)
        return raw

    def from_model(self, x: Any) -> Any:
        """Last to first."""
        for measure in reversed(self.measures):
            x = measure.from_model(x)
        return x

    def log_density_correction(self, key: Any, raw: Any) -> Array:
        """The corrections add up, each at the row that its measure was given."""
        total = jnp.zeros(())
        for measure in self.measures:
            total = total + measure.log_density_correction(key, raw)
            raw = measure.to_model(key, raw)
        return total

    def mask_to_model(self, mask: Any) -> Any:
        """First to last."""
        for measure in self.measures:
            mask = measure.mask_to_model(mask)
        return mask

    def to_config(self) -> dict[str, Any]:
        """The configs of its links."""
        return {"measure": "chain", "measures": [m.to_config() for m in self.measures]}


def _name(measure: Measure) -> str:
    return str(measure.to_config()["measure"])
