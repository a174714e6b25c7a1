"""Models whose every figure has a closed form, for the tests of evaluation."""

import math
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import scipy.stats

from reverie import noise
from reverie.capabilities import (
    HasJointSample,
    HasLogJoint,
    HasPosterior,
    HasPosteriorDistribution,
    HasPriorDistribution,
    Latent,
    Proposes,
    Reparameterised,
    ReparameterisedProposal,
)
from reverie.parts import Part, filled, learned

T = TypeVar("T")


def given(found: T | None) -> T:
    """What was found, which must not be nothing."""
    assert found is not None
    return found


class Linear(Part, HasLogJoint, HasJointSample, HasPriorDistribution):
    """h ~ N(0, I), x | h ~ N(h W + b, s² I)."""

    weight: Any = learned()
    bias: Any = learned()
    scale: Any = learned()

    def init(self, key, spec, model=None):
        return self

    @property
    def latents(self):
        return (Latent("reals", self.weight.shape[0]),)

    def prior(self):
        return dist.Normal(jnp.zeros(self.weight.shape[0]), 1.0).to_event(1)

    def log_prior(self, h):
        return self.prior().log_prob(h[0])

    def log_likelihood(self, x, h):
        return jnp.sum(dist.Normal(h[0] @ self.weight + self.bias, self.scale).log_prob(x))

    def sample_joint(self, key):
        key_h, key_x = jax.random.split(key)
        h = noise.normal(key_h, (self.weight.shape[0],))
        return h @ self.weight + self.bias + self.scale * noise.normal(key_x, self.bias.shape), (h,)


class Implicit(Part, Reparameterised):
    """A Gaussian whose density nobody may ask for: h = m(x) + σ ε with m(x) = x G + c."""

    gain: Any = learned()
    offset: Any = learned()
    log_std: Any = learned()

    def init(self, key, spec, model=None):
        return self

    def noise(self, key):
        return noise.normal(key, self.offset.shape)

    def transform(self, noise, x):
        return (x @ self.gain + self.offset + jnp.exp(self.log_std) * noise,)


class Proposal(Part, Proposes):
    """The same Gaussian with draws and their densities, and no density of any other h."""

    gain: Any = learned()
    offset: Any = learned()
    log_std: Any = learned()

    def init(self, key, spec, model=None):
        return self

    def propose(self, key, x):
        q = dist.Normal(x @ self.gain + self.offset, jnp.exp(self.log_std)).to_event(1)
        h = q.sample(key)
        return (h,), q.log_prob(h)


class Affine(Part, HasPosterior, ReparameterisedProposal, HasPosteriorDistribution):
    """The same Gaussian with all that a posterior can have."""

    gain: Any = learned()
    offset: Any = learned()
    log_std: Any = learned()

    def init(self, key, spec, model=None):
        return self

    def distribution(self, x):
        return dist.Normal(x @ self.gain + self.offset, jnp.exp(self.log_std)).to_event(1)

    def transform_and_distribution(self, noise, x):
        return self.transform(noise, x), self.distribution(x)

    def log_prob(self, h, x):
        return self.distribution(x).log_prob(h[0])

    def noise(self, key):
        return noise.normal(key, self.offset.shape)

    def transform_and_log_prob(self, noise, x):
        log_q = -jnp.sum(0.5 * noise**2 + self.log_std) - 0.5 * noise.size * math.log(2 * math.pi)
        return (x @ self.gain + self.offset + jnp.exp(self.log_std) * noise,), log_q

    def sample(self, key, x):
        return self.transform(self.noise(key), x)


class World(NamedTuple):
    """A linear Gaussian model, its exact marginal, and the exact posterior's gain, offset and covariance."""

    model: Linear
    marginal: Any
    gain: np.ndarray
    offset: np.ndarray
    covariance: np.ndarray

    def rows(self, count: int, seed: int = 3) -> np.ndarray:
        """Rows of the marginal."""
        return self.marginal.rvs(count, random_state=seed).reshape(count, -1).astype(np.float32)

    def parts(self, error: float = 0.0, cls: Any = Affine) -> dict[str, Any]:
        """The model with the diagonal of its exact posterior; `error` is added to its offset and its log scale."""
        log_std = 0.5 * np.log(np.diag(self.covariance)) + error
        arrays = {"gain": self.gain, "offset": self.offset + error, "log_std": log_std}
        posterior = filled(cls(), **{name: jnp.asarray(one, jnp.float32) for name, one in arrays.items()})
        return {"model": self.model, "inference": posterior}

    @property
    def mean_field_gap(self) -> float:
        """KL of the best diagonal Gaussian from the exact posterior: ½ (Σ log Λ_ii − log |Λ|)."""
        precision = np.linalg.inv(self.covariance)
        return float(0.5 * (np.log(np.diag(precision)).sum() - np.linalg.slogdet(precision)[1]))


def linear(weight: Any, bias: Any, scale: float = 0.6) -> World:
    """x ~ N(b, Wᵀ W + s² I); h | x ~ N((x − b) G, C) with C = (I + W Wᵀ / s²)⁻¹ and G = Wᵀ C / s²."""
    weight, bias = np.asarray(weight, np.float64), np.asarray(bias, np.float64)
    model = filled(Linear(), weight=jnp.float32(weight), bias=jnp.float32(bias), scale=jnp.float32(scale))
    covariance = np.linalg.inv(np.eye(len(weight)) + weight @ weight.T / scale**2)
    gain = weight.T @ covariance / scale**2
    marginal = scipy.stats.multivariate_normal(bias, weight.T @ weight + scale**2 * np.eye(len(bias)))
    return World(model, marginal, gain, -bias @ gain, covariance)


def orthogonal(scale: float = 0.6) -> World:
    """Rows of weights that are orthogonal, so that the exact posterior is a diagonal Gaussian."""
    weight = np.array([[1.0, 0.5, -0.4], [0.2, -0.4, 0.0]])
    weight[1, 2] = -(weight[0, :2] @ weight[1, :2]) / weight[0, 2]
    return linear(weight, [0.7, -0.3, 2.0], scale)


def oblique(scale: float = 0.6) -> World:
    """Rows of weights that lean on each other, so that the exact posterior is no diagonal Gaussian."""
    return linear([[1.0, 0.5, -0.4], [0.9, 0.7, 0.3]], [0.7, -0.3, 2.0], scale)


class Switch(Part, HasLogJoint, HasJointSample):
    """Blocks of two kinds: b bits of unequal frequencies, u ~ N(0, I), x ~ N(A b + B u, s²), to move together."""

    def init(self, key, spec, model=None):
        return self

    A: Any = learned()
    B: Any = learned()
    odds: Any = learned()

    @property
    def latents(self):
        return (Latent("reals", self.B.shape[0]), Latent("bits", self.A.shape[0]), Latent("categories", 1, 3))

    def log_prior(self, h):
        bits = dist.Bernoulli(logits=self.odds).log_prob(h[1].astype(jnp.int32)).sum()
        return dist.Normal(0.0, 1.0).log_prob(h[0]).sum() + bits + jnp.log(jnp.array([0.5, 0.3, 0.2]))[h[2][0]]

    def mean(self, h):
        return h[1].astype(jnp.float32) @ self.A + h[0] @ self.B + 0.8 * h[2][0]

    def log_likelihood(self, x, h):
        return dist.Normal(self.mean(h), 0.5).log_prob(x).sum()

    def sample_joint(self, key):
        keys = jax.random.split(key, 4)
        category = noise.categorical(keys[2], jnp.log(jnp.array([[0.5, 0.3, 0.2]])))
        h = (noise.normal(keys[0], (self.B.shape[0],)), noise.bernoulli_logits(keys[1], self.odds), category)
        return self.mean(h) + 0.5 * noise.normal(keys[3], (self.A.shape[1],)), h


def switch() -> Switch:
    """Two reals, two bits and a category of three levels below two columns."""
    arrays = {"A": [[1.0, -0.5], [0.4, 1.2]], "B": [[0.7, 0.2], [-0.6, 0.9]], "odds": [0.8, -0.4]}
    return filled(Switch(), **{name: jnp.asarray(one, jnp.float32) for name, one in arrays.items()})
