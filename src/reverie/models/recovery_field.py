"""A random field at each level of noise, that recovers a row from a noisier one."""

from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.capabilities import HasRealPotential, HasTempering, Recovers
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.noise_schedules import Cosine
from reverie.models.score_model import NO_CLASS
from reverie.models.suits import only
from reverie.networks.time_mlp import TimeMLP, time_mlp
from reverie.networks.unet import UNet, unet
from reverie.parts import Part, filled, known, learned, option


class TiltedNormal(HasRealPotential, HasTempering):
    """p(r) ∝ N(r; 0, I) exp f(c + s r, a): what a recovery field is at one level.

        f(z, a) = z·F(z, a) / √(1 + |z|²/d),    d columns

    Args:
        network: F.
        angle: a, the noise angle.
        centre: c.
        spread: s.
    """

    network: Any
    angle: Array
    centre: Array
    spread: Array

    def potential(self, x: Array) -> Array:
        """log N(r; 0, I) + f."""
        return self.tempered_potential(x, jnp.ones(()))

    def tempered_potential(self, x: Array, beta: Array) -> Array:
        """log N(r; 0, I) + β f."""
        z = self.centre + self.spread * x
        # The root keeps the slope of f bounded where F's is, and so N(r; 0, I) exp f integrable.
        tilt = jnp.vdot(z, self.network(z, self.angle, jnp.full((), NO_CLASS)))
        tilt = tilt * jax.lax.rsqrt(1.0 + jnp.mean(jnp.square(z)))
        return -0.5 * jnp.sum(jnp.square(x)) - 0.5 * x.size * jnp.log(2 * jnp.pi) + beta * tilt

    def base_sample(self, key: Key[Array, ""]) -> Array:
        """N(0, I)."""
        return noise.normal(key, self.centre.shape)

    def base_log_normaliser(self) -> Array:
        """The base is normalised."""
        return jnp.zeros(())

    def start(self, key: Key[Array, ""]) -> Array:
        """A draw of N(0, I)."""
        return self.base_sample(key)


class RecoveryField(Part, Recovers):
    """Random fields of rows at L levels of noise, each met only given the row at the level above.

        z_0 = x̄,    z_{k+1} = κ z_k + σ ε,    κ = α_{k+1}/α_k,  σ² = 1 − κ²,    α_k = cos a_k

        p_k(z) ∝ N(z; 0, I) exp f(z, a_k),    f(z, a) = z·F_θ(z, a) / √(1 + |z|²/d)

        p(z_k | z_{k+1}) ∝ p_k(z_k) N(z_{k+1}; κ z_k, σ² I) ∝ N(z_k; κ z_{k+1}, σ² I) exp f(z_k, a_k)

    x̄ is a row in units of standard deviations. With little noise between the levels each of the conditional fields is
    nearly N(κ z_{k+1}, σ² I), so that short chains of r = (z_k − κ z_{k+1})/σ mix though those of p_k do not. Draws are
    taken level by level from z_L ~ N(0, I). p_0 is a field of x̄ itself, of which log Z can be asked. (Gao et al. write
    the field as one of y = κ z_k and have no N(z; 0, I) in it; with that, a network of nought is exact for independent
    Gaussian columns.)

    Args:
        levels: L.
        hidden: widths of the perceptron F, for tables.
        channels: of F as a U-Net at each size, for images.

    Example:
        >>> from reverie.models import RecoveryField
        >>> RecoveryField(levels=6).noise_levels
        6

    Reference: Gao, Song, Poole, Wu & Kingma 2021, *Learning energy-based models by diffusion recovery likelihood*,
    Eq. 7–10, Alg. 1 and 2; f as a product with F: Salimans & Ho 2021, *Should EBMs model the energy or the score?*
    """

    levels: int = option(6)
    hidden: tuple[int, ...] = option((128, 128))
    channels: tuple[int, ...] = option((32, 64))
    mean: tuple[float, ...] = known()
    std: tuple[float, ...] = known()
    size: int = known()
    network: TimeMLP | UNet = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.levels < 2:
            raise InputError(f"a recovery field needs at least 2 levels of noise, not {self.levels}")
        if not self.hidden or not self.channels or min(*self.hidden, *self.channels) < 1:
            raise InputError("a recovery field needs at least one layer in hidden and channels, all widths >= 1")

    def unsuited(self, spec: Spec) -> str | None:
        """Only reals."""
        return only("continuous", spec, "a recovery field")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network of nought."""
        leaf = spec.leaves["continuous"]
        std = np.asarray(leaf.std, np.float64)
        known = {"mean": tuple(leaf.mean), "std": tuple(np.where(std > 0, std, 1.0).tolist()), "size": spec.size}
        if spec.image is None:
            return filled(self, **known, network=time_mlp(key, spec.size, self.hidden, 0))
        height, width, *rest = spec.image
        return filled(self, **known, network=unet(key, (height, width, rest[0] if rest else 1), self.channels, 0))

    # ------------------------------------------------------------------------------------------------------ the levels

    @property
    def noise_levels(self) -> int:
        """As the option says."""
        return self.levels

    @property
    def _schedule(self) -> Cosine:
        # Even steps of the angle, from none: level 0 is the data.
        return Cosine(levels=self.levels, first=0.0)

    def _step(self, level: Array) -> tuple[Array, Array]:
        """κ and σ from a level to the next."""
        schedule = self._schedule
        kept = schedule.alpha((level + 1) / self.levels) / schedule.alpha(level / self.levels)
        return kept, jnp.sqrt(1.0 - jnp.square(kept))

    def noised_pair(self, key: Key[Array, ""], x: Array, level: Array) -> tuple[Array, Array]:
        """r and z_{k+1}."""
        key_here, key_next = jax.random.split(key)
        schedule, t = self._schedule, level / self.levels
        unit = (x - jnp.asarray(self.mean, jnp.float32)) / jnp.asarray(self.std, jnp.float32)
        here = schedule.alpha(t) * unit + schedule.sigma(t) * noise.normal(key_here, unit.shape)
        kept, spread = self._step(level)
        noisy = kept * here + spread * noise.normal(key_next, unit.shape)
        return (here - kept * noisy) / spread, noisy

    def given_noisy(self, level: Array, noisy: Array) -> TiltedNormal:
        """The field of r at level k, given z_{k+1}."""
        kept, spread = self._step(level)
        return TiltedNormal(self.network, self._schedule.angle(level / self.levels), kept * noisy, spread)

    def recovered(self, level: Array, noisy: Array, state: Array) -> Array:
        """z_k = κ z_{k+1} + σ r."""
        kept, spread = self._step(level)
        return kept * noisy + spread * state

    def noisiest(self, key: Key[Array, ""]) -> Float[Array, " columns"]:
        """N(0, I)."""
        return noise.normal(key, (self.size,))

    # ------------------------------------------------------------------------------------------- the field of the data

    def whole(self) -> TiltedNormal:
        """p_0, of x̄."""
        return TiltedNormal(self.network, jnp.zeros(()), jnp.zeros(self.size), jnp.ones(()))

    def row(self, key: Key[Array, ""], state: Array) -> Array:
        """x of x̄."""
        return jnp.asarray(self.mean, jnp.float32) + jnp.asarray(self.std, jnp.float32) * state

    def state_of(self, key: Key[Array, ""], x: Array) -> Array:
        """x̄ of x."""
        return (x - jnp.asarray(self.mean, jnp.float32)) / jnp.asarray(self.std, jnp.float32)

    def potential_bound(self, key: Key[Array, ""], x: Array) -> Array:
        """log p̃_0(x) itself: nothing is random in it."""
        return self.whole().potential(self.state_of(key, x)) - jnp.sum(jnp.log(jnp.asarray(self.std, jnp.float32)))
