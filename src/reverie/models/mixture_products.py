"""Mixtures of products: columns that are independent within a component."""

from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Array, Float, Int, Key, PyTree

from reverie import noise
from reverie.capabilities import (
    Decodes,
    HasClosedPosterior,
    HasExactEM,
    HasFiniteCodes,
    HasJointSample,
    HasLogProb,
    HasPriorLogits,
    Latent,
    Samplable,
)
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.columns import KINDS, Columns
from reverie.models.k_means import k_means
from reverie.networks.features import Layout, layouts, leaves_of, row_of
from reverie.parts import Part, filled, known, learned, option

FIRST_PASSES = 10
"""Of k-means, before EM goes on from where it stands."""


class Shared(NamedTuple):
    """What EM sums over rows.

    Attributes:
        mass: N_k = Σ_n r_nk, [K].
        moments: of each leaf in each component.
    """

    mass: Array
    moments: tuple[Array, ...]


class ProductMixture(
    Part,
    HasFiniteCodes,
    HasPriorLogits,
    HasClosedPosterior,
    HasLogProb,
    Decodes,
    HasJointSample,
    HasExactEM,
    Samplable,
):
    """A finite mixture of components within which the columns are independent: latent classes.

        p(x) = Σ_k π_k Π_i p(x_i | k),    p(k | x) ∝ π_k Π_i p(x_i | k)

    Bits are Bernoulli, categories categorical, reals Gaussian; a row may have columns of all three kinds. The
    component is a latent variable with a closed posterior, so that learners of discrete codes fit it as well and can be
    held against `em` and `mle`, which are exact. As a relaxed code k is a point of the simplex, in which log p(x, k) is
    linear.

    With s = `smoothing`, `em` maximises the likelihood as if each component had been given s rows more, whose columns
    are distributed as those of all rows: no level that some row has is impossible in a component that has not seen it.

    Args:
        count: how many components K.
        smoothing: s; 0 for none, and then EM is maximum likelihood.

    Example:
        >>> from reverie.models import ProductMixture
        >>> ProductMixture(count=3).latents
        (Latent(kind='categories', size=1, levels=3),)

    Reference: Lazarsfeld & Henry 1968, *Latent structure analysis*; McLachlan & Peel 2000, *Finite mixture models*,
    §5.11.
    """

    count: int = option(10)
    smoothing: float = option(1.0)
    shape: tuple[Layout, ...] = known()
    logits: Array = learned()
    columns: tuple[Array, ...] = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if self.count < 1:
            raise InputError(f"a mixture needs at least one component, not count={self.count}")
        if not 0 <= self.smoothing < float("inf"):
            raise InputError(f"smoothing is a number of rows, finite and not negative, not {self.smoothing}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Equal weights, and components spread around the training rows' columns."""
        shape = layouts(spec)
        keys = jax.random.split(key, len(shape))
        columns = tuple(
            KINDS[layout.kind](layout).start(one, spec.leaves[layout.kind], self.count)
            for one, layout in zip(keys, shape, strict=True)
        )
        return filled(self, shape=shape, logits=jnp.zeros(self.count), columns=columns)

    @property
    def latents(self) -> tuple[Latent, ...]:
        """Which component."""
        return (Latent("categories", 1, self.count),)

    def _kinds(self) -> tuple[Columns, ...]:
        return tuple(KINDS[layout.kind](layout) for layout in self.shape)

    def component_log_probs(self, x: PyTree) -> Float[Array, " K"]:
        """log p(x | k)."""
        total = jnp.zeros(self.count)
        for kind, parameters, leaf in zip(self._kinds(), self.columns, leaves_of(x, self.shape), strict=True):
            total += kind.log_probs(parameters, leaf)
        return total

    def _log_joints(self, x: PyTree) -> Float[Array, " K"]:
        return jax.nn.log_softmax(self.logits) + self.component_log_probs(x)

    def log_prob(self, x: PyTree) -> Array:
        """log Σ_k π_k p(x | k)."""
        return jax.nn.logsumexp(self._log_joints(x))

    def posterior(self, x: PyTree) -> dist.Distribution:
        """p(k | x), of an array of one number."""
        return dist.Categorical(logits=self._log_joints(x)[None]).to_event(1)

    def log_prior(self, h: tuple[Array, ...]) -> Array:
        """log π_k."""
        return _at(jax.nn.log_softmax(self.logits), h[0])

    def prior_logits(self, h: tuple[Array, ...]) -> tuple[Array, ...]:
        """log π, up to a constant."""
        return (self.logits[None],)

    def log_likelihood(self, x: PyTree, h: tuple[Array, ...]) -> Array:
        """log p(x | k)."""
        return _at(self.component_log_probs(x), h[0])

    def sample_joint(self, key: Key[Array, ""]) -> tuple[PyTree, tuple[Int[Array, " 1"]]]:
        """A component, then its columns."""
        key_k, key_x = jax.random.split(key)
        k = noise.categorical(key_k, self.logits)
        return self.decode(key_x, (k[None],)), (k[None],)

    def decode(self, key: Key[Array, ""], h: tuple[Array, ...]) -> PyTree:
        """The columns of a component."""
        keys = jax.random.split(key, len(self.shape))
        drawn = zip(keys, self._kinds(), self.columns, strict=True)
        return row_of(tuple(kind.draw(one, given[h[0][0]]) for one, kind, given in drawn), self.shape)

    def centre(self, h: tuple[Array, ...]) -> PyTree:
        """The middle of a component."""
        centres = zip(self._kinds(), self.columns, strict=True)
        return row_of(tuple(kind.centre(given[h[0][0]]) for kind, given in centres), self.shape)

    def sample(self, key: Key[Array, ""]) -> PyTree:
        """x of a dream."""
        return self.sample_joint(key)[0]

    def em_start(self, key: Key[Array, ""], x: PyTree, ridge: float) -> "ProductMixture":
        """The clusters that some passes of k-means find, whatever the model was before."""
        leaves = leaves_of(x, self.shape)
        if len(leaves[0]) < self.count:
            raise InputError(
                f"EM needs a row for each component and has {len(leaves[0])} for {self.count}: ask for fewer components"
            )
        points = [kind.points(leaf) for kind, leaf in zip(self._kinds(), leaves, strict=True)]
        labels = k_means(key, jnp.concatenate(points, axis=1), self.count, FIRST_PASSES)
        return self.maximise(self._shared(jax.nn.one_hot(labels, self.count), x), ridge)

    def _shared(self, shares: Float[Array, "n K"], x: PyTree) -> Shared:
        mass = jnp.sum(shares, axis=0) + 10.0 * jnp.finfo(jnp.float32).eps
        of_each = shares / mass
        leaves = zip(self._kinds(), leaves_of(x, self.shape), strict=True)
        return Shared(mass, tuple(kind.moments(of_each, leaf) for kind, leaf in leaves))

    def expected_statistics(self, x: PyTree) -> Shared:
        """The moments of the rows, each row shared among the components by r_nk = p(k | x_n)."""
        return self._shared(jax.nn.softmax(jax.vmap(self._log_joints)(x), axis=1), x)

    def maximise(self, statistics: Shared, ridge: float) -> "ProductMixture":
        """π_k ∝ N_k + s, and the moments of each component's rows pooled with those of s rows like all."""
        mass, total = statistics.mass, jnp.sum(statistics.mass)
        own = mass / (mass + self.smoothing)

        def fitted(kind: Columns, moments: Array) -> Array:
            every = kind.pooled(mass / total, moments)

            def pool(share: Array, one: Array) -> Array:
                return kind.pooled(jnp.stack([share, 1.0 - share]), jnp.stack([one, every]))

            return kind.fitted(jax.vmap(pool)(own, moments), ridge)

        columns = tuple(fitted(kind, one) for kind, one in zip(self._kinds(), statistics.moments, strict=True))
        weights = (mass + self.smoothing) / (total + self.smoothing * self.count)
        return filled(self, logits=jnp.log(weights), columns=columns)


def _at(values: Float[Array, " K"], code: Array) -> Array:
    """The value of one component, or, at a point of the simplex, the values' mean."""
    return code[0] @ values if jnp.issubdtype(code.dtype, jnp.floating) else values[code[0]]
