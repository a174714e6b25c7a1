"""From noise to rows in equal steps of time, with and without fresh noise."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from reverie import noise
from reverie.models.noise_schedules import NoiseSchedule

ReverseSampler: TypeAlias = Literal["ode", "ancestral", "ddim", "sde"]


class Told(NamedTuple):
    """What a network says of a noisy row: the row behind it, the noise on it, and its velocity."""

    row: Array
    noise: Array
    velocity: Array


Tell: TypeAlias = Callable[[Array, Array], Told]


def grid(schedule: NoiseSchedule, steps: int) -> np.ndarray:
    """So many times, from 1 down to the first; of levels as evenly as they allow."""
    if schedule.levels:
        places = np.arange(1, steps + 1) * schedule.levels
        return ((-(-places // steps)) / schedule.levels)[::-1].astype(np.float32)
    return np.linspace(1.0, schedule.start, steps, dtype=np.float32)


def ancestral(
    key: Key[Array, ""], tell: Tell, z: Float[Array, " columns"], schedule: NoiseSchedule, steps: int, eta: float
) -> Float[Array, " columns"]:
    """A row, by z_s = α_s x̂ + √(σ_s² − c²) ε̂ + c ξ from each time t to the next s; the last step gives x̂ itself.

    c = η σ_s σ_{t|s}/σ_t with σ²_{t|s} = σ_t² − (α_t/α_s)² σ_s². With η = 1, c² is the variance of q(z_s | z_t, x) and
    the steps are those of Ho, Jain & Abbeel 2020, Alg. 2 (with β̃); with η = 0 nothing is random but the start (Song,
    Meng & Ermon 2021, Eq. 12 and 16).
    """
    times = jnp.asarray(grid(schedule, steps))

    def step(z: Array, i: Array) -> tuple[Array, None]:
        t, s = times[i], times[i + 1]
        told = tell(z, t)
        ratio = schedule.alpha(t) / schedule.alpha(s)
        sigma_t, sigma_s = schedule.sigma(t), schedule.sigma(s)
        between = jnp.maximum(sigma_t**2 - (ratio * sigma_s) ** 2, 0.0)
        fresh = eta * sigma_s * jnp.sqrt(between) / sigma_t
        kept = jnp.sqrt(jnp.maximum(sigma_s**2 - fresh**2, 0.0))
        xi = noise.normal(jax.random.fold_in(key, i), z.shape)
        return schedule.alpha(s) * told.row + kept * told.noise + fresh * xi, None

    z, _ = jax.lax.scan(step, z, jnp.arange(steps - 1))
    return tell(z, times[-1]).row


def euler_maruyama(
    key: Key[Array, ""], tell: Tell, z: Float[Array, " columns"], schedule: NoiseSchedule, steps: int
) -> Float[Array, " columns"]:
    """z at the first time, by equal steps of the reverse process dz = [v + ½ g² ε̂/σ] dt + g dw.

    (Anderson 1982; Song et al. 2021, Eq. 6, with f z − ½ g² ∇ log p written as v.)
    """
    times = jnp.asarray(grid(schedule, steps + 1))

    def step(z: Array, i: Array) -> tuple[Array, None]:
        t = times[i]
        size = t - times[i + 1]
        told, gain = tell(z, t), schedule.diffusion(t)
        xi = noise.normal(jax.random.fold_in(key, i), z.shape)
        drift = told.velocity + 0.5 * gain / schedule.sigma(t) * told.noise
        return z - size * drift + jnp.sqrt(gain * size) * xi, None

    return jax.lax.scan(step, z, jnp.arange(steps))[0]
