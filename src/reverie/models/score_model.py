"""What score-based models and flow matching share: a path from rows to noise, and a network that knows the way back."""

from abc import abstractmethod
from typing import Any, Literal, Self, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from reverie import noise
from reverie.capabilities import GuidesClasses, HasLogProb, HasVelocity, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.noise_schedules import NoiseSchedule
from reverie.models.probability_flow import Field, integrate, signs_of, with_divergence
from reverie.models.reverse_process import ReverseSampler, Told, ancestral, euler_maruyama
from reverie.models.suits import only
from reverie.networks.time_mlp import TimeMLP, time_mlp
from reverie.networks.unet import UNet, unet
from reverie.parts import Part, filled, known, learned, option

Divergence: TypeAlias = Literal["auto", "exact", "hutchinson"]
FEW_COLUMNS = 16
"""Up to so many columns `auto` takes the divergence exactly."""
NO_CLASS = -1


class ScoreModel(Part, HasVelocity, HasLogProb, Samplable, GuidesClasses):
    """Abstract: rows x̄ (standardised), z_t = α(t) x̄ + σ(t) ε, and a network that tells z_t's way on its circle.

    On the circle u = z_t/s = cos(a) x̄ + sin(a) ε (see `noise_schedules`) du/da is −sin(a) x̄ + cos(a) ε, and the network
    F(u, a, y) estimates its mean given u. All else follows from F:

        x̂ = cos(a) u − sin(a) F,    ε̂ = sin(a) u + cos(a) F,    v̂ = s' u + s a' F,    score = −ε̂/σ

    and the probability flow of every schedule is du/da = F(u, a). A network of nought is the exact answer for
    independent columns with the means and deviations of the training rows (as Karras et al. 2022, §5, precondition).

    The density is that of the flow's solution from N(0, I) at t = 1 to the first time, by the change of variables; it
    is exact up to the solver's tolerance, and unbiased with Hutchinson's divergence. Draws by `ode` have this density.
    Other samplers draw from distributions that agree with it where the score is exact and steps are many.
    """

    hidden: tuple[int, ...] = option((128, 128, 128))
    channels: tuple[int, ...] = option((32, 64))
    classes: int | None = option(None)
    sampler: ReverseSampler = option("ode")
    steps: int = option(200)
    eta: float = option(0.0)
    divergence: Divergence = option("auto")
    tolerance: float | None = option(1e-5)
    mean: tuple[float, ...] = known()
    std: tuple[float, ...] = known()
    size: int = known()
    network: TimeMLP | UNet = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if not self.hidden or not self.channels or min(*self.hidden, *self.channels) < 1:
            raise InputError("a score-based model needs at least one layer in hidden and channels, all widths >= 1")
        if self.classes is not None and self.classes < 1:
            raise InputError(f"classes must be at least 1, or none for a model without, not {self.classes}")
        if self.sampler not in ("ode", "ancestral", "ddim", "sde"):
            raise InputError(f"sampler must be ode, ancestral, ddim or sde, not {self.sampler!r}")
        if self.divergence not in ("auto", "exact", "hutchinson"):
            raise InputError(f"divergence must be auto, exact or hutchinson, not {self.divergence!r}")
        if self.steps < 1:
            raise InputError(f"steps must be at least 1, not {self.steps}")
        if not 0 <= self.eta <= 1:
            raise InputError(f"eta must lie in [0, 1], not {self.eta}")
        if self.tolerance is not None and not 0 < self.tolerance < 1:
            raise InputError(f"tolerance must lie in (0, 1), or be none for equal steps, not {self.tolerance}")

    @property
    @abstractmethod
    def noise_schedule(self) -> NoiseSchedule:
        """α and σ."""

    def unsuited(self, spec: Spec) -> str | None:
        """Continuous columns, and no more classes than there is room for."""
        if self.classes is not None and (spec.classes or 0) > self.classes:
            return f"the labels of these {spec.kind} rows name {spec.classes} classes and the model has {self.classes}"
        return only("continuous", spec, "a score-based model")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A network of nought: a U-Net of images, a perceptron of other rows."""
        leaf = spec.leaves["continuous"]
        mean, std = np.asarray(leaf.mean, np.float64), np.asarray(leaf.std, np.float64)
        count = self.classes or 0
        network: TimeMLP | UNet
        if spec.image is not None:
            # One unit for all pixels, so that neighbours stay comparable.
            std = np.sqrt([np.mean(std**2) + np.var(mean)])
            mean = np.array([mean.mean()])
            height, width, *rest = spec.image
            network = unet(key, (height, width, rest[0] if rest else 1), self.channels, count)
        else:
            network = time_mlp(key, spec.size, self.hidden, count)
        std = np.where(std > 0, std, 1.0)
        return filled(self, mean=tuple(mean.tolist()), std=tuple(std.tolist()), size=spec.size, network=network)

    # ------------------------------------------------------------------------------------------------ the noise path

    def time_at(self, share: Array) -> Array:
        """By the schedule."""
        return self.noise_schedule.time_at(share)

    def log_snr(self, t: Array) -> Array:
        """By the schedule."""
        return self.noise_schedule.log_snr(t)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.size,))

    def _to_unit(self, x: Array) -> Array:
        return (x - jnp.asarray(self.mean, jnp.float32)) / jnp.asarray(self.std, jnp.float32)

    def _from_unit(self, x: Array) -> Array:
        return jnp.asarray(self.mean, jnp.float32) + jnp.asarray(self.std, jnp.float32) * x

    def noised(self, x: Array, t: Array, noise: Array) -> Array:
        """α x̄ + σ ε."""
        schedule = self.noise_schedule
        return schedule.alpha(t) * self._to_unit(x) + schedule.sigma(t) * noise

    def path_velocity(self, x: Array, t: Array, noise: Array) -> Array:
        """α' x̄ + σ' ε."""
        alpha, sigma = self.noise_schedule.rates(t)
        return alpha * self._to_unit(x) + sigma * noise

    # --------------------------------------------------------------------------------------------- what is estimated

    def _field(self, y: Int[Array, ""] | int, guidance: float | Array = 1.0) -> Field:
        """F(u, a) of a class, or beyond it: F + w (F_y − F) (Ho & Salimans 2022, Eq. 6, w − 1 there)."""
        label = jnp.asarray(y)

        def field(u: Array, a: Array) -> Array:
            told = self.network(u, a, label)
            if isinstance(guidance, int | float) and guidance == 1:
                return told
            plain = self.network(u, a, jnp.full_like(label, NO_CLASS))
            return plain + guidance * (told - plain)

        return field

    def told(self, field: Field, z: Array, t: Array) -> Told:
        """x̂, ε̂ and v̂ of a noisy row."""
        schedule = self.noise_schedule
        a, s = schedule.angle(t), schedule.scale(t)
        u = z / s
        way = field(u, a)
        (faster, wider) = jax.jvp(lambda t: (schedule.angle(t), schedule.scale(t)), (t,), (jnp.ones_like(t),))[1]
        cosine, sine = jnp.cos(a), jnp.sin(a)
        return Told(cosine * u - sine * way, sine * u + cosine * way, wider * u + s * faster * way)

    def predicted_noise(self, z: Array, t: Array, y: Int[Array, ""]) -> Array:
        """ε̂."""
        return self.told(self._field(y), z, t).noise

    def velocity(self, z: Array, t: Array, y: Int[Array, ""]) -> Array:
        """v̂."""
        return self.told(self._field(y), z, t).velocity

    # --------------------------------------------------------------------------------------------------- the density

    def _angles(self) -> tuple[Array, Array]:
        schedule = self.noise_schedule
        return schedule.angle(jnp.asarray(schedule.start)), schedule.angle(jnp.ones(()))

    @property
    def log_prob_kind(self) -> Literal["exact", "unbiased"]:
        """Exact where the divergence is; Hutchinson's is right in the mean."""
        exact = self.divergence == "exact" or (self.divergence == "auto" and self.size <= FEW_COLUMNS)
        return "exact" if exact else "unbiased"

    def log_prob(self, x: Array) -> Array:
        """By the change of variables along the flow, of rows of any class."""
        return self.log_prob_given(x, jnp.asarray(NO_CLASS))

    def log_prob_given(self, x: Array, y: Int[Array, ""], probe: Array | None = None) -> Array:
        """log p(x | y), y being −1 for no class; `probe` replaces the signs that Hutchinson's divergence takes."""
        unit = self._to_unit(x)
        exact = self.log_prob_kind == "exact"
        vector = None if exact else (signs_of(unit) if probe is None else probe)
        scale = self.noise_schedule.scale(jnp.asarray(self.noise_schedule.start))
        slope = with_divergence(self._field(y), vector)
        start, end = self._angles()
        u, volume = integrate(slope, (unit / scale, jnp.zeros(())), start, end, self.tolerance, self.steps)
        base = -0.5 * jnp.sum(u**2) - 0.5 * self.size * np.log(2.0 * np.pi)
        units = jnp.sum(jnp.log(jnp.asarray(self.std, jnp.float32))) * (self.size / len(self.std))
        return base + volume - self.size * jnp.log(scale) - units

    # ------------------------------------------------------------------------------------------------------- drawing

    def _draw(self, key: Key[Array, ""], y: Int[Array, ""] | int, guidance: float | Array) -> Float[Array, " columns"]:
        key_start, key_steps = jax.random.split(key)
        field, schedule = self._field(y, guidance), self.noise_schedule
        u = self.noise(key_start)
        if self.sampler == "ode":
            end, start = self._angles()
            u = integrate(lambda a, u: field(u, a), u, start, end, self.tolerance, self.steps)
            return self._from_unit(u * schedule.scale(jnp.asarray(schedule.start)))
        z = u * schedule.scale(jnp.ones(()))
        tell = lambda z, t: self.told(field, z, t)
        if self.sampler == "sde":
            return self._from_unit(euler_maruyama(key_steps, tell, z, schedule, self.steps))
        eta = 1.0 if self.sampler == "ancestral" else self.eta
        return self._from_unit(ancestral(key_steps, tell, z, schedule, self.steps, eta))

    def sample(self, key: Key[Array, ""]) -> Array:
        """From noise, by the sampler that was chosen."""
        return self._draw(key, NO_CLASS, 1.0)

    @property
    def guided_classes(self) -> int:
        """As the option says."""
        return self.classes or 0

    def sample_class(self, key: Key[Array, ""], y: Int[Array, ""], guidance: float = 1.0) -> Array:
        """From noise, with the field of the class."""
        if not self.classes:
            raise InputError("this model was made without classes: set classes to how many there are and fit it again")
        return self._draw(key, y, guidance)
