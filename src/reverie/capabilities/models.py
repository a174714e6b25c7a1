"""What models of x can do: draw, give densities and potentials, run chains, be enumerated."""

from abc import abstractmethod
from typing import Any, Literal

from jaxtyping import Array, Key, PyTree

from reverie.capabilities.capability import Capability, Row, Scalar


class Samplable(Capability):
    """Exact, independent draws of x."""

    @abstractmethod
    def sample(self, key: Key[Array, ""]) -> Row:
        """Draw one x ~ p(x)."""


class HasLogProb(Capability):
    """A normalised density that can be evaluated."""

    @property
    def log_prob_kind(self) -> Literal["exact", "unbiased"]:
        """What `log_prob` is to the truth: itself, or an estimate whose noise is the row's own."""
        return "exact"

    @abstractmethod
    def log_prob(self, x: Row) -> Scalar:
        """log p(x)."""


class HasPotential(Capability):
    """An unnormalised density p(x) ∝ exp u(x)."""

    @abstractmethod
    def potential(self, x: Row) -> Scalar:
        """u(x) = log p̃(x)."""


class StartsChains(Capability):
    """Somewhere for a Markov chain on x to begin."""

    @abstractmethod
    def start(self, key: Key[Array, ""]) -> Row:
        """An x to start a chain from, drawn from a distribution near the model's."""


class HasRealPotential(HasPotential, StartsChains):
    """A potential of one array of reals that can be differentiated in x."""


class HasRelaxedPotential(HasPotential, StartsChains):
    """A potential of bits or categories that is also a function of relaxed ones, and can be differentiated in them.

    Relaxed bits are floats in [0, 1]; relaxed categories are points of the simplex, [size, levels].
    """


class HasGibbs(StartsChains):
    """A Gibbs sweep over x (through any hidden units) that leaves p(x) invariant."""

    @abstractmethod
    def gibbs(self, key: Key[Array, ""], x: Row) -> Row:
        """One sweep."""


class HasConditionalGibbs(HasGibbs):
    """Gibbs sweeps of what is open of x, when some of its columns are held and all are pulled."""

    @abstractmethod
    def conditional_gibbs(self, key: Key[Array, ""], x: Row, held: Array, pull: Array) -> Row:
        """One sweep of the columns that are not held, which leaves p(x) exp(pull·t(x)) given the held ones invariant.

        t is x of bits and reals, [columns], and one-hot x of categories, [columns, levels].
        """


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


class HasTemperedGibbs(HasTempering):
    """A Gibbs sweep at any point of that path; without one, general moves must do."""

    @abstractmethod
    def tempered_gibbs(self, key: Key[Array, ""], x: Row, beta: Scalar) -> Row:
        """One sweep that leaves p_β invariant."""


class HasEnumeration(Capability):
    """log Z as a sum over the states of some variables, with as many values each as `enumeration_levels` says."""

    @property
    @abstractmethod
    def enumeration_levels(self) -> tuple[int, ...]:
        """How many values each variable of the sum has: twos for bits."""

    @abstractmethod
    def enumerated_term(self, state: Array) -> Scalar:
        """The log of one term of Z, at one state: booleans where all variables have two values, else whole numbers."""


class Pushforward(Capability):
    """x = G(ε): a distribution given by a differentiable map of noise."""

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> Array:
        """Draw one ε."""

    @abstractmethod
    def push(self, noise: Array) -> Row:
        """G(ε)."""


class HasExactEM(Capability):
    """Latent variables whose posterior, and whose parameters once they are known, are closed forms.

    Unlike all else here its methods take all rows at once: what they sum over rows are matrix products.
    """

    @abstractmethod
    def em_start(self, key: Key[Array, ""], x: Row, ridge: float) -> Any:
        """The model from which EM begins on rows [n, …]; refused where they are too few."""

    @abstractmethod
    def expected_statistics(self, x: Row) -> PyTree:
        """What E_{p(h|x)} log p_θ'(x, h), summed over rows [n, …], depends on as a function of θ'."""

    @abstractmethod
    def maximise(self, statistics: PyTree, ridge: float) -> Any:
        """The model of the θ' that maximises it, no variance or probability of which is below `ridge`."""
