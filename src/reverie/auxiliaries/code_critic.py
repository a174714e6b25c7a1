"""A critic of codes: tells codes of the data from codes of the prior."""

from typing import Any, Self

from jaxtyping import Array, Key

from reverie.capabilities import Code, DiscriminatesCodes, HasLogJoint, Latent
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.networks.codes import code_features, code_width
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class CodeCritic(Part, DiscriminatesCodes):
    """A perceptron V_ψ(h), large for codes of the inference model; at its optimum V = log q(h)/p(h).

    Args:
        hidden: widths of the hidden layers.
        activation: of the hidden layers.

    Example:
        >>> from reverie.auxiliaries import CodeCritic
        >>> CodeCritic(hidden=(64,)).hidden
        (64,)

    Reference: Makhzani et al. 2015, *Adversarial autoencoders*, §2.
    """

    hidden: tuple[int, ...] = option((128, 128))
    activation: str = option("leaky-relu")
    latents: tuple[Latent, ...] = known()
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no critic."""
        if any(width < 1 for width in self.hidden):
            raise InputError("a code critic needs hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unserving(self, model: Any) -> str | None:
        """Models with latent variables only."""
        return None if isinstance(model, HasLogJoint) else "a critic of codes serves models with latent variables"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights: V starts near zero."""
        network = mlp(key, code_width(model.latents), self.hidden, 1, self.activation)
        return filled(self, latents=model.latents, network=network)

    def code_logit(self, h: Code) -> Array:
        """V(h)."""
        return self.network(code_features(h, self.latents))[0]
