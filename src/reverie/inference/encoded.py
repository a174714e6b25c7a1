"""What posteriors of reals share: an encoder that goes on from what is read of x, and blocks of reals, mostly one."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from reverie.capabilities import HasLogJoint
from reverie.data.spec import Spec
from reverie.inference.reading import Perceiving
from reverie.networks.mlp import MLP
from reverie.parts import known, learned


def kinds_of(model: Any) -> list[str]:
    """The kinds of a model's latent blocks."""
    return [latent.kind for latent in model.latents] if isinstance(model, HasLogJoint) else ["no latent variables"]


class Encoded(Perceiving):
    """Abstract: a posterior of reals whose parameters an encoder makes of what is read of x."""

    asks: ClassVar[type] = HasLogJoint
    """What the model must be able to do."""
    several: ClassVar[bool] = False
    """Whether it serves any number of blocks, as one long vector, and not one block only."""
    size: int = known()
    sizes: tuple[int, ...] = known()
    encoder: MLP = learned()

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
        """The fields of this class, filled: a reader, and an encoder that gives so many numbers."""
        read = self.new_reader(key, spec, model)
        return {
            "read": read,
            "size": sum(one.size for one in model.latents),
            "sizes": tuple(one.size for one in model.latents),
            "encoder": self.perceptron(key, read, outputs),
        }

    def blocks(self, h: Array) -> tuple[Array, ...]:
        """One long vector as the model's blocks."""
        return tuple(jnp.split(h, np.cumsum(self.sizes)[:-1]))

    def _told(self, x: PyTree) -> Array:
        return self.encoder(self.read(x))
