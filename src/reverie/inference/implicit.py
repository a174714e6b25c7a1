"""An implicit posterior."""

from typing import Any, Self

import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Reparameterised
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class ImplicitPosterior(Part, Reparameterised):
    """A perceptron of x and noise: any distribution, and a density that nobody knows.

        h = f_φ(x, ε),  ε ~ N(0, I)

    Without a density there is no bound to evaluate; a critic stands in for it while learning (AVB).

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.
        noises: the dimension of ε.

    Example:
        >>> from reverie.inference import ImplicitPosterior
        >>> ImplicitPosterior(noises=32).noises
        32

    Reference: Mescheder, Nowozin & Geiger 2017, *Adversarial variational Bayes*, §3, Fig. 2.
    """

    hidden: tuple[int, ...] = option((200,))
    activation: str = option("tanh")
    noises: int = option(16)
    shape: tuple[Layout, ...] = known()
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no posterior."""
        if any(width < 1 for width in self.hidden) or self.activation not in ACTIVATIONS or self.noises < 1:
            raise InputError(
                f"an implicit posterior needs widths >= 1, noises >= 1 and an activation of {', '.join(ACTIVATIONS)}"
            )

    def unserving(self, model: Any) -> str | None:
        """One block of reals, and nothing else."""
        kinds = kinds_of(model)
        return (
            None if kinds == ["reals"] else f"an implicit posterior serves one block of reals, not {', '.join(kinds)}"
        )

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A perceptron onto the model's only block of reals."""
        (latent,) = model.latents
        shape = layouts(spec)
        width = sum(layout.width for layout in shape) + self.noises
        return filled(self, shape=shape, network=mlp(key, width, self.hidden, latent.size, self.activation))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.noises,))

    def transform(self, noise: Array, x: PyTree) -> tuple[Array, ...]:
        """f(x, ε)."""
        return (self.network(jnp.concatenate([features(x, self.shape), noise])),)
