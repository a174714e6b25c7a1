"""Worlds of few codes for gradient estimators, the exact gradients in them, and the estimators that are measured."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from reverie import noise
from reverie.auxiliaries import ConcreteSurrogate, LocalBaseline, NetworkSurrogate
from reverie.capabilities import (
    HasCodeLogits,
    HasFiniteCodes,
    HasPosterior,
    HasRelaxedJoint,
    Latent,
    PredictsValue,
    StandsInFreely,
)
from reverie.directions import (
    AugmentReinforceMerge,
    ControlVariate,
    EnumeratedElbo,
    MuProp,
    NeuralVariational,
    ScoreFunction,
    layers,
)
from reverie.inference import SigmoidBeliefPosterior
from reverie.models import SigmoidBeliefNet
from reverie.samplers import CodeNoise, Importance
from tests import worlds
from tests.measuring import along, ascents


def with_auxiliaries(parts, spec):
    """A baseline and surrogates that are nowhere near right: an estimator must not need them to be."""
    model, key = parts["model"], noise.make_key(1)
    baseline = worlds.scattered(LocalBaseline((4,)).init(key, spec, model), 3, 0.5)
    surrogate = worlds.scattered(ConcreteSurrogate().init(key, spec, model), 4, 0.2)
    network = worlds.scattered(NetworkSurrogate((5,)).init(key, spec, model), 4, 0.3)
    return parts | {"baseline": baseline, "surrogate": surrogate, "network": network}


@functools.cache
def shallow():
    """One layer of two bits."""
    net = worlds.helmholtz()
    return with_auxiliaries(net.parts, worlds.binary(columns=3).spec), worlds.batch_of(net.x[[1, 6, 6, 3]])


@functools.cache
def deep():
    """Two layers, of three bits and of two."""
    spec = worlds.BINARY.spec
    model = worlds.made(SigmoidBeliefNet((3, 2)), spec, spread=0.7)
    inference = worlds.scattered(SigmoidBeliefPosterior().init(noise.make_key(7), spec, model), 8, 0.5)
    parts = {"model": model, "inference": inference}
    return with_auxiliaries(parts, spec), worlds.batch_of(worlds.BINARY.rows.raw[:4])


class Levels(HasRelaxedJoint, HasFiniteCodes):
    """Two categories of three levels above one real number."""

    prior: jax.Array
    weight: jax.Array

    @property
    def latents(self):
        return (Latent("categories", 2, 3),)

    def _soft(self, h):
        block = h[0]
        return block if jnp.issubdtype(block.dtype, jnp.floating) else jax.nn.one_hot(block, 3)

    def log_prior(self, h):
        return jnp.sum(self._soft(h) * jax.nn.log_softmax(self.prior))

    def log_likelihood(self, x, h):
        return -0.5 * jnp.sum((x - jnp.sum(self._soft(h) * self.weight)) ** 2)


class Chooser(HasPosterior, HasCodeLogits):
    """q(h | x) of two categories."""

    weight: jax.Array

    def code_logits(self, x, below):
        return self.weight * (1.0 + x)

    def sample(self, key, x):
        return (noise.categorical(key, self.code_logits(x, ())),)

    def log_prob(self, h, x):
        return layers.log_prob(self.code_logits(x, ()), jax.nn.one_hot(h[0], 3))


class Bend(StandsInFreely):
    """A surrogate for two categories of three levels that is nowhere near right."""

    weight: jax.Array

    def temperature(self):
        return jnp.asarray(0.7)

    def scale(self):
        return jnp.asarray(0.8)

    def extra(self, x, block, z):
        return jnp.sum(jnp.tanh(self.weight * z) * (1.0 + x))


class Slope(PredictsValue):
    """A baseline for one number."""

    weight: jax.Array

    def values(self, x):
        return self.weight * x[None]


@functools.cache
def categories():
    rng = np.random.default_rng(4)
    arrays = [jnp.asarray(rng.normal(size=(2, 3)), jnp.float32) for _ in range(3)]
    surrogate = ConcreteSurrogate().init(noise.make_key(1), worlds.BINARY.spec)
    parts = {"model": Levels(arrays[0], arrays[1]), "inference": Chooser(arrays[2])}
    network = Bend(jnp.asarray(0.3 * rng.normal(size=(2, 3)), jnp.float32))
    parts |= {"baseline": Slope(jnp.ones(1)), "surrogate": surrogate, "network": network}
    return parts, worlds.batch_of(jnp.array([0.3, -0.8]))


WORLDS: dict[str, Any] = {"shallow": shallow, "deep": deep, "categories": categories}


@functools.cache
def exact(world):
    """The gradient of the evidence lower bound, all codes written out."""
    parts, batch = WORLDS[world]()
    return jax.jit(lambda: along(EnumeratedElbo(), parts, batch, {}))()


class Estimator(NamedTuple):
    """What is measured: means over 4,000 draws of several codes a row."""

    sampler: Any
    direction: Any
    surrogate: str = "surrogate"


ESTIMATORS: dict[str, Estimator] = {
    "reinforce": Estimator(Importance(16), ScoreFunction()),
    "reinforce-others": Estimator(Importance(8), ScoreFunction("others")),
    "nvil": Estimator(Importance(8), NeuralVariational()),
    "muprop": Estimator(Importance(8), MuProp()),
    "arm": Estimator(CodeNoise(8), AugmentReinforceMerge()),
    "disarm": Estimator(CodeNoise(8), AugmentReinforceMerge("disarm")),
    "rebar": Estimator(CodeNoise(4, 2), ControlVariate()),
    "relax": Estimator(CodeNoise(4, 2), ControlVariate(), "network"),
}


@functools.cache
def drawn(world, name):
    """The ascents of an estimator in a world."""
    parts, batch = WORLDS[world]()
    estimator = ESTIMATORS[name]
    if isinstance(estimator.direction, ControlVariate):
        parts = parts | {"surrogate": parts[estimator.surrogate]}
    return ascents(estimator.sampler, estimator.direction, parts, batch)
