"""A network and the distribution that it sets: the way from a code to x."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree

from reverie.data.spec import Spec
from reverie.models.observation import Observation
from reverie.networks.mlp import mlp


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


def decoder(
    key: Key[Array, ""],
    inputs: int,
    hidden: tuple[int, ...],
    activation: str,
    spec: Spec,
    observation: Observation,
) -> Decoder:
    """A perceptron for a decoder; its output bias fits the columns' means."""
    network = mlp(key, inputs, hidden, observation.outputs, activation, observation.starting_bias(spec))
    return Decoder(network, observation.starting_own(spec) if observation.own else None, observation)
