"""A critic: tells data from a model's draws."""

from typing import Any, Self

from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Discriminates
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class Critic(Part, Discriminates):
    """A perceptron V_ψ(x); D(x) = σ(V(x)) is the probability that x is data (Ou 2019, Eq. 28 and 34).

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.auxiliaries import Critic
        >>> Critic().hidden
        (128, 128)
    """

    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("leaky-relu")
    shape: tuple[Layout, ...] = known()
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no critic."""
        if any(width < 1 for width in self.hidden):
            raise InputError("a critic needs hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights: V starts near zero."""
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        return filled(self, shape=shape, network=mlp(key, width, self.hidden, 1, self.activation))

    def logit(self, x: PyTree) -> Array:
        """V(x)."""
        return self.network(features(x, self.shape))[0]
