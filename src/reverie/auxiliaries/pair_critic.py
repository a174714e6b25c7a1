"""A critic of pairs: tells the inference model's codes of a row from others."""

from typing import Any, Self

from jaxtyping import Array, Key, PyTree

from reverie.capabilities import Code, DiscriminatesPairs, HasLogJoint, Latent
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.codes import code_features, code_width
from reverie.networks.features import Layout, features, layouts
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class PairCritic(Part, DiscriminatesPairs):
    """A perceptron V_ψ(x, h), large for h ~ q(h | x); at its optimum V = log q(h | x)/r(h), h ~ r being the others.

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.auxiliaries import PairCritic
        >>> PairCritic(hidden=(64,)).hidden
        (64,)

    Reference: Mescheder, Nowozin & Geiger 2017, *Adversarial variational Bayes*, Prop. 1.
    """

    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("leaky-relu")
    shape: tuple[Layout, ...] = known()
    latents: tuple[Latent, ...] = known()
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no critic."""
        if any(width < 1 for width in self.hidden):
            raise InputError("a pair critic needs hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unserving(self, model: Any) -> str | None:
        """Models with latent variables only."""
        return None if isinstance(model, HasLogJoint) else "a critic of pairs serves models with latent variables"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights: V starts near zero."""
        shape = layouts(spec)
        width = sum(layout.width for layout in shape) + code_width(model.latents)
        network = mlp(key, width, self.hidden, 1, self.activation)
        return filled(self, shape=shape, latents=model.latents, network=network)

    def pair_logit(self, x: PyTree, h: Code) -> Array:
        """V(x, h)."""
        return self.network(features(x, self.shape), code_features(h, self.latents))[0]
