"""An implicit posterior."""

from typing import Any, Self

from jaxtyping import Array, Key, PyTree

from reverie import noise
from reverie.capabilities import Reparameterised
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.inference.encoded import kinds_of
from reverie.inference.reading import Perceiving
from reverie.networks.mlp import MLP
from reverie.parts import filled, learned, option


class ImplicitPosterior(Perceiving, Reparameterised):
    """A network of x and noise: any distribution, and a density that nobody knows.

        h = f_φ(x, ε),  ε ~ N(0, I)

    Without a density there is no bound to evaluate; a critic stands in for it while learning (AVB).

    Args:
        hidden: widths of the hidden layers; where not given one of 200, or none right after convolutions or an LSTM.
        activation: of all layers; where not given `tanh`, and `elu` of convolutions.
        reader: what sees x first: `mlp` (nothing does), `conv` or `lstm`; `auto` is as the model's own network is.
        channels: of the convolutions, each of which halves height and width.
        units: of the LSTM.
        embedding: the dimension of a token's vector, which the LSTM reads.
        noises: the dimension of ε.

    Example:
        >>> from reverie.inference import ImplicitPosterior
        >>> ImplicitPosterior(noises=32).noises
        32

    Reference: Mescheder, Nowozin & Geiger 2017, *Adversarial variational Bayes*, §3, Fig. 2.
    """

    noises: int = option(16)
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse noises that are none."""
        if self.noises < 1:
            raise InputError(f"an implicit posterior needs noises of at least one dimension, not noises={self.noises}")

    def unserving(self, model: Any) -> str | None:
        """One block of reals, and nothing else."""
        kinds = kinds_of(model)
        return (
            None if kinds == ["reals"] else f"an implicit posterior serves one block of reals, not {', '.join(kinds)}"
        )

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """A perceptron onto the model's only block of reals."""
        (latent,) = model.latents
        read = self.new_reader(key, spec, model)
        return filled(self, read=read, network=self.perceptron(key, read, latent.size, beside=self.noises))

    def noise(self, key: Key[Array, ""]) -> Array:
        """ε ~ N(0, I)."""
        return noise.normal(key, (self.noises,))

    def transform(self, noise: Array, x: PyTree) -> tuple[Array, ...]:
        """f(x, ε)."""
        return (self.network(self.read(x), noise),)
