"""Small laws of which every moment is known, none of them symmetric: what chains that claim to reach them must show."""

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from reverie.capabilities import HasRealPotential, HasRelaxedPotential


class Skewed(HasRealPotential):
    """Two independent variables of Gumbel's law, scaled: u(x) = −Σ_i z_i + e^{−z_i}, z = x / scale."""

    scale: tuple[float, float] = (1.0, 1.0)

    def start(self, key):
        return jnp.zeros(2)

    def potential(self, x):
        z = x / jnp.array(self.scale)
        return -jnp.sum(z + jnp.exp(-z))


SKEWED_TRUTH = np.array([np.euler_gamma, np.pi**2 / 6, 1.0])
"""The mean γ, the variance π²/6, and E e^{−x} = 1."""


class Levels(HasRelaxedPotential):
    """Two sites of three levels, coupled."""

    levels = 3

    def start(self, key):
        return jnp.zeros(2, jnp.int32)

    def potential(self, x):
        relaxed = x if jnp.issubdtype(x.dtype, jnp.floating) else jax.nn.one_hot(x, 3)
        field = jnp.array([[0.0, 0.7, -0.4], [0.3, 0.0, 1.0]])
        coupling = jnp.array([[1.0, -1.0, 0.0], [0.0, 0.5, -0.5], [-0.8, 0.0, 0.6]])
        return jnp.sum(field * relaxed) + relaxed[0] @ coupling @ relaxed[1]


LEVELS = np.array([[i, j] for i in range(3) for j in range(3)], np.int32)
"""All its states."""


def skewed(values, mean):
    """What has the mean, the variance and E e^{−v} for its mean: v, (v − mean)² and e^{−v}."""
    exp = jnp.exp if isinstance(values, jax.Array) else np.exp
    return values, (values - mean) ** 2, exp(-values)


def moments(values, log_p):
    """The mean, the variance and E e^{−v} of each column of values [states, columns], p being ∝ exp(log_p)."""
    p = scipy.special.softmax(np.asarray(log_p, np.float64))
    values = np.asarray(values, np.float64)
    return np.array([p @ one for one in skewed(values, p @ values)])
