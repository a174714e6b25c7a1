"""Real-valued non-volume-preserving flows on vectors."""

from typing import Any, Self

from jaxtyping import Array, Key

from reverie import noise
from reverie.capabilities import HasLogProb, Pushforward, Samplable
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.coupling import coupling
from reverie.models.suits import only
from reverie.parts import Part, filled, known, learned, option


class RealNVP(Part, HasLogProb, Samplable, Pushforward):
    """A flow of affine coupling layers over a standard normal.

        x = f(ε),  ε ~ N(0, I),    log p(x) = log N(f⁻¹(x); 0, I) + log |det ∂f⁻¹/∂x|

    Each layer keeps half of the coordinates and moves the other half by a scale and a shift that a perceptron reads
    off the first, so that both directions and the determinant are closed forms; a permutation follows each. Log scales
    are bounded by a tanh, as in the paper. Assumes continuous rows of at least two columns.

    Args:
        layers: how many coupling layers.
        width: width of the perceptrons.
        depth: hidden layers of each perceptron.

    Example:
        >>> from reverie.models import RealNVP
        >>> RealNVP(layers=6).layers
        6

    Reference: Dinh, Sohl-Dickstein & Bengio 2017, *Density estimation using Real NVP*, Eq. 3–8.
    """

    layers: int = option(8)
    width: int = option(64)
    depth: int = option(1)
    size: int = known()
    flow: Any = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no model."""
        if min(self.layers, self.width, self.depth) < 1:
            raise InputError("RealNVP needs layers, width and depth of at least 1")

    def unsuited(self, spec: Spec) -> str | None:
        """Only continuous columns, and two at least."""
        if spec.kind == "continuous" and spec.size < 2:
            return "RealNVP couples columns with each other and these data have one column"
        return only("continuous", spec, "RealNVP")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Layers near the identity, over a base without parameters: `noise` draws from it."""
        flow = coupling(key, spec.size, self.layers, self.width, self.depth)
        return filled(self, size=spec.size, flow=flow)

    def log_prob(self, x: Array) -> Array:
        """By the change of variables."""
        return self.flow.log_prob(x)

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.size,))

    def push(self, noise: Array) -> Array:
        """f(ε)."""
        return self.flow.bijection.transform(noise)

    def sample(self, key: Key[Array, ""]) -> Array:
        """f of fresh noise."""
        return self.push(self.noise(key))
