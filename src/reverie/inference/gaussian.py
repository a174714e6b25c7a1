"""The amortised Gaussian posterior."""

from typing import Any, Self

from jaxtyping import Array, Key, PyTree

from reverie.data.spec import Spec
from reverie.inference.encoded import Encoded
from reverie.inference.normal import DiagonalGaussian, fresh, halves
from reverie.parts import filled


class GaussianPosterior(Encoded, DiagonalGaussian):
    """A diagonal Gaussian whose mean and log standard deviation a network reads off x.

        q(h | x) = N(h; μ_φ(x), diag σ_φ(x)²),    h = μ_φ(x) + σ_φ(x) ε,  ε ~ N(0, I)         (Ou 2019, Eq. 12)

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.

    Example:
        >>> from reverie.inference import GaussianPosterior
        >>> GaussianPosterior(hidden=(64, 64)).hidden
        (64, 64)

    Reference: Kingma & Welling 2014, appendix C.2; with convolutions: Radford, Metz & Chintala 2016, §3; with an LSTM:
    Bowman et al. 2016, *Generating sentences from a continuous space*, §3.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """An encoder onto the model's only block of reals."""
        (latent,) = model.latents
        return filled(self, **self._encoder(key, spec, model, 2 * latent.size))

    def moments(self, x: PyTree) -> tuple[Array, Array]:
        """μ(x) and log σ(x)."""
        return halves(self._told(x))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return fresh(key, self.size)
