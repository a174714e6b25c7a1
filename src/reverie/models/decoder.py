"""A network and the distribution that it sets: the way from a code to x."""

from abc import abstractmethod
from dataclasses import KW_ONLY
from typing import Any, Literal, TypeAlias

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from reverie.data.spec import Spec
from reverie.errors import InputError
from reverie.models.heads import Scale
from reverie.models.observation import Likelihood, Observation, check_observation
from reverie.networks.conv import conv_outwards
from reverie.networks.mlp import ACTIVATIONS, MLP, mlp
from reverie.parts import Part, option

DecoderNetwork: TypeAlias = Literal["mlp", "conv"]
WIDTHS = (200,)
"""Of a perceptron whose widths nobody chose."""


class Decoder(eqx.Module):
    """p(x | code) = p(x; f(code), c).

    Attributes:
        network: f, from a code to `observation.outputs` numbers.
        own: c, the parameters of the observation that no code changes; `None` where it has none.
        observation: what the numbers mean.
    """

    network: Any
    own: Array | None
    observation: Observation = eqx.field(static=True)

    def outputs(self, code: Array) -> Array:
        """All the numbers that the observation needs."""
        given = self.network(code)
        return given if self.own is None else jnp.concatenate([given, self.own])

    def log_prob(self, x: PyTree, code: Array) -> Float[Array, ""]:
        """log p(x | code)."""
        return self.observation.log_prob(self.outputs(code), x)

    def sample(self, key: Key[Array, ""], code: Array) -> PyTree:
        """Draw x ~ p(x | code)."""
        return self.observation.sample(key, self.outputs(code))

    def centre(self, code: Array) -> PyTree:
        """The mean of reals, the likeliest bits and categories."""
        return self.observation.centre(self.outputs(code))


class Decoding(Part):
    """Abstract: a model in which a network draws x from a code: a perceptron, or one that convolutions go on from.

    With `network="conv"` height and width double from layer to layer. Images may have any size: the layers start from
    the size halved once each, rounded up, and the margin that is too much is cut off.
    """

    _: KW_ONLY
    activation: str | None = option(None)
    scale: Scale = option(None)
    likelihood: Likelihood = option("gaussian")
    components: int = option(5)
    network: DecoderNetwork = option("mlp")
    channels: tuple[int, ...] = option((32, 16))

    @property
    @abstractmethod
    def hidden(self) -> tuple[int, ...] | None:
        """Widths of perceptrons: an option of whoever inherits, in a place of its own."""

    def __check_init__(self) -> None:
        """Refuse options that describe no decoder."""
        if any(width < 1 for width in self.hidden or ()):
            raise InputError(f"hidden layers need widths of at least 1, not hidden={self.hidden}")
        if self.activation is not None and self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        if self.network not in ("mlp", "conv"):
            raise InputError(f"network must be mlp or conv, not {self.network!r}")
        if not self.channels or min(self.channels) < 1:
            raise InputError(f"a convolutional decoder needs channels, each at least 1, not channels={self.channels}")
        check_observation(self.scale, self.likelihood, self.components)

    @property
    def usual_reader(self) -> str:
        """As it is drawn, so it is read."""
        return self.network

    def unsuited(self, spec: Spec) -> str | None:
        """Convolutions draw images."""
        if self.network == "mlp" or (spec.image is not None and spec.single is not None):
            return None
        return f"network=conv draws images, and these are {spec.kind} columns without a height and a width"

    def perceptron(self, key: Key[Array, ""], inputs: int, outputs: int) -> MLP:
        """A network between codes, of the same widths as the decoder's."""
        widths = WIDTHS if self.hidden is None else self.hidden
        return mlp(key, inputs, widths, outputs, self.activation or "tanh")

    def new_decoder(self, key: Key[Array, ""], inputs: int, spec: Spec, pieces: int = 1) -> Decoder:
        """A decoder that reads so many numbers, in so many pieces; its output bias fits the columns' means."""
        observation = Observation.of(spec, self.scale, self.likelihood, self.components)
        bias = observation.starting_bias(spec)
        own = observation.starting_own(spec) if observation.own else None
        bend = self.activation or "tanh"
        if self.network == "mlp":
            widths = WIDTHS if self.hidden is None else self.hidden
            return Decoder(mlp(key, inputs, widths, observation.outputs, bend, bias), own, observation)
        why = self.unsuited(spec)
        if why is not None or spec.image is None:
            raise InputError(str(why))
        height, width, *rest = spec.image
        # The numbers of continuous columns stand by kind, all means and then all scales; others by pixel.
        blocked = spec.kind == "continuous" and self.likelihood != "logistic-mixture"
        image = (height, width, rest[0] if rest else 1)
        network = conv_outwards(
            key,
            inputs,
            self.channels,
            image,
            bias,
            self.activation or "elu",
            blocked=blocked,
            hidden=self.hidden or (),
            bend=bend,
            pieces=pieces,
        )
        return Decoder(network, own, observation)
