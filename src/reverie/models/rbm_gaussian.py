"""The restricted Boltzmann machine with Gaussian visible units."""

from typing import Any, Self

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasRealPotential
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.restricted import RestrictedMachine, checked
from reverie.models.suits import only
from reverie.models.visible import Gaussian, Reals
from reverie.parts import filled, learned, option


class GaussianRBM(RestrictedMachine, HasRealPotential):
    """Reals x and hidden bits h with couplings between the two layers only.

        p(x, h) ∝ exp(Σ_i (b_i x_i − x_i²/2)/σ_i² + c·h + Σ_ij x_i W_ij h_j/σ_i²)
        u(x) = Σ_i (b_i x_i − x_i²/2)/σ_i² + Σ_j softplus(c_j + Σ_i x_i W_ij/σ_i²)

    so that p(x | h) = N(b + W h, diag σ²): a mixture of 2^H Gaussians. The path of annealed importance sampling is that
    of `RBM`, from independent Gaussians whose means and log standard deviations `base` holds: those of the training
    rows. Standardised columns are assumed: far from zero, u loses its digits.

    Args:
        hidden: how many hidden units.
        scale: σ of all columns; each column's is learned where it is not given.

    Example:
        >>> from reverie.models import GaussianRBM
        >>> GaussianRBM(hidden=64, scale=1.0).scale
        1.0

    Reference: Welling, Rosen-Zvi & Hinton 2005, *Exponential family harmoniums*; with x/σ²: Cho, Ilin & Raiko 2011,
    *Improved learning of Gaussian-Bernoulli restricted Boltzmann machines*, Eq. 4.
    """

    scale: float | None = option(None)
    visible_bias: Array = learned()
    log_scale: Array | None = learned()
    base: tuple[Array, Array] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.scale is not None and not 0.0 < self.scale < float("inf"):
            raise InputError(f"scale is a standard deviation and must be positive and finite, not {self.scale}")

    @classmethod
    def from_arrays(cls, *, weights: Any, visible_bias: Any, hidden_bias: Any, scale: Any) -> "GaussianRBM":
        """The model with known weights [visible, hidden], biases and standard deviations [visible]."""
        w, b, c, s = (np.asarray(array, np.float32) for array in (weights, visible_bias, hidden_bias, scale))
        checked(w, b, c, ("visible",))
        if s.shape != b.shape or not (np.isfinite(s).all() and (s > 0).all()):
            raise InputError(f"scale must be [visible], positive and finite; its shape is {s.shape}")
        # The moments of x where all hidden units are fair coins.
        base = (b + w.sum(axis=1) / 2, 0.5 * np.log(s**2 + (w**2).sum(axis=1) / 4))
        return cls(
            hidden=w.shape[1],
            weights=jnp.asarray(w),
            visible_bias=jnp.asarray(b),
            hidden_bias=jnp.asarray(c),
            log_scale=jnp.asarray(np.log(s)),
            base=(jnp.asarray(base[0]), jnp.asarray(base[1])),
        )

    def unsuited(self, spec: Spec) -> str | None:
        """Only reals."""
        return only("continuous", spec, "an RBM of reals")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Weights of a hundredth of the columns' spread, biases at their means."""
        leaf = spec.leaves["continuous"]
        mean, std = jnp.asarray(leaf.mean, jnp.float32), jnp.maximum(jnp.asarray(leaf.std, jnp.float32), 1e-3)
        weights = 0.01 * std[:, None] * noise.normal(key, (leaf.size, self.hidden))
        learnt = jnp.log(std) if self.scale is None else None
        arrays = {"weights": weights, "visible_bias": mean, "hidden_bias": jnp.zeros(self.hidden)}
        return filled(self, log_scale=learnt, base=(mean, jnp.log(std)), **arrays)

    def _precision(self) -> Array:
        if self.log_scale is not None:
            return jnp.exp(-2.0 * self.log_scale)
        return jnp.full(self.visible_bias.shape, (self.scale or 1.0) ** -2.0)

    @property
    def visible(self) -> Reals:
        """Reals."""
        return Reals()

    def natural(self) -> Gaussian:
        """b/σ² and 1/σ²."""
        precision = self._precision()
        return Gaussian(self.visible_bias * precision, precision)

    def base_natural(self) -> Gaussian:
        """Those of the base."""
        mean, log_scale = self.base
        precision = jnp.exp(-2.0 * log_scale)
        return Gaussian(mean * precision, precision)

    def couplings(self) -> Array:
        """W/σ²."""
        return self.weights * self._precision()[:, None]
