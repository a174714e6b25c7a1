"""What directed models with latent variables can do."""

import itertools
from abc import abstractmethod
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from reverie.capabilities.capability import Capability, Code, Row, Scalar
from reverie.errors import InputError

MOST_CODES = 2**14
"""The largest number of codes that are listed one by one."""


class Latent(NamedTuple):
    """One block of latent variables.

    Attributes:
        kind: `bits` (Bernoulli; booleans), `categories` (whole numbers below `levels`) or `reals`.
        size: how many variables.
        levels: of categories.
    """

    kind: str
    size: int
    levels: int = 0


class HasLogJoint(Capability):
    """A directed model p(x, h) = p(h) p(x | h) whose joint density can be evaluated."""

    @property
    @abstractmethod
    def latents(self) -> tuple[Latent, ...]:
        """The blocks of h, from the one next to x upwards; h is a tuple with one array for each."""

    @abstractmethod
    def log_prior(self, h: Code) -> Scalar:
        """log p(h)."""

    @abstractmethod
    def log_likelihood(self, x: Row, h: Code) -> Scalar:
        """log p(x | h)."""

    def log_joint(self, x: Row, h: Code) -> Scalar:
        """log p(x, h)."""
        return self.log_prior(h) + self.log_likelihood(x, h)


class HasRelaxedJoint(HasLogJoint):
    """A joint density of discrete h that is a differentiable function of relaxed codes too.

    A relaxed bit is a float in [0, 1], a relaxed category a point of the simplex, [size, levels]; at the corners both
    give what the discrete code gives. Between them log p(h) is as a cross-entropy is: linear in the variables of a
    layer that are independent given the layers above. Blocks of reals, where there are any, are as they are.
    """


class HasPriorLogits(HasRelaxedJoint):
    """Discrete h alone, with the prior of each variable open: what it is relaxed to is then known."""

    @abstractmethod
    def prior_logits(self, h: Code) -> tuple[Array, ...]:
        """Of each block, [size] or [size, levels], given what is above it and before it in it; h may be relaxed."""


class HasRealCodes(HasLogJoint):
    """Reals alone, and a joint density that can be differentiated by them."""


class HasClosedPosterior(HasLogJoint):
    """One block of h whose posterior is known in closed form."""

    @abstractmethod
    def posterior(self, x: Row) -> Any:
        """p(h | x), a distribution of `numpyro.distributions`."""


class HasFiniteCodes(HasLogJoint):
    """A joint density of bits and categories alone, so that sums over h can be written out where they are few."""

    @property
    def code_count(self) -> int:
        """How many codes there are."""
        return int(np.prod([float(one.levels or 2) ** one.size for one in self.latents]))

    def codes(self) -> Code:
        """Every code, [count, size] a block; refused where there are too many."""
        if self.code_count > MOST_CODES:
            raise InputError(
                f"a sum over all codes has {self.code_count:.3g} terms here and is written out up to {MOST_CODES}: "
                "ask for fewer latent variables"
            )
        levels = [range(one.levels or 2) for one in self.latents for _ in range(one.size)]
        every = np.array(list(itertools.product(*levels)), np.int32).reshape(-1, len(levels))
        ends = np.cumsum([one.size for one in self.latents])[:-1]
        blocks = np.split(every, ends, axis=1)
        kinds = [bool if one.kind == "bits" else np.int32 for one in self.latents]
        return tuple(jnp.asarray(block.astype(kind)) for block, kind in zip(blocks, kinds, strict=True))


class HasMixturePrior(HasLogJoint):
    """One block of reals, whose prior is a mixture of diagonal Gaussians with open components."""

    @property
    @abstractmethod
    def prior_components(self) -> int:
        """How many there are."""

    @abstractmethod
    def with_prior(self, means: Array, scales: Array) -> Any:
        """The model with these components, [count, size] both, equally weighted."""


class HasCodebook(HasLogJoint):
    """One block of categories, each level of which stands for a vector; x is read off the vectors.

    log p(x | h) = log p(x | e_{h_1}, …, e_{h_N}) with the codebook e_1, …, e_K.
    """

    @abstractmethod
    def vectors(self) -> Array:
        """The codebook, [levels, dimension]."""

    @abstractmethod
    def with_vectors(self, vectors: Array) -> Any:
        """The model with another codebook."""

    @abstractmethod
    def log_likelihood_of(self, x: Row, vectors: Array) -> Scalar:
        """log p(x | v_1, …, v_N) for any vectors in the place of the codebook's, [size, dimension]."""


class Decodes(HasLogJoint):
    """From a code to a row: a draw, and what is in the middle of such draws."""

    @abstractmethod
    def decode(self, key: Key[Array, ""], h: Code) -> Row:
        """Draw x ~ p(x | h)."""

    @abstractmethod
    def centre(self, h: Code) -> Row:
        """The mean of reals under p(x | h), and of each bit and category the likeliest value.

        Where columns lean on each other given h, one after the other, each the likeliest given those before it.
        """


class HasJointSample(Capability):
    """Ancestral draws of the pair (x, h), "dreams"."""

    @abstractmethod
    def sample_joint(self, key: Key[Array, ""]) -> tuple[Row, Code]:
        """Draw (x, h) ~ p(x, h)."""


class HasPriorDistribution(Capability):
    """p(h) as a distribution of `numpyro.distributions`, for divergences in closed form."""

    @abstractmethod
    def prior(self) -> Any:
        """The distribution of the only block of h."""
