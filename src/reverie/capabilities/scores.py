"""What models that are learned by taking noise off can do.

Rows are carried from data (t = 0) to noise (t = 1) along z_t = α(t) x̄ + σ(t) ε, x̄ being the row in units of the model's
own choice. Labels are whole numbers, −1 where there is none.
"""

from abc import abstractmethod

from jaxtyping import Array, Float, Int, Key

from reverie.capabilities.capability import Capability, Row, Scalar


class HasNoisePath(Capability):
    """A path of rows with more and more noise on them."""

    @abstractmethod
    def time_at(self, share: Scalar) -> Scalar:
        """The time t below which that share of the times of training lies, 0 ≤ share < 1."""

    @abstractmethod
    def noise(self, key: Key[Array, ""]) -> Float[Array, " columns"]:
        """Draw one ε ~ N(0, I)."""

    @abstractmethod
    def noised(self, x: Row, t: Scalar, noise: Float[Array, " columns"]) -> Float[Array, " columns"]:
        """z_t = α(t) x̄ + σ(t) ε."""

    @abstractmethod
    def log_snr(self, t: Scalar) -> Scalar:
        """log α(t)²/σ(t)², the signal to noise."""


class Denoises(HasNoisePath):
    """Tells the noise on a row, and with it the score: ∇_z log p_t(z) = −ε̂(z, t, y)/σ(t)."""

    @abstractmethod
    def predicted_noise(self, z: Float[Array, " columns"], t: Scalar, y: Int[Array, ""]) -> Float[Array, " columns"]:
        """ε̂(z, t, y), which estimates E[ε | z_t = z, y]."""


class HasVelocity(HasNoisePath):
    """Tells where the noise path goes on average."""

    @abstractmethod
    def path_velocity(self, x: Row, t: Scalar, noise: Float[Array, " columns"]) -> Float[Array, " columns"]:
        """α'(t) x̄ + σ'(t) ε, the velocity of one row's path."""

    @abstractmethod
    def velocity(self, z: Float[Array, " columns"], t: Scalar, y: Int[Array, ""]) -> Float[Array, " columns"]:
        """v̂(z, t, y), which estimates the mean velocity of the paths that pass z at t."""


class GuidesClasses(Capability):
    """Draws rows of a class, nearer to what tells the class from others the larger the guidance."""

    @property
    @abstractmethod
    def guided_classes(self) -> int:
        """How many classes there are; none where the model was made without."""

    @abstractmethod
    def sample_class(self, key: Key[Array, ""], y: Int[Array, ""], guidance: float = 1.0) -> Row:
        """Draw a row of class y; guidance 1 is x ~ p(x | y), 0 is x ~ p(x)."""
