"""What models can do whose x is part of a larger state that is modelled, where x alone has no potential."""

from abc import abstractmethod
from typing import Any

from jaxtyping import Array, Key, PyTree

from reverie.capabilities.capability import Capability, Row, Scalar


class MarginalOf(Capability):
    """p(x) = Σ p(x | state) p(state), the sum being out of reach and p(state) an unnormalised model of its own.

    Chains run and log Z is estimated on the state.
    """

    @abstractmethod
    def whole(self) -> Any:
        """The model of the state: `HasPotential`, `HasGibbs`, `HasTemperedGibbs`, and mostly `HasEnumeration`."""

    @abstractmethod
    def row(self, key: Key[Array, ""], state: PyTree) -> Row:
        """Draw x ~ p(x | state); often a part of the state."""


class HasJoint(MarginalOf):
    """An unnormalised model of x and hidden layers in one array of bits, by which x can be conditioned on its columns.

    It may be another one than the whole: that of a deep belief net has no x in it.
    """

    @abstractmethod
    def joint(self) -> Any:
        """The model of (x, hidden bits), x first: `HasPotential` and `HasConditionalGibbs`."""


class HasPotentialBound(MarginalOf):
    """A draw that bounds log p̃(x) from below, p̃ being p times the normaliser of the whole."""

    @abstractmethod
    def potential_bound(self, key: Key[Array, ""], x: Row) -> Scalar:
        """b with E exp b ≤ p̃(x), so that log 1/K Σ_k exp b_k is a lower bound of log p̃(x) on average."""

    @abstractmethod
    def state_of(self, key: Key[Array, ""], x: Row) -> PyTree:
        """Draw a state of the whole that goes with a row, as the posterior has it."""


class HasLearnedBase(HasPotentialBound):
    """The base of the whole's tempered path is learned beside it, from what rows make of the state.

    A path that begins there is shorter than one from a coin for each bit.
    """

    @abstractmethod
    def base_log_prob(self, state: PyTree) -> Scalar:
        """log p_0(state), p_0 being the base of the whole's path; linear in means of bits."""


class HasMeanField(HasLearnedBase):
    """The bound of a fully factorised posterior, found by fixed-point iterations."""

    @abstractmethod
    def mean_field(self, x: Row) -> PyTree:
        """The posterior's means."""

    @abstractmethod
    def mean_state(self, x: Row, means: PyTree) -> PyTree:
        """The mean of the whole's state."""

    @abstractmethod
    def mean_field_bound(self, x: Row, means: PyTree) -> Scalar:
        """E_q log p̃(x, h) + H(q), q having any such means."""


class HasMachines(HasLearnedBase):
    """Layers h_0 = x, …, h_L, and machines between neighbours by which they are learned one after the other."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """L, how many machines there are."""

    @abstractmethod
    def machine(self, level: int) -> Any:
        """The machine of h_l, `HasPotential` and `HasGibbs`, whose hidden units are the layer above."""

    @abstractmethod
    def rise(self, key: Key[Array, ""], x: Row) -> tuple[Array, ...]:
        """What each machine sees, upwards from x: x, h_1, …, h_{L−1}, copied where a machine sees copies."""


class HasBeliefStack(HasMachines):
    """A stack of machines, the highest of which is the whole.

    Below it the model is directed, downwards p(h_l | h_{l+1}) and, as recognition, upwards q(h_{l+1} | h_l), whose
    biases the machines there have for hidden ones.
    """

    @abstractmethod
    def fall(self, key: Key[Array, ""], top: Array) -> tuple[Array, ...]:
        """(x, h_1, …, h_{L−1}) downwards from h_{L−1}."""

    @abstractmethod
    def log_prob_down(self, layers: tuple[Array, ...]) -> Scalar:
        """Σ_l log p(h_l | h_{l+1}), all but the top's."""

    @abstractmethod
    def log_prob_up(self, layers: tuple[Array, ...]) -> Scalar:
        """Σ_l log q(h_{l+1} | h_l)."""

    @abstractmethod
    def tied(self) -> Any:
        """With q's couplings those of the machines: of a model, and of a direction of the model's shape."""


def whole_of(model: Any) -> Any:
    """The model on which chains run and of which log Z is."""
    return model.whole() if isinstance(model, MarginalOf) else model
