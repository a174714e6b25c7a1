"""What posteriors of reals share: a perceptron that reads x, and blocks of reals, mostly one, to speak of."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
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
    several: ClassVar[bool] = False
    """Whether it serves any number of blocks, as one long vector, and not one block only."""
    hidden: tuple[int, ...] = option((200,))
    activation: str = option("tanh")
    shape: tuple[Layout, ...] = known()
    size: int = known()
    sizes: tuple[int, ...] = known()
    encoder: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS:
            raise InputError(f"a posterior needs hidden widths >= 1 and an activation of {', '.join(ACTIVATIONS)}")

    def unserving(self, model: Any) -> str | None:
        """One block of reals, or several, and nothing else; with what else the posterior asks of it."""
        kinds = kinds_of(model)
        what = type(self).__name__
        if set(kinds) != {"reals"} or (len(kinds) > 1 and not self.several):
            return f"{what} serves {'blocks' if self.several else 'one block'} of reals, not {', '.join(kinds)}"
        if not isinstance(model, self.asks):
            return f"{what} serves models with {self.asks.__name__}, and {type(model).__name__} has it not"
        return None

    def _encoder(self, key: Key[Array, ""], spec: Spec, model: Any, outputs: int) -> dict[str, Any]:
        """The fields of this class, filled: an encoder that gives so many numbers."""
        shape = layouts(spec)
        width = sum(layout.width for layout in shape)
        return {
            "shape": shape,
            "size": sum(one.size for one in model.latents),
            "sizes": tuple(one.size for one in model.latents),
            "encoder": mlp(key, width, self.hidden, outputs, self.activation),
        }

    def blocks(self, h: Array) -> tuple[Array, ...]:
        """One long vector as the model's blocks."""
        return tuple(jnp.split(h, np.cumsum(self.sizes)[:-1]))

    def _read(self, x: PyTree) -> Array:
        return self.encoder(features(x, self.shape))
