"""Measures that give continuous rows, with their Jacobians: dequantise, logit, standardise."""

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

EDGE = 1e-6


class Dequantise(Measure):
    """Whole numbers 0..levels-1 made continuous by uniform noise: x = (raw + u) / levels, u ~ U[0, 1)^D.

    With q the model's density, the mass of a raw row is ∫ q((raw + u) / levels) levels^-D du. For one u the
    value log q(x) - D log levels is, in expectation, a lower bound on the log mass (Theis et al. 2016, eq.
    5), so an exact log density of the model is reported as a bound.
    """

    levels: int = eqx.field(static=True, converter=int)

    def __check_init__(self) -> None:
        """Refuse fewer than two values."""
        if self.levels < 2:
            raise InputError(f"dequantise needs at least 2 levels, not {self.levels}")

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

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """The row with noise, scaled to [0, 1)."""
        raw = jnp.asarray(raw).astype(jnp.float32)
        return (raw + jax.random.uniform(key, raw.shape)) / self.levels

    def from_model(self, x: ArrayLike) -> Array:
        """The cell that x lies in; what lies outside goes to the nearest cell."""
        cell = jnp.floor(jnp.asarray(x) * self.levels)
        dtype = jnp.uint8 if self.levels <= 256 else jnp.int32
        return jnp.clip(cell, 0, self.levels - 1).astype(dtype)

    def log_density_correction(self, key: Any, raw: ArrayLike) -> Array:
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

    alpha: float = eqx.field(static=True, converter=float, default=0.05)

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

    def _squeezed(self, raw: ArrayLike) -> tuple[Array, Array]:
        p = self.alpha + (1 - 2 * self.alpha) * jnp.asarray(raw).astype(jnp.float32)
        return jnp.clip(p, EDGE, 1 - EDGE), (p > 0) & (p < 1)

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """The logits."""
        del key
        p, _ = self._squeezed(raw)
        return jnp.log(p) - jnp.log1p(-p)

    def from_model(self, x: ArrayLike) -> Array:
        """The inverse, clipped to [0, 1]: the model may put a little mass beyond."""
        raw = (jax.nn.sigmoid(jnp.asarray(x)) - self.alpha) / (1 - 2 * self.alpha)
        return jnp.clip(raw, 0.0, 1.0)

    def log_density_correction(self, key: Any, raw: ArrayLike) -> Array:
        """The log-determinant of the Jacobian; minus infinity for a row that no x maps to."""
        del key
        p, inside = self._squeezed(raw)
        each = jnp.log(1 - 2 * self.alpha) - jnp.log(p) - jnp.log1p(-p)
        return jnp.sum(jnp.where(inside, each, -jnp.inf))

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

    def to_model(self, key: Any, raw: ArrayLike) -> Array:
        """The standardised row."""
        del key
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return (jnp.asarray(raw).astype(jnp.float32) - mean) / std

    def from_model(self, x: ArrayLike) -> Array:
        """The row in raw units."""
        mean, std = np.asarray(self.mean, np.float32), np.asarray(self.std, np.float32)
        return jnp.asarray(x).astype(jnp.float32) * std + mean

    def log_density_correction(self, key: Any, raw: ArrayLike) -> Array:
        """-sum log std."""
        del key, raw
        return jnp.float32(-np.sum(np.log(self.std)))

    def to_config(self) -> dict[str, Any]:
        """Its name, means and standard deviations."""
        return {"measure": "standardise", "mean": list(self.mean), "std": list(self.std)}
