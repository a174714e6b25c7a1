"""How much signal and how much noise at each time: z_t = α(t) x + σ(t) ε, from data at t = 0 to noise at t = 1.

All that a schedule says of a row is its *noise angle* a = arctan(σ/α) and its *scale* s = √(α² + σ²): z_t/s lies on the
circle cos(a) x + sin(a) ε, whatever the schedule (the variance-preserving one has s = 1).
"""

from abc import abstractmethod

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Time = Float[Array, ""]


class NoiseSchedule(eqx.Module):
    """Abstract: α and σ as functions of time, and the diffusion of the reverse process.

    Attributes:
        earliest: the first time of a continuous schedule.
        levels: how many times there are, the k/levels with k = 1 … levels; nought where time is continuous.
    """

    earliest: float = eqx.field(static=True, default=1e-3)
    levels: int = eqx.field(static=True, default=0)

    @abstractmethod
    def alpha(self, t: Time) -> Time:
        """α(t)."""

    @abstractmethod
    def sigma(self, t: Time) -> Time:
        """σ(t)."""

    @abstractmethod
    def diffusion(self, t: Time) -> Time:
        """g(t)², the variance that the reverse process gains in a unit of time."""

    @property
    def start(self) -> float:
        """The first time."""
        return 1.0 / self.levels if self.levels else self.earliest

    def time_at(self, share: Time) -> Time:
        """The time below which that share of all times lies."""
        if self.levels:
            return (jnp.minimum(jnp.floor(share * self.levels), self.levels - 1.0) + 1.0) / self.levels
        return self.earliest + (1.0 - self.earliest) * share

    def scale(self, t: Time) -> Time:
        """s = √(α² + σ²)."""
        return jnp.hypot(self.alpha(t), self.sigma(t))

    def angle(self, t: Time) -> Time:
        """a = arctan(σ/α)."""
        return jnp.arctan2(self.sigma(t), self.alpha(t))

    def log_snr(self, t: Time) -> Time:
        """log α²/σ²."""
        return 2.0 * (jnp.log(self.alpha(t)) - jnp.log(self.sigma(t)))

    def rates(self, t: Time) -> tuple[Time, Time]:
        """α'(t) and σ'(t)."""
        return jax.jvp(lambda t: (self.alpha(t), self.sigma(t)), (t,), (jnp.ones_like(t),))[1]


class LinearBeta(NoiseSchedule):
    """Variance preserving, with β(t) from `least` to `most`: α² = exp −∫₀ᵗ β, σ² = 1 − α², g² = β.

    With L levels, 1 − ∏(1 − β_k) of Ho et al. 2020 is this to the first order in β_k = β(t)/L; the defaults are
    theirs, 10⁻⁴ to 0.02, at L = 1000 (Song et al. 2021, Eq. 32 and 33).
    """

    least: float = eqx.field(static=True, default=0.1)
    most: float = eqx.field(static=True, default=20.0)

    def _log_alpha(self, t: Time) -> Time:
        return -0.5 * t * (self.least + 0.5 * (self.most - self.least) * t)

    def alpha(self, t: Time) -> Time:
        """exp −½ ∫₀ᵗ β."""
        return jnp.exp(self._log_alpha(t))

    def sigma(self, t: Time) -> Time:
        """√(1 − α²)."""
        return jnp.sqrt(-jnp.expm1(2.0 * self._log_alpha(t)))

    def diffusion(self, t: Time) -> Time:
        """β(t)."""
        return self.least + (self.most - self.least) * t


class Cosine(NoiseSchedule):
    """Variance preserving, with a noise angle that grows evenly from `first` to `last` in units of π/2.

    (Nichol & Dhariwal 2021, Eq. 17; where they clip β, the angle here ends before π/2.)
    """

    first: float = eqx.field(static=True, default=0.008)
    last: float = eqx.field(static=True, default=0.99)

    def _angle(self, t: Time) -> Time:
        return 0.5 * np.pi * (self.first + (self.last - self.first) * t)

    def alpha(self, t: Time) -> Time:
        """cos a."""
        return jnp.cos(self._angle(t))

    def sigma(self, t: Time) -> Time:
        """sin a."""
        return jnp.sin(self._angle(t))

    def diffusion(self, t: Time) -> Time:
        """2 a' tan a."""
        return np.pi * (self.last - self.first) * jnp.tan(self._angle(t))


class GeometricSigma(NoiseSchedule):
    """Variance exploding: α = 1 and σ from `least` to `most` by a constant factor (Song et al. 2021, Eq. 30 and 31)."""

    earliest: float = eqx.field(static=True, default=0.0)
    least: float = eqx.field(static=True, default=0.01)
    most: float = eqx.field(static=True, default=50.0)

    def alpha(self, t: Time) -> Time:
        """One."""
        return jnp.ones_like(t)

    def sigma(self, t: Time) -> Time:
        """σ_least (σ_most/σ_least)ᵗ."""
        return self.least * jnp.exp(t * np.log(self.most / self.least))

    def diffusion(self, t: Time) -> Time:
        """(σ²)'."""
        return 2.0 * np.log(self.most / self.least) * self.sigma(t) ** 2


class LinearPath(NoiseSchedule):
    """α = 1 − t and σ = t: the straight line from a row to its noise (Lipman et al. 2023, Eq. 20 with σ_min = 0).

    Any diffusion leaves the distributions of z_t as they are; this one, 2t, is finite where α is nought.
    """

    earliest: float = eqx.field(static=True, default=0.0)

    def alpha(self, t: Time) -> Time:
        """1 − t."""
        return 1.0 - t

    def sigma(self, t: Time) -> Time:
        """The time."""
        return t

    def diffusion(self, t: Time) -> Time:
        """2t."""
        return 2.0 * t
