"""The amortised Gaussian posterior."""

from typing import Any, Self

from jaxtyping import Array, Key, PyTree

from reverie.data.spec import Spec
from reverie.inference.encoded import Encoded
from reverie.inference.normal import DiagonalGaussian, fresh, halves
from reverie.parts import filled


class GaussianPosterior(Encoded, DiagonalGaussian):
    """A diagonal Gaussian whose mean and log standard deviation a perceptron reads off x.

        q(h | x) = N(h; μ_φ(x), diag σ_φ(x)²),    h = μ_φ(x) + σ_φ(x) ε,  ε ~ N(0, I)         (Ou 2019, Eq. 12)

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.inference import GaussianPosterior
        >>> GaussianPosterior(hidden=(64, 64)).hidden
        (64, 64)

    Reference: Kingma & Welling 2014, appendix C.2.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """An encoder onto the model's only block of reals."""
        (latent,) = model.latents
        return filled(self, **self._encoder(key, spec, model, 2 * latent.size))

    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """μ(x) and log σ(x)."""
        return halves(self._read(x))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)
