"""What posteriors of reals share: a perceptron that reads x, and one block of reals to speak of."""

from typing import Any, ClassVar

from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasLogJoint
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, known, learned, option


def kinds_of(model: Any) -> list[str]:
    """The kinds of a model's latent blocks."""
    return [latent.kind for latent in model.latents] if isinstance(model, HasLogJoint) else ["no latent variables"]


class Encoded(Part):
    """Abstract: a posterior whose parameters a perceptron reads off x."""

    asks: ClassVar[type] = HasLogJoint
    """What the model must be able to do."""
    hidden: tuple[int, ...] = option((200,))
    activation: str = option("tanh")
    shape: tuple[Layout, ...] = known()
    size: int = known()
    encoder: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS:
            raise InputError(f"a posterior needs hidden widths >= 1 and an activation of {', '.join(ACTIVATIONS)}")

    def unserving(self, model: Any) -> str | None:
        """One block of reals, and nothing else; with what else the posterior asks of it."""
        kinds = kinds_of(model)
        what = type(self).__name__
        if kinds != ["reals"]:
            return f"{what} serves one block of reals, not {', '.join(kinds)}"
        if not isinstance(model, self.asks):
            return f"{what} serves models with {self.asks.__name__}, and {type(model).__name__} has it not"
        return None

    def _encoder(self, key: Key[Array, ""], spec: Spec, model: Any, outputs: int) -> dict[str, Any]:
        """The fields of this class, filled: an encoder that gives so many numbers for each latent variable's block."""
        (latent,) = model.latents
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        return {
            "shape": shape,
            "size": latent.size,
            "encoder": mlp(key, width, self.hidden, outputs, self.activation),
        }

    def _read(self, x: PyTree) -> Array:
        return self.encoder(features(x, self.shape))
