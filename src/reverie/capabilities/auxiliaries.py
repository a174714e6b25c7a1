"""What the parts beside model and inference model can do: critics and baselines."""

from abc import abstractmethod

from jaxtyping import Array, Key

from reverie.capabilities.capability import Capability, Code, Row, Scalar


class Discriminates(Capability):
    """A critic: one number for an x."""

    @abstractmethod
    def logit(self, x: Row) -> Scalar:
        """V(x); large for data. At a GAN's optimum V = log p₀/p_θ (Ou 2019, §3.2.4)."""


class DiscriminatesCodes(Capability):
    """A critic of codes: one number for an h."""

    @abstractmethod
    def code_logit(self, h: Code) -> Scalar:
        """V(h); large for codes of the inference model. At the optimum V = log q(h)/p(h)."""


class DiscriminatesPairs(Capability):
    """A critic of pairs: one number for an (x, h)."""

    @abstractmethod
    def pair_logit(self, x: Row, h: Code) -> Scalar:
        """V(x, h); large for h ~ q(h | x). At the optimum V = log q(h | x)/r(h), r being what h is told from."""


class StandsIn(Capability):
    """A surrogate: what a control variate c(z) is made of, c(z) = scale · f(σ(z/temperature)) + extra(x, z)."""

    @abstractmethod
    def temperature(self) -> Scalar:
        """Of the relaxed code."""

    @abstractmethod
    def scale(self) -> Scalar:
        """Of the signal at the relaxed code."""

    @abstractmethod
    def extra(self, x: Row, block: int, z: Array) -> Scalar:
        """What is added for a block of latent variables, z being its logits and noise."""


class StandsInFreely(StandsIn):
    """A surrogate with a function of its own added to the signal."""


class PredictsValue(Capability):
    """A baseline: a guess, from x alone, of the learning signal that a code of x will get."""

    @abstractmethod
    def values(self, x: Row) -> Array:
        """One guess for each block of latent variables, [blocks]."""


class PredictsLocalValues(PredictsValue):
    """A baseline that reads, for each block of a code, what was drawn before it too."""

    @abstractmethod
    def local_values(self, x: Row, h: Code) -> Array:
        """One guess for each block, [blocks]; that of a block owes nothing to the block itself or those after it."""


class PredictsUnits(Capability):
    """Predictors: a guess of each unit of a code from the other units."""

    @abstractmethod
    def predictions(self, units: Array) -> Array:
        """For units in [0, 1], one guess each, [units]."""


class GeneratesPairs(Capability):
    """A generator of a field's rows: x and its code h of one noise, and the density of any such pair."""

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> Array:
        """Draw one ε, free of parameters."""

    @abstractmethod
    def pair(self, noise: Array) -> tuple[Row, Code]:
        """x_φ(ε) and h(ε)."""

    @abstractmethod
    def centre(self, h: Code) -> Row:
        """The middle of q(x | h)."""

    @abstractmethod
    def signals(self, h: Code) -> Array:
        """What the hidden units get before their activation, of all layers, [units]."""

    @abstractmethod
    def log_prior(self, h: Code) -> Scalar:
        """log q(h)."""

    @abstractmethod
    def log_likelihood(self, x: Row, h: Code) -> Scalar:
        """log q(x | h)."""

    def log_joint(self, x: Row, h: Code) -> Scalar:
        """log q(x, h)."""
        return self.log_prior(h) + self.log_likelihood(x, h)


class HasLogNormaliser(Capability):
    """One number that stands for a model's log Z."""

    @abstractmethod
    def log_normaliser(self) -> Scalar:
        """c; p(x) = exp(u(x) − c)."""


class HasPseudoInputs(Capability):
    """Rows that are learned: what an inference model reads as it reads data."""

    @abstractmethod
    def rows(self) -> Row:
        """The rows, [count, …] a leaf: bits as floats in [0, 1], categories as points of the simplex."""
