"""What a thing can do.

A capability is a nominal, abstract mixin: a model *has* it by inheriting from it, and the rest of the library asks
`isinstance(model, HasLogJoint)` and never what the model is. Every method here is written for a **single example**
(one row `x`, one code `h`, one key); callers vectorise with `jax.vmap`.

Words and signs: `log_prob`, `log_joint` and `potential` are in nats and larger is likelier; `potential = log p̃`, the
log of the unnormalised density, so that `energy = −potential`.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
from jaxtyping import Array, Float, Key, PyTree

Row: TypeAlias = PyTree
Code: TypeAlias = PyTree
Scalar: TypeAlias = Float[Array, ""]


class Capability(eqx.Module):
    """The base of every capability: abstract, without fields."""


class Samplable(Capability):
    """Exact, independent draws of x."""

    @abstractmethod
    def sample(self, key: Key[Array, ""]) -> Row:
        """Draw one x ~ p(x)."""


class HasLogProb(Capability):
    """A normalised density that can be evaluated."""

    @abstractmethod
    def log_prob(self, x: Row) -> Scalar:
        """log p(x)."""


class Latent(NamedTuple):
    """One block of latent variables: `bits` (Bernoulli) or `reals`, and how many."""

    kind: str
    size: int


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


class HasPotential(Capability):
    """An unnormalised density p(x) ∝ exp u(x)."""

    @abstractmethod
    def potential(self, x: Row) -> Scalar:
        """u(x) = log p̃(x)."""


class HasGibbs(Capability):
    """A Gibbs sweep over x (through any hidden units) that leaves p(x) invariant."""

    @abstractmethod
    def start(self, key: Key[Array, ""]) -> Row:
        """An x to start a chain from, drawn from a distribution near the model's."""

    @abstractmethod
    def gibbs(self, key: Key[Array, ""], x: Row) -> Row:
        """One sweep."""


class HasTempering(Capability):
    """A path of densities p_β(x) ∝ exp u_β(x) from a base (β = 0) whose normaliser is known to the model (β = 1)."""

    @abstractmethod
    def base_sample(self, key: Key[Array, ""]) -> Row:
        """An exact draw at β = 0."""

    @abstractmethod
    def base_log_normaliser(self) -> Scalar:
        """log Z at β = 0."""

    @abstractmethod
    def tempered_potential(self, x: Row, beta: Scalar) -> Scalar:
        """u_β(x)."""

    @abstractmethod
    def tempered_gibbs(self, key: Key[Array, ""], x: Row, beta: Scalar) -> Row:
        """One sweep that leaves p_β invariant."""


class HasEnumeration(Capability):
    """log Z as a sum over 2^`enumeration_bits` states."""

    @property
    @abstractmethod
    def enumeration_bits(self) -> int:
        """How many bits the sum runs over."""

    @abstractmethod
    def enumerated_term(self, state: Array) -> Scalar:
        """The log of one term of Z, at one state of the bits that are summed."""


class Pushforward(Capability):
    """x = G(ε): a distribution given by a differentiable map of noise."""

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> Array:
        """Draw one ε."""

    @abstractmethod
    def push(self, noise: Array) -> Row:
        """G(ε)."""


class Discriminates(Capability):
    """A critic: one number for an x."""

    @abstractmethod
    def logit(self, x: Row) -> Scalar:
        """V(x); large for data. At a GAN's optimum V = log p₀/p_θ (Ou 2019, §3.2.4)."""


class HasComponents(Capability):
    """A mixture of Gaussians, open to the closed-form updates of EM."""

    @abstractmethod
    def components(self) -> tuple[Array, Array, Array]:
        """Weights [K], means [K, D] and covariances [K, D, D]."""

    @abstractmethod
    def with_components(self, weights: Array, means: Array, covariances: Array) -> Any:
        """The model with other components."""


class HasPosterior(Capability):
    """An inference model q(h | x): draws and their density."""

    @abstractmethod
    def sample(self, key: Key[Array, ""], x: Row) -> Code:
        """Draw h ~ q(h | x)."""

    @abstractmethod
    def log_prob(self, h: Code, x: Row) -> Scalar:
        """log q(h | x)."""


class Reparameterised(Capability):
    """An inference model with h = h_φ(x, ε), ε free of parameters (Ou 2019, Eq. 12)."""

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> Array:
        """Draw one ε."""

    @abstractmethod
    def transform(self, noise: Array, x: Row) -> Code:
        """h_φ(x, ε)."""


class HasPosteriorDistribution(Capability):
    """q(h | x) as a distribution of `numpyro.distributions`, for divergences in closed form."""

    @abstractmethod
    def distribution(self, x: Row) -> Any:
        """The distribution of the only block of h."""


def capabilities_of(thing: object | type) -> tuple[str, ...]:
    """The names of the capabilities that a part, or a class of parts, has, in the order of this module."""
    cls = thing if isinstance(thing, type) else type(thing)
    bases = [base for base in Capability.__subclasses__() if issubclass(cls, base)]
    return tuple(base.__name__ for base in bases)


def missing_from(thing: object, required: Sequence[type]) -> tuple[str, ...]:
    """The names of the required capabilities that `thing` lacks."""
    return tuple(need.__name__ for need in required if not isinstance(thing, need))
