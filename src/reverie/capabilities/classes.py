"""What models and inference models with a class among their latent variables can do."""

from abc import abstractmethod
from typing import Any, NamedTuple

from jaxtyping import Array, Float, Int, Key, PyTree

from reverie.capabilities.capability import Capability, Code, Row, Scalar
from reverie.capabilities.latents import HasLogJoint
from reverie.capabilities.models import HasPotential, StartsChains
from reverie.capabilities.posteriors import HasBoundGradient, HasRelaxation, Rule


class HasClass(HasLogJoint):
    """The last block of h is one category, the class y; a label of a row, where it has one, says which."""

    @abstractmethod
    def sample_given(self, key: Key[Array, ""], y: Int[Array, ""]) -> Row:
        """Draw x ~ p(x | y)."""


class Branches(NamedTuple):
    """One code for each class, all from the same noise.

    Attributes:
        h: the codes, a tuple of arrays [classes, size]; the class is the last block.
        log_q: log q̂ of all of h but its class, given that class, [classes].
        logits: log q(y | x, …) of each class, up to a constant, [classes].
    """

    h: Code
    log_q: Float[Array, " classes"]
    logits: Float[Array, " classes"]


class HasBranches(HasBoundGradient):
    """q(h | x) with a class in h, and all else of h reparameterised given the class: sums over y are written out.

    For q(y | x) q(z | x, y) a branch is z_φ(x, y, ε). What is drawn before the class is the same in all branches, and
    auxiliary variables enter log q̂ as they do in `Proposes`.
    """

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> PyTree:
        """Draw one ε."""

    @abstractmethod
    def branches(self, noise: PyTree, x: Row) -> Branches:
        """The code of each class."""


class RelaxesClass(HasBranches, HasRelaxation):
    """One whose class may be a point of the simplex, [classes], which all that is drawn after it reads in its place."""

    @abstractmethod
    def logits_of_class(self, noise: PyTree, x: Row) -> Float[Array, " classes"]:
        """log q(y | x, …) of each class, up to a constant."""

    @abstractmethod
    def code_with_class(self, noise: PyTree, x: Row, y: Array) -> tuple[Code, Scalar]:
        """All blocks of h but the class, y being a class or a point of the simplex, and log q̂ of them given it."""

    def drawn_by(
        self, rule: Rule, uniforms: tuple[Array, ...], noise: PyTree, x: Row
    ) -> tuple[Code, tuple[Array, ...], Scalar]:
        """The class by the rule, and the rest with it."""
        logits = self.logits_of_class(noise, x)[None]
        y = rule(logits, uniforms[-1])
        code, log_q = self.code_with_class(noise, x, y[0])
        return (*code, y), (logits,), log_q


class Classifies(Capability):
    """An inference model, or a field of rows and classes, that tells the class of a row."""

    @abstractmethod
    def class_log_probs(self, key: Key[Array, ""], x: Row) -> Float[Array, " classes"]:
        """log q(y | x) for each class, by draws of what comes before y where there is such."""


class HasClassPotential(HasPotential, StartsChains, Classifies):
    """A potential of a row and a class, u(x, y); u(x) is its log-sum-exp over y."""

    @abstractmethod
    def class_potentials(self, x: Row) -> Float[Array, " classes"]:
        """u(x, y) for each y."""


class ConditionsOnClass(Capability):
    """p(x, y) = p(y) p(x | y), of which p(x | y) is for each class y an unnormalised model of its own.

    A row's chain runs on the model of its label, which it keeps; each class has a log Z of its own.
    """

    @property
    @abstractmethod
    def given_classes(self) -> int:
        """How many classes there are."""

    @abstractmethod
    def log_class_prior(self) -> Float[Array, " classes"]:
        """log p(y)."""

    @abstractmethod
    def given(self, y: Int[Array, ""]) -> Any:
        """The model of x | y: `HasPotential`, `HasGibbs`, `HasTemperedGibbs`, and mostly `HasEnumeration`."""


class ClassifiesCodes(Capability):
    """A classifier of codes."""

    @abstractmethod
    def class_logits(self, h: Code) -> Float[Array, " classes"]:
        """log p(y | h) for each class, up to a constant."""


class HasFirstStage(HasClass):
    """h = (z₁, z₂, y) with x below z₁ alone: the model of x and z₁ can be learned before the rest."""

    @abstractmethod
    def first_log_joint(self, x: Row, code: Array) -> Scalar:
        """log p(x | z₁) + log N(z₁; 0, I), as if nothing stood above z₁."""

    @abstractmethod
    def first_held(self) -> Any:
        """The model, with no gradient for p(x | z₁)."""


class InfersFirstStage(HasBranches):
    """q(z₁ | x) first, and the rest given z₁."""

    @abstractmethod
    def first(self, noise: PyTree, x: Row) -> tuple[Array, Scalar]:
        """z₁ and log q(z₁ | x), of the same noise as the branches'."""

    @abstractmethod
    def first_held(self) -> Any:
        """The inference model, with no gradient for q(z₁ | x)."""
