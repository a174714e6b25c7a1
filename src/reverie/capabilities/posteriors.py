"""What inference models q(h | x) can do."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie.capabilities.capability import Capability, Code, Row, Scalar

Rule: TypeAlias = Callable[[Array, Array], Array]


class Proposes(Capability):
    """Draws of h that come with a log density, so that they can be weighed."""

    @abstractmethod
    def propose(self, key: Key[Array, ""], x: Row) -> tuple[Code, Scalar]:
        """h and log q̂ with E[p(x, h) / q̂] = p(x).

        For most q̂ = q(h | x). An inference model with auxiliary variables a gives q(h, a | x) / r(a | x, h) for the a
        that was drawn with h: the expectation over a is then the same.
        """


class HasBoundGradient(Proposes):
    """One along which the evidence lower bound has a gradient without bias, whatever gives it.

    That is a draw as a function of noise (`ReparameterisedProposal`), sums over a class with such draws in each
    (`HasBranches`), or, of codes of any kind, the density of q (`HasPosterior`).
    """


class HasPosterior(HasBoundGradient):
    """An inference model q(h | x): draws, and the density of any h."""

    @abstractmethod
    def sample(self, key: Key[Array, ""], x: Row) -> Code:
        """Draw h ~ q(h | x)."""

    @abstractmethod
    def log_prob(self, h: Code, x: Row) -> Scalar:
        """log q(h | x)."""

    def propose(self, key: Key[Array, ""], x: Row) -> tuple[Code, Scalar]:
        """A draw and its log density."""
        h = self.sample(key, x)
        return h, self.log_prob(h, x)


class Reparameterised(Capability):
    """An inference model with h = h_φ(x, ε), ε free of parameters (Ou 2019, Eq. 12)."""

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> PyTree:
        """Draw one ε."""

    @abstractmethod
    def transform(self, noise: PyTree, x: Row) -> Code:
        """h_φ(x, ε)."""


class ReparameterisedProposal(Reparameterised, HasBoundGradient):
    """A reparameterised draw that comes with its log density: what an evidence lower bound is made of."""

    @abstractmethod
    def transform_and_log_prob(self, noise: PyTree, x: Row) -> tuple[Code, Scalar]:
        """h_φ(x, ε) and log q̂ of it, as `propose` has it."""

    def transform(self, noise: PyTree, x: Row) -> Code:
        """h_φ(x, ε)."""
        return self.transform_and_log_prob(noise, x)[0]

    def propose(self, key: Key[Array, ""], x: Row) -> tuple[Code, Scalar]:
        """The transform of fresh noise."""
        return self.transform_and_log_prob(self.noise(key), x)


class HasPosteriorDistribution(Capability):
    """q(h | x) as a distribution of `numpyro.distributions`, for divergences in closed form."""

    @abstractmethod
    def distribution(self, x: Row) -> Any:
        """The distribution of the only block of h."""

    @abstractmethod
    def transform_and_distribution(self, noise: PyTree, x: Row) -> tuple[Code, Any]:
        """h_φ(x, ε) of a reparameterised draw, and its distribution: x is read once, and differentiated once."""


class HasRelaxation(Capability):
    """One whose discrete codes can be relaxed: drawn by any rule of logits and noise, and differentiated through.

    They are open layer by layer (`HasCodeLogits`), or a class among reals (`RelaxesClass`).
    """

    @abstractmethod
    def drawn_by(
        self, rule: Rule, uniforms: tuple[Array, ...], noise: PyTree, x: Row
    ) -> tuple[Code, tuple[Array, ...], Scalar]:
        """h, the logits of its discrete blocks, which come last, and log q̂ of its reals given them.

        Args:
            rule: (logits, uniform) → a block, hard or relaxed, as floats.
            uniforms: one for each discrete block.
            noise: of the reals.
            x: the row.
        """


class HasCodeLogits(HasRelaxation):
    """q(h | x) = Π_l q(h_l | h_1, …, h_{l−1}, x), the variables of a block independent given those before it."""

    @abstractmethod
    def code_logits(self, x: Row, below: Code) -> Array:
        """The logits of the block that comes after the blocks `below`: [size], or [size, levels] for categories.

        The blocks below may be relaxed: floats in [0, 1], or points of the simplex.
        """

    def drawn_by(
        self, rule: Rule, uniforms: tuple[Array, ...], noise: PyTree, x: Row
    ) -> tuple[Code, tuple[Array, ...], Scalar]:
        """Block after block; there are no reals."""
        code: tuple[Array, ...] = ()
        logits: tuple[Array, ...] = ()
        for uniform in uniforms:
            logits = (*logits, self.code_logits(x, code))
            code = (*code, rule(logits[-1], uniform))
        return code, logits, jnp.zeros(())


class HasBitLogits(HasCodeLogits):
    """The logits of blocks that are all bits."""


class Encodes(Capability):
    """One code for each row, without chance."""

    @abstractmethod
    def encode(self, x: Row) -> Code:
        """The code."""


class EmbedsCodes(Encodes):
    """An encoder that rounds: each variable of the code has a vector, and its nearest in a codebook is the code."""

    @abstractmethod
    def embed(self, x: Row) -> Array:
        """The vectors before they are rounded, [size, dimension]."""


class ConsultsModel(Capability):
    """An inference model that asks the model itself: refined by its gradients, moved by its dynamics."""

    @abstractmethod
    def consulting(self, model: Any) -> Any:
        """The inference model with the model at hand, ready to draw."""


class Refines(ConsultsModel):
    """One that begins at an amortised guess and climbs the row's own bound before it is used."""


def posterior_of(parts: Mapping[str, Any]) -> Any:
    """The inference model, with the model at hand where it asks for one."""
    inference = parts["inference"]
    return inference.consulting(parts["model"]) if isinstance(inference, ConsultsModel) else inference
