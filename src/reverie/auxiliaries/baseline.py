"""A baseline: guesses the learning signal of a code from its row."""

from typing import Any, Self

from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasLogJoint, PredictsValue
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class RowBaseline(Part, PredictsValue):
    """Abstract: a perceptron of x with one output for each block of latent variables, and perhaps more beside it."""

    hidden: tuple[int, ...] = option((100,))
    activation: str = option("tanh")
    shape: tuple[Layout, ...] = known()
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no baseline."""
        if any(width < 1 for width in self.hidden):
            raise InputError("a baseline needs hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unserving(self, model: Any) -> str | None:
        """Models with latent variables only."""
        return None if isinstance(model, HasLogJoint) else "a baseline serves models with latent variables"

    def of_rows(self, key: Key[Array, ""], spec: Spec, model: Any) -> dict[str, Any]:
        """The fields of this class, filled with small weights: the guesses start near zero."""
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        return {"shape": shape, "network": mlp(key, width, self.hidden, len(model.latents), self.activation)}

    def values(self, x: PyTree) -> Array:
        """What the perceptron says of x."""
        return self.network(features(x, self.shape))


class Baseline(RowBaseline, PredictsValue):
    """A perceptron C_ψ(x) with one output for each block of latent variables.

        ∇_φ E_q l(h) = E_q (l(h) − C_ψ(x)) ∇_φ log q(h | x)  for any C, since E_q ∇_φ log q(h | x) = 0

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.auxiliaries import Baseline
        >>> Baseline().hidden
        (100,)

    Reference: Mnih & Gregor 2014, *Neural variational inference and learning in belief networks*, §2.3.
    """

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Guesses near zero."""
        return filled(self, **self.of_rows(key, spec, model))
