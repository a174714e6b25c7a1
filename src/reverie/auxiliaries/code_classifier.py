"""A classifier of codes."""

from typing import Any, Self

from jaxtyping import Array, Key

from reverie.capabilities import ClassifiesCodes, Code, HasLogJoint, Latent
from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.classes import count_of
from reverie.networks.codes import code_features, code_width
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, filled, known, learned, option


class CodeClassifier(Part, ClassifiesCodes):
    """A perceptron with one output for each class; with no hidden layers it is a logistic regression on the code.

    Args:
        classes: how many; as many as the labels name where not given, ten where there are none.
        hidden: widths of the hidden layers.
        activation: of those layers.

    Example:
        >>> from reverie.auxiliaries import CodeClassifier
        >>> CodeClassifier(classes=3).hidden
        ()

    Reference: Kingma, Rezende, Mohamed & Welling 2014, §2, M1.
    """

    classes: int | None = option(None)
    hidden: tuple[int, ...] = option(())
    activation: str = option("tanh")
    latents: tuple[Latent, ...] = known()
    network: MLP = learned()

    def __check_init__(self) -> None:
        """Refuse options that describe no classifier."""
        few = self.classes is not None and self.classes < 2
        if few or any(width < 1 for width in self.hidden):
            raise InputError("a classifier of codes needs classes >= 2 and hidden widths >= 1")
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")

    def unserving(self, model: Any) -> str | None:
        """Models with latent variables only."""
        return None if isinstance(model, HasLogJoint) else "a classifier of codes serves models with latent variables"

    def unsuited(self, spec: Spec) -> str | None:
        """Not labels that it has no output for."""
        if self.classes is None or spec.classes is None or spec.classes <= self.classes:
            return None
        return f"the labels name {spec.classes} classes and the classifier has {self.classes}: leave classes out"

    def init(self, key: Key[Array, ""], spec: Spec, model: Any = None) -> Self:
        """Small weights: near equal odds."""
        network = mlp(key, code_width(model.latents), self.hidden, count_of(self.classes, spec), self.activation)
        return filled(self, latents=model.latents, network=network)

    def class_logits(self, h: Code) -> Array:
        """The network's outputs."""
        return self.network(code_features(h, self.latents))
